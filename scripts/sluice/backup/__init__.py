"""Backups of the data home: made while builds run, checked, and brought back."""
