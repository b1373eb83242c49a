"""What Streamlit's own widget holds in memory is given back once it is stored."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from imgcore.ui import simple_upload


def test_released_files_are_not_held_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    held = MemoryUploadedFileManager("/_stcore/upload_file")
    for tab in ("this tab", "another tab"):
        held.add_file(tab, UploadedFileRec("file", "photo.jpg", "image/jpeg", b"photograph"))
    context = SimpleNamespace(uploaded_file_mgr=held, session_id="this tab")
    monkeypatch.setattr(simple_upload, "get_script_run_ctx", lambda: context)
    simple_upload.release(["file"])
    assert held.get_files("this tab", ["file"]) == []
    assert len(held.get_files("another tab", ["file"])) == 1


def test_without_a_tab_there_is_nothing_to_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple_upload, "get_script_run_ctx", lambda: None)
    simple_upload.release(["file"])
