"""Landing files as they come: listing them, and proving or making each one readable without losing a record."""
