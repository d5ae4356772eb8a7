"""The lake and the reports: files for other tools, each replaced by one rename."""
