"""Sluice's Python: it moves, serves and starts things. All data logic lives in the dbt project's SQL."""
