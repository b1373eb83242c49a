"""Checks that take minutes: ``python -m tests.long`` runs them, and no other test waits for them."""
