"""The outlets of reports, with what they promise (JSON Schemas), and of alerts."""
