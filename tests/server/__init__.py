"""Tests that ask a real server process."""
