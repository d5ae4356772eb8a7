"""The categories a transaction can have, in the order the prediction service numbers them."""

CATEGORIES: tuple[str, ...] = (
    "groceries",
    "restaurants",
    "transport",
    "utilities",
    "housing",
    "health",
    "shopping",
    "entertainment",
    "travel",
    "income",
    "fees",
    "other",
)
