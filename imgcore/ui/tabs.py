"""What Streamlit knows of open browser tabs, for the guard in front of it."""

from __future__ import annotations

from streamlit import config, runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager


def prepare(main_script: str, person_header: str) -> None:
    """Find the settings beside ``main_script`` however the server is started, and tie tabs to people.

    With the header, Streamlit lets nobody else take up a tab that lost its connection.
    """
    if config._main_script_path is None:
        config._main_script_path = main_script  # as `streamlit run` does
    config.set_option("server.trustedUserHeaders", {person_header: "person"})


def cookie(tab: str, name: str) -> str | None:
    """Return a cookie that the tab came with, or None when it is not connected."""
    client = runtime.get_instance().get_client(tab)
    context = client.client_context if client else None
    return context.cookies.get(name) if context else None


def held(tab: str) -> tuple[int, int]:
    """Return how many files, and how many bytes, are held in memory for a tab."""
    sizes = [len(record.data) for record in list(_files().file_storage.get(tab, {}).values())]
    return len(sizes), sum(sizes)


def held_in_all() -> int:
    """Return how many bytes are held in memory for all tabs, the closed ones too."""
    return sum(held(tab)[1] for tab in list(_files().file_storage))


def forget_closed() -> None:
    """Let go of the files of tabs that are no longer connected."""
    for tab in list(_files().file_storage):
        if not runtime.get_instance().is_active_session(tab):
            _files().remove_session_files(tab)


def is_unasked(message: bytes) -> bool:
    """Tell whether a tab sent a message by itself: a fragment that repeats, or a sign of life."""
    parsed = BackMsg()
    try:
        parsed.ParseFromString(message)
    except Exception:  # Streamlit closes the connection over it
        return True
    kind = parsed.WhichOneof("type")
    return kind == "app_heartbeat" or (kind == "rerun_script" and parsed.rerun_script.is_auto_rerun)


def _files() -> MemoryUploadedFileManager:
    files = runtime.get_instance().uploaded_file_mgr
    if not isinstance(files, MemoryUploadedFileManager):
        raise TypeError("uploads are not where the guard counts them")
    return files
