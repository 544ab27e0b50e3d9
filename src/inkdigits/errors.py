"""What can go wrong, in the user's words: one line, and the exit code that goes with it."""


class InkdigitsError(Exception):
    """A failure that the user can act on.

    ``message`` says what is wrong and what to do; ``where`` names the file and the place in it.
    The command line prints ``where: message`` as one line and exits with ``exit_code``.
    """

    kind = "failed"
    exit_code = 1

    def __init__(self, message: str, where: object = None) -> None:
        self.message = message
        self.where = None if where is None else str(where)
        super().__init__(message if where is None else f"{where}: {message}")


class UsageError(InkdigitsError):
    """The command or call was put together wrongly."""

    kind = "usage"
    exit_code = 2


class DataError(InkdigitsError):
    """A file or array is not what it should be."""

    kind = "data"
    exit_code = 3


class TooLarge(DataError):
    """A file that is sound, but has more in it than is read."""


class QualityError(InkdigitsError):
    """The result is below the quality that was asked for."""

    kind = "quality"
    exit_code = 4


class Interrupted(InkdigitsError):
    """The user or the system asked to stop; what was done is saved."""

    kind = "interrupted"
    exit_code = 130
