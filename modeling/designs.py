"""What an experiment varies: the arms of each design, as what they change in a config."""

from collections.abc import Mapping
from typing import Any

Arms = tuple[tuple[str, dict[str, Any]], ...]

MOST_RUNS = 60
MAX_ARM = 40
DESIGNS: dict[str, tuple[str, str, Arms]] = {  # key: its name, the question it asks, its arms
    "reproduction": (
        "Reproduction of the paper",
        "What loss does the paper's recipe reach, and how much of it is luck?",
        (("as in the paper", {"epochs": 1, "max_steps": None, "has_content_only": True}),),
    ),
    "content": (
        "Turns with content or all",
        "Does it help to learn from turns with content alone?",
        (("with content", {"has_content_only": True}), ("all turns", {"has_content_only": False})),
    ),
    "scaling": (
        "50 / 75 / 100 % of the turns",
        "Would more data help?",
        (("50 %", {"fraction": 0.5}), ("75 %", {"fraction": 0.75}), ("100 %", {"fraction": 1.0})),
    ),
    "variants": (
        "LoRA variants",
        "Does a variant of LoRA learn better?",
        (
            ("LoRA", {"variant": "lora"}), ("rsLoRA", {"variant": "rslora"}), ("DoRA", {"variant": "dora"}),
            ("PiSSA", {"variant": "pissa"}), ("LoRA+", {"variant": "loraplus"}),
        ),
    ),
    "seeds": ("Seeds alone", "How much of a result is luck?", (("the same", {}),)),
    "own": ("Arms of your own", "", ()),
}  # fmt: skip


class DesignError(ValueError):
    """Arms that are none, in a sentence that a person can act on."""


def arms_of(design: str, own: Any = None) -> Arms:
    """The arms of a design; those of your own come as {name: {option: value}}."""
    if design not in DESIGNS:
        raise DesignError(f"The design is one of {', '.join(DESIGNS)}, not {design}.")
    if design != "own":
        return DESIGNS[design][2]
    if not isinstance(own, Mapping) or not own:
        raise DesignError('Give the arms as JSON: {"rank 4": {"rank": 4}, "rank 16": {"rank": 16}}.')
    for name, options in own.items():
        if not isinstance(options, Mapping):
            raise DesignError(f"The arm {name} needs its options: a name and a value each.")
        if not 0 < len(name.strip()) <= MAX_ARM or "," in name or not name.isprintable():
            raise DesignError(
                f"The name of an arm has 1 to {MAX_ARM} characters, and no comma: {name[:60]!r} won't do."
            )
        if {"seed", "validate_on"} & set(options):
            raise DesignError(f"The arm {name} sets seed or validate_on, which are the experiment's to set.")
    return tuple((name.strip(), dict(options)) for name, options in own.items())
