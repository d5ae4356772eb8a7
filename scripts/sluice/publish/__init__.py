"""Publishing: rows that SQL has put into a staging SQLite file become what consumers see, in one transaction."""
