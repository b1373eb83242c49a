"""The dialogs of the user list: add a person, change a role, make a one-time link, close an account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import streamlit as st

from imgcore.domain.access import Role
from imgcore.domain.records import Patient, User
from imgcore.domain.values import NewUser, UserFields, parse
from imgcore.errors import Invalid
from imgcore.services.accounts import LINK_HOURS
from imgcore.services.pages import Turn
from imgcore.texts import _
from imgcore.ui import clinic, dialogs, errors, keys, opened, privacy, words
from imgcore.ui.notices import Notice, keep

FOUND = 6


def roles() -> dict[Role, str]:
    """Return what each role is called."""
    return {
        Role.ADMIN: _("Administrator"),
        Role.CLINICIAN: _("Clinician"),
        Role.REVIEWER: _("Reviewer"),
        Role.PATIENT: _("Patient"),
    }


def called(user: User) -> str:
    """Return a person's name; of a patient's account the initials when names are hidden."""
    return privacy.shown(user.name) if user.role is Role.PATIENT else user.name


def ask_new() -> None:
    """Open the form for a new person; call it from ``on_click``."""
    dialogs.ask(_("Add user"), _new)


def menu(user: User) -> None:
    """Draw what can be done with an account."""
    options: dict[str, tuple[str, Callable[[User], None]]] = {
        "role": (_(":material/badge: Change the role"), _ask_role),
        "record": (_(":material/assignment_ind: Change the patient record"), _ask_record),
        "link": (_(":material/link: New one-time link"), _ask_link),
        "close": (_(":material/block: Close the account"), _ask_close),
        "open": (_(":material/lock_open: Open the account again"), _reopen),
    }
    del options["open" if user.is_active else "close"]
    if user.role is not Role.PATIENT:
        del options["record"]
    key = keys.key("icon-menu", user.id)
    st.menu_button(
        _("More for {name}").format(name=words.literal(called(user))),
        list(options),
        key=key,
        icon=":material/more_vert:",
        type="tertiary",
        help=_("More"),
        format_func=lambda option: options[option][0],
        on_click=lambda: options[st.session_state[key]][1](user),
    )


def _new() -> None:
    st.text_input(_("Name"), key=_key("name"), max_chars=255)
    st.text_input(_("E-mail address"), key=_key("email"), max_chars=254, autocomplete="off")
    _role_box(Role.CLINICIAN)
    st.caption(_("The person gets in with a one-time link, which you see next."))
    st.button(_("Add user"), key=_key("create"), type="primary", on_click=_create)


def _create() -> None:
    with errors.kept():
        typed = st.session_state
        role: Role = typed[_key("role")]
        new = parse(
            NewUser,
            name=typed[_key("name")],
            email=typed[_key("email")],
            role=role,
            patient_id=_record_for(role),
        )
        user, token = clinic.services().accounts.create(clinic.actor(), new)
        _show(user, token or "")


def _ask_role(user: User) -> None:
    dialogs.ask(_("Change the role"), _change_role, user)


def _change_role(user: User) -> None:
    st.markdown(_("Role of **{name}**").format(name=words.literal(called(user))))
    _role_box(user.role, user)
    st.caption(_("The person is signed out and comes back with the new role."))
    st.button(_("Save"), key=_key("save"), type="primary", on_click=_save_role, args=(user,))


def _save_role(user: User) -> None:
    with errors.kept():
        role: Role = st.session_state[_key("role")]
        fields = parse(UserFields, role=role, patient_id=_record_for(role))
        saved = clinic.services().accounts.edit(clinic.actor(), user.id, fields)
        text = _("{name} is now: {role}.").format(name=called(saved), role=roles()[saved.role])
        dialogs.finish(Notice(text))


def _ask_record(user: User) -> None:
    dialogs.ask(_("Change the patient record"), _change_record, user)


def _change_record(user: User) -> None:
    st.markdown(_("Record that **{name}** sees").format(name=words.literal(called(user))))
    _record_box(user)
    st.caption(_("The person is signed out and comes back with the new record."))
    st.button(_("Save"), key=_key("save"), type="primary", on_click=_save_record, args=(user,))


def _save_record(user: User) -> None:
    with errors.kept():
        fields = parse(UserFields, patient_id=_record_for(Role.PATIENT))
        clinic.services().accounts.edit(clinic.actor(), user.id, fields)
        dialogs.finish(Notice(_("The record of {name} was changed.").format(name=called(user))))


def _ask_close(user: User) -> None:
    dialogs.ask(_("Close this account?"), _close, user)


def _close(user: User) -> None:
    text = _("**{name}** is signed out everywhere at once and cannot sign in. It can be opened again.")
    st.markdown(text.format(name=words.literal(called(user))))
    dialogs.confirm(_("Close the account"), _set_active, user, False)


def _reopen(user: User) -> None:
    with errors.kept():
        clinic.services().accounts.edit(clinic.actor(), user.id, parse(UserFields, is_active=True))
        keep(Notice(_("{name} can sign in again.").format(name=called(user))))


def _set_active(user: User, is_active: bool) -> None:
    with errors.kept():
        clinic.services().accounts.edit(clinic.actor(), user.id, parse(UserFields, is_active=is_active))
        dialogs.finish(Notice(_("The account of {name} is closed.").format(name=called(user))))


def _ask_link(user: User) -> None:
    with errors.kept():
        _show(user, clinic.services().accounts.invite(clinic.actor(), user.email))


def _show(user: User, token: str) -> None:
    """Go on to the dialog with the link; the token is nowhere else, so it is shown this once."""
    page = urlsplit(st.context.url or "")
    dialogs.ask(_("One-time link"), _link, user, f"{page.scheme}://{page.netloc}/auth/link/{token}")
    st.rerun()


def _link(user: User, url: str) -> None:
    text = _("Give this link to **{name}**. It works once, for {hours} hours, and sets the password.")
    st.markdown(text.format(name=words.literal(called(user)), hours=LINK_HOURS))
    st.code(url, language=None, wrap_lines=True)
    st.caption(_("It is shown only now."))
    st.button(_("Done"), key=_key("done"), type="primary", on_click=dialogs.cancel)


def _role_box(role: Role, user: User | None = None) -> None:
    names = roles()
    chosen = st.selectbox(
        _("Role"),
        list(names),
        list(names).index(role),
        format_func=lambda each: names[each],
        key=_key("role"),
    )
    if chosen is Role.PATIENT:
        _record_box(user)


def _record_box(user: User | None) -> None:
    """Let the record be found that the account is to see; the open patient's is offered first."""
    typed = st.text_input(
        _("Patient record"),
        key=_key("find"),
        type="search",
        placeholder=_("Find: name, MRN, birth date"),
        icon=":material/search:",
        live="300ms",
    )
    offered = {each.id: each for each in _offered(user, (typed or "").strip())}
    if not offered:
        st.warning(_("Find the patient first, whose record the account is to see."))
        st.session_state.pop(_key("record"), None)
        return
    chosen = st.selectbox(
        _("Record"),
        list(offered),
        format_func=lambda each: _about(offered[each]),
        key=_key("record"),
        label_visibility="collapsed",
    )
    text = _("This account sees the record of {person}, and nothing else.")
    st.caption(text.format(person=words.literal(privacy.person(offered[chosen]))))


def _offered(user: User | None, typed: str) -> Sequence[Patient]:
    patients, who, found = clinic.services().patients, clinic.actor(), opened.now()
    if typed:
        return patients.find(who, typed, Turn(page_size=FOUND)).items
    linked = patients.some(who, [user.patient_id]) if user and user.patient_id else ()
    return [*linked, *([found.patient] if found is not None else [])]


def _about(patient: Patient) -> str:
    return " · ".join(filter(None, (privacy.shown(patient.name), privacy.details(patient))))


def _record_for(role: Role) -> str | None:
    """Return whose record an account of this role sees: the one that was chosen."""
    if role is not Role.PATIENT:
        return None
    chosen = st.session_state.get(_key("record"))
    if chosen is None:
        raise Invalid(_("Find the patient first, whose record the account is to see."))
    return str(chosen)


def _key(*parts: object) -> str:
    return keys.key("user", *parts)
