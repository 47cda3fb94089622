"""What was said before a turn, as far as who writes its context summary may know it."""

from annotation.desk import EditError
from annotation.drafting import Before
from annotation.models import Conversation, Layer
from annotation.tables import Row, read_conversations, read_segments, read_summaries, read_turns


def before(layer: Layer, uid: str) -> Before:
    """The earlier turns of a turn's conversation and the last summary on them: nothing of the turn itself, or later."""
    if uid not in read_turns(layer, [uid]):
        raise EditError("no-turn", "This turn isn't there any more; it may have been deleted meanwhile.")
    home = Conversation.objects.filter(layer=layer, turns__uid=uid).values_list("uid", flat=True).first()
    if home is None:
        return Before([])
    in_order = read_conversations(layer, [str(home)])[str(home)]["turns"]
    uids = in_order[: in_order.index(uid)]
    turns, summaries = read_turns(layer, uids), read_summaries(layer, uids)
    segments = read_segments(layer, [each for turn in turns.values() for each in (*turn["amateur"], *turn["expert"])])
    texts = [(_said(turns[each], "amateur", segments), _said(turns[each], "expert", segments)) for each in uids]
    written = [summaries[each]["text"] for each in uids if each in summaries]
    return Before(texts, written[-1] if written else "")


def _said(turn: Row, side: str, segments: dict[str, Row]) -> str:
    written = turn[f"{side}_text"]
    text = " ".join(segments[uid]["text"].strip() for uid in turn[side]) if written is None else written
    return str(text).strip()
