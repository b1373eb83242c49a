"""Measurements, each beside a peer or a limit in the same run; none decides a test by time."""
