"""Landing files as they come: listing them, and making each one readable without losing a record."""
