"""``serve``: the server, for a service manager."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imgcore.config import load_settings
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands

# The folder that holds app.py and pages/, wherever the command is started.
ROOT = Path(__file__).parents[2]
GRACEFUL_SECONDS = 10


def add_to(commands: Commands) -> None:
    """Add these commands."""
    serve = commands.add_parser("serve", help=_("run the server, for a service manager"))
    serve.add_argument("--host", default="127.0.0.1", help=_("address to listen on"))
    serve.add_argument("--port", type=int, default=8501, help=_("port to listen on"))
    serve.set_defaults(run=_serve)


def _serve(asked: argparse.Namespace) -> int:
    import uvicorn

    load_settings()  # says what is wrong with a setting before anything starts
    # Streamlit's own idea of the address; set-up asks for a code when other machines can reach it.
    os.environ["STREAMLIT_SERVER_ADDRESS"] = asked.host
    os.environ["STREAMLIT_SERVER_PORT"] = str(asked.port)
    # uvicorn raises the signal once more when everything has ended in good order.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        uvicorn.run(
            "app:app",
            app_dir=str(ROOT),
            host=asked.host,
            port=asked.port,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            access_log=False,
        )
    except SystemExit as end:
        return 1 if end.code else 0
    return 0
