"""Open tabs end with their session, belong to their person, and hold only so much."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from imgcore.domain.access import system
from imgcore.domain.values import UserFields
from tests.server.visits import ADMIN, WITH_ADMIN, Visits, beside
from tests.servers.imgcore_server import ImgcoreServer

pytestmark = pytest.mark.xdist_group("tabs")


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """One server for the tests of the module."""
    folder = tmp_path_factory.mktemp("server")
    with ImgcoreServer(folder, env=WITH_ADMIN) as server, beside(server) as visits:
        yield visits


def sign_out(visits: Visits, token: str) -> None:
    """Sign out as the page does."""
    with visits.client(token) as client:
        assert client.post("/auth/logout").status_code == 303


def test_after_sign_out_in_one_tab_a_click_in_the_other_draws_nothing(visits: Visits) -> None:
    token = visits.session()
    with visits.open_tab(token) as one, visits.open_tab(token) as other:
        assert one.draw() != other.draw()
        sign_out(visits, token)
        other.rerun()
        with pytest.raises(ConnectionClosed) as closed:
            other.connection.recv(timeout=60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        # The quiet one is closed too, without a click.
        with pytest.raises(ConnectionClosed):
            one.connection.recv(timeout=60)


def test_a_tab_is_closed_when_an_administrator_closes_the_account(visits: Visits) -> None:
    leaver = visits.add("leaver@clinic.example")
    assert leaver.user_id is not None
    with visits.open_tab(visits.session(leaver.email)) as tab:
        tab.draw()
        visits.clinic.services.accounts.edit(system(), leaver.user_id, UserFields(is_active=False))
        with pytest.raises(ConnectionClosed):
            tab.connection.recv(timeout=60)


def test_other_sessions_of_the_person_stay_open(visits: Visits) -> None:
    first, second = visits.session(), visits.session()
    with visits.open_tab(first) as tab, visits.open_tab(second) as stays:
        tab.draw()
        sign_out(visits, first)
        with pytest.raises(ConnectionClosed):
            tab.connection.recv(timeout=60)
        assert stays.draw()


def test_a_person_takes_up_a_tab_again_and_nobody_else_does(visits: Visits) -> None:
    colleague = visits.add("colleague@clinic.example")
    with visits.open_tab(visits.session()) as tab:
        left = tab.draw()
    with visits.open_tab(visits.session(colleague.email), resume=left) as tab:
        assert tab.draw() != left
    with visits.open_tab(visits.session(), resume=left) as tab:
        assert tab.draw() == left


class Uploader:
    """Streamlit's own upload of one tab."""

    def __init__(self, client: httpx2.Client, tab: str) -> None:
        self.client = client
        self.tab = tab
        client.get("/_stcore/health")
        self.headers = {"X-Xsrftoken": client.cookies["_streamlit_xsrf"]}

    def put(self, name: str, size: int = 10) -> int:
        """Send a file, and return the status."""
        path = f"/_stcore/upload_file/{self.tab}/{name}"
        files = {"file": (name, b"x" * size)}
        return self.client.put(path, files=files, headers=self.headers).status_code

    def delete(self, name: str) -> int:
        """Take a file back, and return the status."""
        path = f"/_stcore/upload_file/{self.tab}/{name}"
        return self.client.delete(path, headers=self.headers).status_code


def test_a_tab_takes_forty_files_of_its_own_session(visits: Visits) -> None:
    token, stranger = visits.session(), visits.session()
    with visits.open_tab(token) as tab, visits.client(token) as client, visits.client(stranger) as foreign:
        name = tab.draw()
        uploader = Uploader(client, name)
        assert Uploader(foreign, name).put("0") == 404
        assert [uploader.put(str(number)) for number in range(40)] == [204] * 40
        assert uploader.put("40") == 413
        assert Uploader(foreign, name).delete("0") == 404
        assert uploader.delete("0") == 204
        assert uploader.put("40") == 204


def test_a_tab_takes_two_hundred_megabytes(visits: Visits) -> None:
    token = visits.session()
    with visits.open_tab(token) as tab, visits.client(token) as client:
        uploader = Uploader(client, tab.draw())
        size = 9 * 1024 * 1024
        statuses = [uploader.put(str(number), size) for number in range(23)]
        assert statuses == [204] * 22 + [413]


def test_a_closed_tab_takes_nothing(visits: Visits) -> None:
    token = visits.session()
    with visits.open_tab(token) as tab:
        name = tab.draw()
    with visits.client(token) as client:
        uploader = Uploader(client, name)
        while (status := uploader.put("0")) == 204:
            pass  # the server has not yet seen that the tab is gone
        assert status == 404


def test_ten_wrong_passwords_are_enough(visits: Visits) -> None:
    fields = {"email": ADMIN, "password": "open sesame"}
    with visits.client() as client:
        statuses = [client.post("/auth/login", data=fields).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
