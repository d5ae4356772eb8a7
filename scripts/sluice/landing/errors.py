"""What stops a file from being read at all."""


class UnreadableFileError(Exception):
    """A landing file that cannot be loaded as it is.

    Args:
        message: what is wrong and what to do, for everybody: it never holds a byte of the file's content.
        detail: what operators may see besides, e.g. the first line as it was read.
        retry: the file may be fine and only could not be opened, or was still changing.
    """

    def __init__(self, message: str, detail: str | None = None, *, retry: bool = False) -> None:
        super().__init__(message)
        self.detail = detail
        self.retry = retry
