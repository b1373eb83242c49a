"""The database, tried on real SQLite files and a real PostgreSQL server."""
