"""The one table of screens and of the roles that they are for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from imgcore.domain.access import Role
from imgcore.texts import _
from imgcore.ui.places import Place

PAGES = Path(__file__).parents[2] / "pages"
STAFF = frozenset({Role.ADMIN, Role.CLINICIAN})
EVERYBODY = STAFF | {Role.REVIEWER, Role.PATIENT}
ADMINS = frozenset({Role.ADMIN})


@dataclass(frozen=True)
class Screen:
    """One entry of the menu: the file in ``pages/`` that draws it, and who may open it.

    Those for administrators alone stand in a menu of their own.
    """

    name: str
    title: str
    icon: str
    roles: frozenset[Role]

    @property
    def menu(self) -> str:
        """Name of the menu that it stands in; "" for the bar itself."""
        return _("Administration") if self.roles == ADMINS else ""


# In the order of the menu; a person starts at the first that is for them.
SCREENS = (
    Screen("images", _("Images"), ":material/photo_library:", STAFF | {Role.PATIENT}),
    Screen("visits", _("Visits"), ":material/stethoscope:", STAFF | {Role.PATIENT}),
    Screen("patients", _("Patients"), ":material/groups:", STAFF),
    Screen("sets", _("Image sets"), ":material/collections_bookmark:", STAFF | {Role.REVIEWER}),
    Screen("analyses", _("Analyses"), ":material/biotech:", STAFF | {Role.REVIEWER}),
    Screen("dashboard", _("Dashboard"), ":material/monitoring:", STAFF | {Role.REVIEWER}),
    Screen("trash", _("Trash"), ":material/delete:", STAFF),
    Screen("users", _("Users"), ":material/manage_accounts:", ADMINS),
    Screen("results", _("My results"), ":material/lab_profile:", frozenset({Role.PATIENT})),
    Screen("retention", _("Retention"), ":material/auto_delete:", ADMINS),
    Screen("audit", _("Audit"), ":material/fact_check:", ADMINS),
    Screen("operations", _("Operations"), ":material/monitor_heart:", ADMINS),
    Screen("account", _("Account"), ":material/account_circle:", EVERYBODY),
)


@dataclass(frozen=True)
class Chosen:
    """The screen that this run shows; ``run`` draws it."""

    screen: Screen
    run: Callable[[], None]


def screens_of(role: Role) -> tuple[Screen, ...]:
    """Return the screens that a role may open."""
    return tuple(screen for screen in SCREENS if role in screen.roles)


def start_of(role: Role) -> str:
    """Return the name of the screen that a role starts at; "" when none is for it."""
    return next((screen.name for screen in screens_of(role)), "")


def choose(role: Role) -> Chosen:
    """Draw the menu of a role, and return the screen that the URL names."""
    screens = screens_of(role)
    sections: dict[str, list[st.Page]] = {}
    for screen, page in zip(screens, _pages(role), strict=True):
        sections.setdefault(screen.menu, []).append(page)
    page = st.navigation(sections, position="top")
    named = {screen.name: screen for screen in screens}
    return Chosen(named.get(page.url_path, screens[0]), page.run)


def switch(role: Role, name: str, place: Place) -> NoReturn:
    """Go on at a place of another screen."""
    names = [screen.name for screen in screens_of(role)]
    st.switch_page(_pages(role)[names.index(name)], query_params=place.as_query())


def _pages(role: Role) -> list[st.Page]:
    return [
        st.Page(
            PAGES / f"{screen.name}.py",
            title=screen.title,
            icon=screen.icon,
            url_path=screen.name,
            default=number == 0,
        )
        for number, screen in enumerate(screens_of(role))
    ]
