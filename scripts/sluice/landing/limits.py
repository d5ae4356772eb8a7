"""Sizes in bytes. Read through the module, so that a test can make them small."""

RECORD = 1 << 20
"""Longest record, without its line end, in UTF-8; what is longer is a fault (`line_too_long`)."""
HEADER = 1 << 20
"""The header must end within this many bytes."""
WINDOW = 1 << 19
"""What is looked at together: small enough to stay, with its masks, in the processor's second-level cache."""
LOOK_AHEAD = 4
"""How many times RECORD one window may hold, to see what an open quote or a long line leads to."""
