"""Praat TextGrid, long form, UTF-8: a tier for each lane, further ones for what overlaps, and tiers of words."""

from annotation.exporting.layers import ExportedLayer, Exporter, lost_with, seconds, tiers_of, words_fit
from annotation.importing.rows import Repair
from annotation.importing.textgrid import WORDLESS

Interval = tuple[int, int, str]


def write(layer: ExportedLayer) -> bytes:
    """Intervals with text are segments and words; gaps between them are intervals without."""
    tiers: list[tuple[str, list[Interval]]] = []
    for tier in tiers_of(layer):
        said = [(row["start_ms"], row["end_ms"], _kept(row["text"]) or WORDLESS) for row in tier.segments]
        tiers.append((tier.name, said))
        if tier.words:
            tiers.append((f"{tier.name} - words", tier.words))
    tiers = tiers or [("amateur", [])]  # Praat wants one at least
    end = seconds(layer.end_ms)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {end} "]
    lines += ["tiers? <exists> ", f"size = {len(tiers)} ", "item []: "]
    for number, (name, said) in enumerate(tiers, 1):
        whole = _filled(said, layer.end_ms)
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ', f'        name = "{name}" ']
        lines += ["        xmin = 0 ", f"        xmax = {end} ", f"        intervals: size = {len(whole)} "]
        for place, (start, until, text) in enumerate(whole, 1):
            lines += [f"        intervals [{place}]:", f"            xmin = {seconds(start)} "]
            quoted = text.replace('"', '""')
            lines += [f"            xmax = {seconds(until)} ", f'            text = "{quoted}" ']
    return ("\n".join(lines) + "\n").encode()


def _filled(said: list[Interval], end_ms: int) -> list[Interval]:
    """The intervals with the gaps before, between and after them."""
    whole: list[Interval] = []
    at = 0
    for start, end, text in said:
        if at < start:
            whole.append((at, start, ""))
        whole.append((start, end, text))
        at = end
    if at < end_ms:
        whole.append((at, end_ms, ""))
    return whole


def lost(layer: ExportedLayer) -> list[Repair]:
    """Texts of spaces alone, words that overlap or leave their segment, and what stands on segments."""
    return lost_with(layer, texts=("a text of spaces alone", _kept), words=words_fit)


def _kept(text: str) -> str:
    return text if text.strip() and text != WORDLESS else ""


EXPORTER = Exporter(write, lost, ".TextGrid", "text/plain; charset=utf-8")
