"""The outlet of SQLite files: rows that SQL has put into a staging file become what consumers see, in one transaction."""
