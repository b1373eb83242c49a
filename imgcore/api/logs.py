"""What the server's own log must never hold: queries, secrets of one-time links and shares, patients."""

from __future__ import annotations

import logging
import re

_QUERY = re.compile(r"\?\S*")
# What follows the PIN has the id of a share in its address, and no secret.
_ONE_TIME = re.compile(r"(/auth/link/|/share/(?!opened/))[^/?\s]+")
# A patient can be named by the number of another system, or somebody types a name: only our ids are kept.
_PATIENT = re.compile(r"(/api/(?:patients|ai/history)/)(?!(?:break-glass|[0-9a-fA-F-]{36})(?:/|$))[^/?]+")


def without_secrets(path: str) -> str:
    """Return a path as it may be written down."""
    return _PATIENT.sub(r"\1…", _ONE_TIME.sub(r"\1…", _QUERY.sub("", path)))


class _WithoutSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                without_secrets(value) if isinstance(value, str) and value.startswith("/") else value
                for value in record.args
            )
        return True


def keep_secrets_out() -> None:
    """Clean every path that uvicorn logs, of requests and of websockets."""
    for name in ("uvicorn.access", "uvicorn.error"):
        logger = logging.getLogger(name)
        if not any(isinstance(each, _WithoutSecrets) for each in logger.filters):
            logger.addFilter(_WithoutSecrets())
