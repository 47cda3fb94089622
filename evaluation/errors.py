"""What a person can mend about a study."""


class StudyError(Exception):
    """A study that can't be made, opened or read as asked, in words that a person can act on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
