"""Imgcore keeps a clinic's photographs: stored once, found again, never lost."""

__version__ = "0.1.0"
