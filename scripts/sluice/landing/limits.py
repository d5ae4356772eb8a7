"""Sizes in bytes. Read through the module, so that a test can make them small."""

RECORD = 1 << 20
"""Longest record, without its line end, in UTF-8; what is longer is a fault (`line_too_long`)."""
HEADER = 1 << 20
"""The header must end within this many bytes."""
WINDOW = 3 << 18
"""What is looked at together: few windows cost less than many, but memory of more than 1 MiB is slow to get."""
LOOK_AHEAD = 4
"""How many times RECORD one window may hold, to see what an open quote or a long line leads to."""
