"""Forgetting a person: their records leave landing files, the archive, and what is free in database files."""
