"""All that one device has enrolled, in one SQLite file."""
