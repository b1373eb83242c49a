"""``serve``: the server, for a service manager."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from imgcore.config import load_settings
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands

# The folder that holds app.py and pages/, wherever the command is started.
ROOT = Path(__file__).parents[2]
# Requests under way may take so long after the signal, and everything may take so long together.
GRACEFUL_SECONDS = 5
LAST_SECONDS = 9.0


def add_to(commands: Commands) -> None:
    """Add these commands."""
    serve = commands.add_parser("serve", help=_("run the server, for a service manager"))
    serve.add_argument("--host", default="127.0.0.1", help=_("address to listen on"))
    serve.add_argument("--port", type=int, default=8501, help=_("port to listen on"))
    serve.set_defaults(run=_serve)


def _serve(asked: argparse.Namespace) -> int:
    load_settings()  # says what is wrong with a setting before anything starts
    # Streamlit's own idea of the address; set-up asks for a code when other machines can reach it.
    os.environ["STREAMLIT_SERVER_ADDRESS"] = asked.host
    os.environ["STREAMLIT_SERVER_PORT"] = str(asked.port)
    # uvicorn raises the signal once more when everything has ended in good order.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        return _run(asked.host, asked.port)
    except SystemExit as end:
        return 1 if end.code else 0


def _run(host: str, port: int) -> int:
    import uvicorn

    class Server(uvicorn.Server):
        """The server, which ends in time even when a thread of it waits for a store that hangs."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # As safe as a power cut: what was not acknowledged is taken back at the next start.
            last = threading.Timer(LAST_SECONDS, os._exit, (0,))
            last.daemon = True
            last.start()
            super().handle_exit(sig, frame)

    server = Server(
        uvicorn.Config(
            "app:app",
            host=host,
            port=port,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            access_log=False,
        )
    )
    sys.path.insert(0, str(ROOT))
    server.run()
    return 0 if server.started else 1
