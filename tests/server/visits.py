"""What tests do at a running server: have sessions, open tabs, and send what a browser sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import col
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Origin, Subprotocol
from websockets.sync.client import ClientConnection, connect

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import SESSION_COOKIE, load_settings
from imgcore.db.tables import User
from imgcore.domain.access import Actor, Role, system, visitor
from imgcore.domain.values import NewUser, StaffRole
from tests.api.hurries import CHEAP, cheap_passwords
from tests.servers.imgcore_server import ImgcoreServer

PASSWORD = "correct horse battery"
ADMIN = "admin@clinic.example"
WITH_ADMIN = {"IMGCORE_ADMIN_EMAIL": ADMIN, "IMGCORE_ADMIN_PASSWORD": PASSWORD}
OURS = {"Sec-Fetch-Site": "same-origin"}
MOST_SECONDS = 60


@dataclass(frozen=True)
class Visits:
    """A server, and the same clinic opened beside it, so that a test can give out and end sessions."""

    server: ImgcoreServer
    clinic: Clinic

    def session(self, email: str = ADMIN) -> str:
        """Open a session, and return its token."""
        return self.clinic.services.sign_in.open(visitor(), email, PASSWORD).token

    def actor(self, token: str) -> Actor:
        """Return whose session this is."""
        actor = self.clinic.services.sign_in.by_cookie(visitor(), token)
        assert actor is not None
        return actor

    def add(self, email: str, role: StaffRole = Role.CLINICIAN) -> Actor:
        """Add a person, and return them as signed in."""
        new = NewUser(email=email, name=email.partition("@")[0], role=role, password=PASSWORD)
        self.clinic.services.accounts.create(system(), new)
        return self.actor(self.session(email))

    def client(self, token: str = "") -> httpx2.Client:
        """Return a browser without a screen, with a session or without."""
        cookies = {SESSION_COOKIE: token} if token else {}
        return httpx2.Client(base_url=self.server.url, cookies=cookies, headers=OURS, timeout=MOST_SECONDS)

    @contextmanager
    def open_tab(self, token: str, resume: str = "", origin: str | None = None) -> Iterator[Tab]:
        """Open the websocket of a tab; ``resume`` is the tab that it says it was before."""
        host = urlsplit(self.server.url).netloc
        with connect(
            f"ws://{host}/_stcore/stream",
            origin=Origin(origin or self.server.url),
            additional_headers={"Cookie": f"{SESSION_COOKIE}={token}"},
            subprotocols=[Subprotocol(name) for name in ("streamlit", "none", resume) if name],
            max_size=None,
            proxy=None,
            open_timeout=MOST_SECONDS,
        ) as connection:
            yield Tab(connection)


class Tab:
    """The websocket of one open tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def rerun(self, query: str = "") -> None:
        """Send what a click sends."""
        message = BackMsg()
        message.rerun_script.query_string = query
        self.connection.send(message.SerializeToString())

    def draw(self, query: str = "") -> str:
        """Run the script once, and return the id that Streamlit gave this tab."""
        self.rerun(query)
        tab, finished = "", False
        while True:
            message = self.receive()
            kind = message.WhichOneof("type")
            if kind == "new_session":
                tab = message.new_session.initialize.session_id
            finished = finished or kind == "script_finished"
            # The last word of a run.
            if finished and kind == "session_status_changed":
                return tab

    def receive(self) -> ForwardMsg:
        """Take the next thing that is drawn."""
        message = ForwardMsg()
        data = self.connection.recv(timeout=MOST_SECONDS)
        assert isinstance(data, bytes)
        message.ParseFromString(data)
        return message


@contextmanager
def beside(server: ImgcoreServer) -> Iterator[Visits]:
    """Open the clinic of a running server beside it, on the same database and the same store."""
    with cheap_passwords(), pytest.MonkeyPatch.context() as environment:
        for name, value in server.env.items():
            environment.setenv(name, value)
        clinic = bootstrap.build(load_settings(data_dir=server.folder / "data"))
        try:
            _cheapen(clinic)
            yield Visits(server, clinic)
        finally:
            clinic.close()


def _cheapen(clinic: Clinic) -> None:
    """Hash the administrator's password cheaply: these tests sign in again and again."""
    with clinic.database.write() as session:
        mine = sa.update(User).where(col(User.email) == ADMIN)
        session.execute(mine.values(password_hash=CHEAP.hash(PASSWORD)))
