"""The client of the prediction service: transactions in, answers out, whatever the service does.

`classify_table` takes and gives Arrow; `classify` is the core over any asking function. State (what was
answered, how often a transaction failed, what is a dead letter) lives in the warehouse, not here.
"""

from sluice.categories import CATEGORIES
from sluice.classify.answers import Answer, Reply
from sluice.classify.breaker import Clock
from sluice.classify.engine import classify
from sluice.classify.http import HttpAsk, model_version
from sluice.classify.settings import Settings
from sluice.classify.table import FIELDS, RESULT, classify_batches, classify_table

__all__ = [
    "CATEGORIES",
    "FIELDS",
    "RESULT",
    "Answer",
    "Clock",
    "HttpAsk",
    "Reply",
    "Settings",
    "classify",
    "classify_batches",
    "classify_table",
    "model_version",
]
