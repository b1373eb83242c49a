"""Faults from outside: a proxy that breaks connections, disks that are full, processes that are killed."""
