"""What the measurements' command lines share."""

from argparse import ArgumentTypeError


def how_many(text: str) -> int:
    """A whole number of things of which there must be some. Raises what argparse tells the user."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)
