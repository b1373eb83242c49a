"""The queue of jobs: ids that wait for whoever works next, on this machine or another."""

from __future__ import annotations

from imgcore.queue.queues import Queue, Workers

__all__ = ["Queue", "Workers"]
