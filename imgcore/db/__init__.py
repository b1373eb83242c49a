"""The clinic's records: tables, the engine, transactions and migrations."""
