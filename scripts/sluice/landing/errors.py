"""What stops a file from being read at all."""


class UnreadableFileError(Exception):
    """A landing file that cannot be loaded as it is; the message is for people.

    `retry` is True where the file may be fine and only could not be opened, or was still changing.
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry
