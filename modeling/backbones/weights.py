"""Where a checkpoint's files are: a folder or the hub, safetensors alone, and what makes them this revision."""

import hashlib
import json
import os
import re
from pathlib import Path

from modeling.backbones.errors import BackboneError

UNSAFE = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def revision_of(folder: Path) -> str:
    """Hash what makes a checkpoint: every small file whole, of the weights the size and both ends of each shard."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".jinja", ".txt", ".model", ".safetensors"}:
            digest.update(json.dumps([path.name, path.stat().st_size]).encode())
            digest.update(_ends(path) if path.suffix == ".safetensors" else path.read_bytes())
    return digest.hexdigest()


def _ends(path: Path, mebibyte: int = 1 << 20) -> bytes:
    with path.open("rb") as file:
        start = file.read(mebibyte)  # the header with names, shapes and offsets is here
        file.seek(max(len(start), path.stat().st_size - mebibyte))
        return start + file.read(mebibyte)


def folder_of(path_or_hub_id: str | Path, revision: str | None) -> Path:
    """The checkpoint directory, or that of a hub id, fetched where the hub may be asked; safetensors alone will do."""
    folder = Path(path_or_hub_id)
    if not folder.is_dir():
        if not _may_be_hub_id(str(path_or_hub_id)):
            raise BackboneError("base-missing", f"There is no base model at {path_or_hub_id}.")
        if os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}:
            raise BackboneError(
                "hub-offline",
                f"The base {path_or_hub_id} would come from the hub, and HF_HUB_OFFLINE forbids that; "
                "give the path of a checkpoint directory.",
            )
        folder = _fetch(str(path_or_hub_id), revision)
    if not (folder / "config.json").is_file():
        raise BackboneError("base-incomplete", f"The folder {folder.name} has no config.json, so it is no checkpoint.")
    if not any(folder.glob("*.safetensors")):
        if any(path for pattern in UNSAFE for path in folder.glob(pattern)):
            raise BackboneError(
                "unsafe-weights",
                f"The checkpoint {folder.name} has pickled weights only, which can run code when opened; "
                "convert it to safetensors.",
            )
        raise BackboneError("base-incomplete", f"The checkpoint {folder.name} has no safetensors weights.")
    return folder


def _may_be_hub_id(name: str) -> bool:
    return re.fullmatch(r"[\w.-]+/[\w.-]+", name) is not None


def _fetch(hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download  # asks the network, so only where that is meant

    try:
        fetched = snapshot_download(
            hub_id, revision=revision, allow_patterns=["*.json", "*.jinja", "*.txt", "*.model", "*.safetensors"]
        )
    except (OSError, ValueError) as error:  # the hub's own errors are OSErrors
        reason = str(error).splitlines()[0]
        raise BackboneError("hub-failed", f"The base {hub_id} could not be fetched from the hub: {reason}") from None
    return Path(fetched)
