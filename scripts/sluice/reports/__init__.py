"""What the reports promise (JSON Schemas), and telling somebody about new alerts."""
