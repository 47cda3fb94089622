"""What can go wrong between a question and a verdict."""


class JudgeError(Exception):
    """Why there is no reply: a sentence without key, address or foreign words; whether trying again may help.

    `may_be_charged` tells that the endpoint may have answered, and want money, though nothing was heard.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        permanent: bool,
        retry_after_s: float | None = None,
        may_be_charged: bool = False,
        status: int | None = None,
        names: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.may_be_charged = may_be_charged
        self.status = status
        self.names = names  # the parameter that the endpoint does not take, where it said so


class Invalid(Exception):
    """A text that states no verdict, or more than one."""
