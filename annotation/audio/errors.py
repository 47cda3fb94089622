"""What can be wrong with a recording, with a stable code and a sentence that says how to mend it."""


class AudioError(Exception):
    """A recording, or a request about one, that can't be worked with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __repr__(self) -> str:
        return f"AudioError({self.code!r}, {self.message!r})"
