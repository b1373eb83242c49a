"""What the program writes down while it works: sentences, or a JSON object a line for what collects logs."""

from __future__ import annotations

import logging
import sys

from imgcore.config import Settings

# Whatever writes lines of its own uses the one form, and only for what goes wrong.
OTHERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "streamlit", "huey")


def configure(settings: Settings) -> None:
    """Write everything in the form that is set; with none set, warnings alone, as Python does by itself."""
    if not settings.log_format:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings.log_format))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OTHERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.WARNING)
    logging.getLogger("imgcore").setLevel(logging.INFO)


def _formatter(form: str) -> logging.Formatter:
    if form == "json":
        from pythonjsonlogger.json import JsonFormatter

        names = {"asctime": "at", "levelname": "level", "name": "logger"}
        return JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=names,
                             datefmt="%Y-%m-%dT%H:%M:%S%z")  # fmt: skip
    return logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
