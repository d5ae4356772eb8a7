"""Tests of the macros that judge values, by themselves."""
