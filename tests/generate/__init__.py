"""Tests of the data generator: its deliveries are held against an independent reading."""
