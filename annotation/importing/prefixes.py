"""Who speaks, where a format has no place for that and a text begins with a name: “Anna: Cut at 300 Hz.”"""

import re
from collections import Counter
from collections.abc import Sequence

from annotation.importing.rows import UNNAMED, Heard, lane_of

MOST = 12  # names in a file; more are beginnings of sentences
_NAME = r"[^\W_][^:\n\[\]?!,;\"“”]{0,39}"
_PREFIX = re.compile(rf"(?:\[({_NAME})\]:?|({_NAME}):)(?: |$)")


def named(heard: Heard, texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Speaker and text for each (where, text).

    A beginning is a name where the file keeps to it: at least half of its texts have one, the names are few, and most
    are a lane's or come again. A text without one goes on with the speaker before it, and is told as repaired.
    """
    found = [_PREFIX.match(text) for _, text in texts]
    names = Counter(match[1] or match[2] for match in found if match)
    spoken = sum(names.values())
    again = sum(1 for name, count in names.items() if count > 1 or lane_of(name, {}))
    if not spoken or 2 * spoken < len(texts) or len(names) > MOST or (2 * again < len(names) and spoken < len(texts)):
        return [(UNNAMED, text) for _, text in texts]
    speaker, said = UNNAMED, []
    for (where, text), match in zip(texts, found, strict=True):
        if match:
            speaker, text = match[1] or match[2], text[match.end() :]
        else:
            heard.mend("a text without a name, given to the speaker before", where)
        said.append((speaker, text))
    return said
