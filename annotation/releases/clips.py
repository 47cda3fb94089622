"""A release's clips: copied as they are, or brought to full scale, or packed as FLAC."""

import shutil
from collections.abc import Callable, Container, Sequence
from pathlib import Path

from annotation.releases.options import Options, ReleaseError
from annotation.releases.telling import Carried

FULL_SCALE = 32_767
Report = Callable[[int, int, str], None]


def carry(
    snapshot: Path, out: Path, names: Sequence[str], options: Options, report: Report, *, known: Container[str]
) -> dict[str, Carried]:
    """Write the named clips into a release; what is not among the `known` files of the snapshot is left out."""
    carried = {}
    for done, name in enumerate(names):
        report(done, len(names), "clips")
        if name not in known:  # a path that somebody else wrote, perhaps one that leads elsewhere
            continue
        file = name if options.audio == "wav" else f"{name.removesuffix('.wav')}.{options.audio}"
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        if options.clips == "as-is" and options.audio == "wav":
            shutil.copyfile(snapshot / name, out / file)
            carried[name] = Carried(file)
        else:
            carried[name] = Carried(file, _remade(snapshot / name, out / file, options))
    return carried


def _remade(source: Path, target: Path, options: Options) -> float:
    """Write a clip anew with 16 bits; return the gain in dB that it got."""
    import numpy as np
    import soundfile  # here and not above: the web process opens no clip

    try:
        samples, rate = soundfile.read(source, dtype="int16", always_2d=True)
    except soundfile.SoundFileError as error:
        name = "/".join(source.parts[-2:])
        raise ReleaseError("bad-clip", f"The clip {name} can't be read as audio; release it as it is.") from error
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    factor = FULL_SCALE / peak if options.clips == "normalised" and peak else 1.0
    if factor != 1.0:
        samples = np.clip(np.rint(samples * factor), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)
    soundfile.write(target, samples, rate, subtype="PCM_16", format=options.audio.upper())
    return round(20 * float(np.log10(factor)), 6)
