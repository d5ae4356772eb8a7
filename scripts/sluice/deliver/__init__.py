"""Delivery: what leaves the warehouse at the end of a run, outlet by outlet (outlets.py)."""
