"""The queue of jobs, tried in SQLite files and on a real PostgreSQL server."""
