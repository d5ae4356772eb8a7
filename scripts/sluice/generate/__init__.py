"""Messy data for every feed, of any size, with the truth about it beside it."""

from sluice.generate.run import DeliveryExistsError, generate
from sluice.generate.truth import FeedSummary, Summary

__all__ = ["DeliveryExistsError", "FeedSummary", "Summary", "generate"]
