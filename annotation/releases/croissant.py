"""Croissant 1.0 metadata (MLCommons) of a release: its files with their hashes, its columns with their types."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from annotation.releases.formats import FORMATS
from annotation.releases.options import Options
from annotation.releases.statistics import Statistics
from annotation.snapshots.splits import SPLITS

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
KINDS = {"string": "sc:Text", "int64": "sc:Integer", "bool": "sc:Boolean", "double": "sc:Float"}


def metadata(
    manifest: Mapping[str, Any],
    options: Options,
    counted: Statistics,
    schemas: Mapping[str, pa.Schema],
    files: Mapping[str, str],
    about: Mapping[str, str],
) -> dict[str, Any]:
    """The JSON-LD of a release in Parquet; `files` are its files with their sha256, `about` who made it and when."""
    paths = FORMATS[options.format].paths
    tables = {
        (config, split): path.format(split=split)
        for config, path in paths.items()
        for split in SPLITS
        if counted.rows[split]
    }
    digest = str(manifest.get("content_hash", ""))
    distribution = [_file(name, files[name], "application/x-parquet") for name in tables.values()]
    clips = [name for name in files if name.startswith("audio/")]
    distribution += [_file(name, files[name], f"audio/{Path(name).suffix[1:]}") for name in clips]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": str(manifest.get("name") or "data set"),
        "description": "Turns of co-creative mixing sessions: what an amateur asked, which music played, what an "
        "expert answered.",
        "license": str(manifest.get("license") or "not stated"),
        "url": about.get("url") or f"urn:sha256:{digest}",
        "version": "1.0.0",
        "creator": {"@type": "sc:Organization", "name": about.get("creator") or "not stated"},
        "datePublished": about.get("date") or "1970-01-01",
        "citeAs": f"Data set with the content hash {digest}",
        "distribution": distribution,
        "recordSet": [_records(config, split, name, schemas[config]) for (config, split), name in tables.items()],
    }


def _file(name: str, digest: str, kind: str) -> dict[str, Any]:
    told = {"@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name}
    return {**told, "encodingFormat": kind, "sha256": digest}


def _records(config: str, split: str, file: str, schema: pa.Schema) -> dict[str, Any]:
    name = f"{config}-{split}"
    fields = [_field(f"{name}/{column.name}", column, file, column.name) for column in schema]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(place: str, column: pa.Field, file: str, path: str) -> dict[str, Any]:
    """A column; a list of structs is a repeated field with a field for each of its members."""
    told: dict[str, Any] = {"@type": "cr:Field", "@id": place, "name": place}
    kind = column.type
    if pa.types.is_list(kind):
        source = {"fileObject": {"@id": file}, "extract": {"column": path}}
        if not pa.types.is_struct(kind.value_type):
            return {**told, "repeated": True, "dataType": "sc:Text", "source": source}
        parts = []
        for member in kind.value_type:
            part = _field(f"{place}/{member.name}", member, file, path)
            parts.append({**part, "source": {**source, "transform": {"jsonPath": member.name}}})
        return {**told, "repeated": True, "subField": parts}
    source = {"fileObject": {"@id": file}, "extract": {"column": path}}
    return {**told, "dataType": KINDS.get(str(kind), "sc:Text"), "source": source}
