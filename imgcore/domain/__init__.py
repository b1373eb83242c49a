"""The clinic's words and rules, pure: no database, no files, no network."""
