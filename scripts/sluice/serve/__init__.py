"""The read side: Datasette over the published SQLite files, with permissions that deny by default,
the HTTP routes of the contract's section 7, and pages that explain what is here."""
