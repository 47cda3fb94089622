"""The table of families is data: read without torch, the same in the docs, honest about what can't be opened."""

import subprocess
import sys
from pathlib import Path

import pytest

from modeling.backbones.errors import BackboneError
from modeling.backbones.registry import ALIASES, FAMILIES, family_of, require_packages

DOCS = Path(__file__).parents[3] / "docs" / "models.md"


class Config:
    def __init__(self, model_type, *architectures):
        self.model_type, self.architectures = model_type, list(architectures) or None


def test_it_is_read_without_torch():
    code = (
        "import sys; from modeling.backbones.registry import FAMILIES; "
        "print(len(FAMILIES), *sorted({'torch', 'transformers', 'numpy', 'django'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(len(FAMILIES))]


def test_the_docs_tell_what_the_table_does():
    rows = {line.split("|")[1].strip(): line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
    assert set(rows) == {f"`{key}`" for key in FAMILIES}
    for family in FAMILIES.values():
        row = [cell.strip() for cell in rows[f"`{family.key}`"].split("|")]
        rate = "not known" if family.audio_tokens_per_second is None else f"{family.audio_tokens_per_second:g}"
        assert row[2:] == [
            family.name, family.license, "not known" if family.max_seconds is None else f"{family.max_seconds:g} s",
            "several" if family.several_clips else "one", rate, family.status, "",
        ]  # fmt: skip


@pytest.mark.parametrize("kind", ["qwen2_5_omni", "qwen2_5_omni_thinker"])
def test_a_part_is_trained_whatever_class_the_whole_names(kind):
    family = family_of(Config(kind, "Qwen2_5OmniModel"))
    assert family.class_name == "Qwen2_5OmniThinkerForConditionalGeneration"


def test_every_alias_stands_for_a_listed_family():
    assert set(ALIASES.values()) <= set(FAMILIES)


@pytest.mark.parametrize("key", [key for key, family in FAMILIES.items() if family.status == "unsupported"])
def test_what_is_not_supported_says_so(key):
    with pytest.raises(BackboneError, match="can't be opened here"):
        family_of(Config(key))


def test_a_config_without_a_class_is_its_familys():
    assert family_of(Config("qwen2_audio")).name == "Qwen2-Audio"
    with pytest.raises(BackboneError, match="of type nameless"):
        family_of(object())


def test_a_family_that_needs_what_is_not_there_names_the_package(monkeypatch):
    from modeling.backbones import registry

    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(BackboneError, match="needs the package mistral-common"):
        require_packages(FAMILIES["voxtral"])
    require_packages(FAMILIES["qwen2_audio"])
