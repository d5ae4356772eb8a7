"""The outlet of folders of SQLite files, one for each tenant."""
