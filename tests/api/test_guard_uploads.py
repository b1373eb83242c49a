"""Streamlit's own uploader holds whole files in memory: only so many, and only for the tab's own session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgcore.api.upload_caps import Caps
from tests.api.guarded import OURS, House, open_house

CAPS = Caps(files=3, bytes=1000, bytes_in_all=1500)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, CAPS) as house:
        token = house.sign_in()
        house.tabs.cookies = {"tab": token, "second": token, "foreign": "token of somebody else"}
        yield house


def put(house: House, size: int, tab: str = "tab") -> int:
    """Upload a file of so many bytes, and return the status."""
    path = f"/_stcore/upload_file/{tab}/file"
    status: int = house.client.put(path, content=b"x" * size, headers=OURS).status_code
    return status


def put_in_pieces(house: House, *sizes: int) -> int:
    """Upload a file that does not say how long it is, and return the status."""
    pieces = (b"x" * size for size in sizes)
    path = "/_stcore/upload_file/tab/file"
    status: int = house.client.put(path, content=pieces, headers=OURS).status_code
    return status


def test_a_tab_may_hold_so_many_files(house: House) -> None:
    house.tabs.files["tab"] = [1, 1]
    assert put(house, 1) == 200
    house.tabs.files["tab"].append(1)
    assert put(house, 1) == 413
    assert put(house, 1, "second") == 200


def test_a_tab_may_hold_so_many_bytes(house: House) -> None:
    house.tabs.files["tab"] = [600]
    assert put(house, 400) == 200
    assert put(house, 401) == 413
    house.tabs.files["tab"] = []
    assert put(house, 401) == 200


def test_bytes_count_as_they_arrive(house: House) -> None:
    assert put_in_pieces(house, 500, 500) == 200
    assert put_in_pieces(house, 500, 500, 1) == 413
    assert put_in_pieces(house, 500, 500) == 200


def test_a_length_that_is_a_lie_or_nonsense_is_no_way_round(house: House) -> None:
    for length in ["0", "-5", "x", "9" * 30]:
        headers = {**OURS, "Content-Length": length}
        answer = house.client.put("/_stcore/upload_file/tab/file", content=b"x" * 1001, headers=headers)
        assert (length, answer.status_code) == (length, 413)


def test_all_tabs_together_may_hold_so_many_bytes(house: House) -> None:
    house.tabs.files = {"second": [900], "third": [600]}
    assert put(house, 1) == 413


def test_files_of_closed_tabs_make_room(house: House) -> None:
    house.tabs.files = {"closed": [900], "third": [600]}
    house.tabs.closed = {"closed"}
    assert put(house, 100) == 200
    assert house.tabs.files == {"third": [600]}


def test_what_was_refused_says_so_in_the_one_error_shape(house: House) -> None:
    answer = house.client.put("/_stcore/upload_file/tab/file", content=b"x" * 1001, headers=OURS)
    assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("tab", ["foreign", "unknown", "", "%20"])
def test_a_tab_of_another_session_takes_nothing(house: House, tab: str) -> None:
    for method in ["PUT", "DELETE", "GET"]:
        answer = house.client.request(method, f"/_stcore/upload_file/{tab}/file", headers=OURS)
        assert answer.status_code == 404


def test_a_file_of_the_own_tab_can_be_taken_back(house: House) -> None:
    house.tabs.files["tab"] = [1000]
    answer = house.client.delete("/_stcore/upload_file/tab/file", headers=OURS)
    assert answer.json()["reached"] == "/_stcore/upload_file/tab/file"
