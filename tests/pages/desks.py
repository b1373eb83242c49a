"""A person at a screen that no browser draws, and what a test does there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.bootstrap import Clinic
from imgcore.domain.access import Actor, Role, system, visitor
from imgcore.domain.records import Batch, Patient
from imgcore.domain.values import NewUser
from imgcore.services import Services
from imgcore.services.uploads import Offered
from imgcore.ui import identity, navigation
from tests.services.clinics import photo

SECONDS = 60


@dataclass(frozen=True)
class Desk:
    """A clinic, and whoever is signed in at it."""

    clinic: Clinic
    monkeypatch: pytest.MonkeyPatch

    @property
    def services(self) -> Services:
        """All services of the clinic."""
        return self.clinic.services

    def sign_in(self, role: Role = Role.CLINICIAN, patient: Patient | None = None) -> Actor:
        """Let a new person of a role look at the screens from now on."""
        about = {
            "email": f"{role}@clinic.example",
            "name": f"Some {role}",
            "role": role,
            "patient_id": str(patient.id) if patient else None,
        }
        user, _token = self.services.accounts.create(system(), NewUser.model_validate(about))
        actor = self.services.sign_in.by_id(visitor(), user.id)
        self.as_(actor)
        return actor

    def as_(self, actor: Actor) -> None:
        """Let this person look at the screens from now on."""
        self.monkeypatch.setattr(identity, "current_actor", lambda: actor)

    def open(self, screen: str = "", **query: object) -> AppTest:
        """Open a screen, the first of the menu when none is named, at a place in its URL."""
        app = AppTest.from_file(navigation.PAGES / "_frame.py", default_timeout=SECONDS)
        app.context = {"timezone": "Europe/Berlin", "url": "http://clinic.example/"}
        if screen:
            app.run().switch_page(f"{screen}.py")
        app.query_params = {name: str(value) for name, value in query.items()}
        app.run()
        assert not app.exception
        return app

    def send(self, batch: Batch, count: int) -> None:
        """Store some photographs in a batch."""
        for number in range(count):
            intake = self.services.uploads.intake(system(), f"photo-{number}.jpg")
            intake.write(photo(number))
            received = self.services.uploads.store(system(), batch.id, [Offered(intake.finish())])
            assert not received.failed


def click(app: AppTest, key: str) -> AppTest:
    """Click the button with this key."""
    app.button(key=key).click().run()
    assert not app.exception
    return app


def submit(app: AppTest, label: str) -> AppTest:
    """Click the last button with this label, which is the one of the open dialog."""
    [each for each in app.button if each.label == label][-1].click().run()
    assert not app.exception
    return app


def keyed(app: AppTest, prefix: str) -> list[str]:
    """Return the rest of the keys of all buttons whose key begins like this, in their order."""
    found = [each.key for each in app.button if each.key and each.key.startswith(prefix)]
    return [key.removeprefix(prefix) for key in found]


def banner(app: AppTest) -> str:
    """Return the HTML of the patient banner, or an empty string."""
    return next((each.proto.body for each in app.html if 'class="imgcore-banner"' in each.proto.body), "")


def said(app: AppTest) -> str:
    """Return what the notice at the foot of the screen says."""
    return "".join(each.proto.body for each in app.html if 'role="status"' in each.proto.body)


def everything(app: AppTest) -> str:
    """Return all that is sent to the browser for this screen, as text."""
    return "\n".join(str(getattr(each, "proto", "")) for each in app)


def texts(app: AppTest) -> str:
    """Return the sentences of the screen."""
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.subheader, *app.title])
