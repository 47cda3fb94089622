"""What goes wrong in the modeling cores, in words that a person can act on."""


class CoreError(ValueError):
    """A refusal with a stable code and a full sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class BackboneError(CoreError):
    """A base model or an example that it can't take."""


class TrainingError(CoreError):
    """A snapshot, a config or a run that can't be trained."""


class GenerationError(CoreError):
    """A request for candidates that can't be met."""
