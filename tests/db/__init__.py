"""Tests of the database: its shape, its transactions, and what it refuses."""
