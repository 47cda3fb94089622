"""ELAN's EAF 3.0: a tier for each lane, further ones for what overlaps, and tiers of words that hang on them."""

import html
import re
from pathlib import PurePath

from annotation.exporting.layers import ExportedLayer, Exporter, Tier, lost_with, tiers_of, words_fit
from annotation.importing.rows import Repair

DATE = "2000-01-01T00:00:00+00:00"  # the schema asks for one; a true one would make two exports of a layer differ
MIME = {".wav": "audio/x-wav", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".m4a": "audio/mp4"}
INSIDE = "Time alignable annotations within the parent annotation's time interval, gaps are allowed"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(layer: ExportedLayer) -> bytes:
    """Each annotation has two time slots of its own, in order of time as the format asks."""
    tiers: list[tuple[Tier, str, list[tuple[int, int, str]]]] = []
    for tier in tiers_of(layer):
        tiers.append((tier, tier.name, [(row["start_ms"], row["end_ms"], row["text"]) for row in tier.segments]))
        if tier.words:
            tiers.append((tier, f"{tier.name} - words", tier.words))
    spans = [(start, end) for _, _, said in tiers for start, end, _ in said]
    edges = sorted((at, number, side) for number, span in enumerate(spans) for side, at in enumerate(span))
    slot = {(number, side): f"ts{place}" for place, (_, number, side) in enumerate(edges, 1)}
    lines = [*_head(layer), "    <TIME_ORDER>"]
    lines += [f'        <TIME_SLOT TIME_SLOT_ID="ts{n}" TIME_VALUE="{at}"/>' for n, (at, _, _) in enumerate(edges, 1)]
    lines.append("    </TIME_ORDER>")
    number = 0
    for tier, name, said in tiers:
        own = name == tier.name
        parent = "" if own else f' PARENT_REF="{tier.name}"'
        kind = "segments" if own else "words"
        lines.append(f'    <TIER LINGUISTIC_TYPE_REF="{kind}"{parent} PARTICIPANT="{tier.lane}" TIER_ID="{name}">')
        for _, _, text in said:
            first, last = slot[number, 0], slot[number, 1]
            number += 1
            refs = f'ANNOTATION_ID="a{number}" TIME_SLOT_REF1="{first}" TIME_SLOT_REF2="{last}"'
            value = html.escape(_kept(text), quote=False).replace("\r", "&#13;")
            lines += ["        <ANNOTATION>", f"            <ALIGNABLE_ANNOTATION {refs}>"]
            lines.append(f"                <ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>")
            lines += ["            </ALIGNABLE_ANNOTATION>", "        </ANNOTATION>"]
        lines.append("    </TIER>")
    return ("\n".join([*lines, *_foot(any(name != tier.name for tier, name, _ in tiers))]) + "\n").encode()


def _head(layer: ExportedLayer) -> list[str]:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ANNOTATION_DOCUMENT AUTHOR="" DATE="{DATE}" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">',
        '    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">',
    ]
    for name in layer.media:
        plain = PurePath(_kept(name)).name
        url = html.escape(f"./{plain}")
        kind = MIME.get(PurePath(plain).suffix.lower(), "audio/*")
        lines.append(f'        <MEDIA_DESCRIPTOR MEDIA_URL="{url}" MIME_TYPE="{kind}" RELATIVE_MEDIA_URL="{url}"/>')
    return [*lines, "    </HEADER>"]


def _foot(has_words: bool) -> list[str]:
    lines = ['    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="segments" TIME_ALIGNABLE="true"/>']
    if has_words:
        kind = 'CONSTRAINTS="Included_In" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="words"'
        lines.append(f'    <LINGUISTIC_TYPE {kind} TIME_ALIGNABLE="true"/>')
        lines.append(f'    <CONSTRAINT DESCRIPTION="{INSIDE}" STEREOTYPE="Included_In"/>')
    return [*lines, "</ANNOTATION_DOCUMENT>"]


def lost(layer: ExportedLayer) -> list[Repair]:
    """Control characters, words that overlap or leave their segment, and what stands on segments."""
    return lost_with(layer, texts=("control characters of a text", _kept), words=words_fit)


def _kept(text: str) -> str:
    return _NO_XML.sub("", text)


EXPORTER = Exporter(write, lost, ".eaf", "application/xml")
