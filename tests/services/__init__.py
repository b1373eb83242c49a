"""The use cases, tried on real databases with real files."""
