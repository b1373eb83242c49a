"""The dialogs of image sets: make one, give it to a reviewer, and share it with a guest by link and PIN."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import streamlit as st

from imgcore.domain import sets
from imgcore.domain.records import Consent
from imgcore.domain.sets import PURPOSES, NewImageSet, NewShare, Purpose
from imgcore.domain.values import parse
from imgcore.errors import Invalid
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, dates, dialogs, errors, keys, places, words
from imgcore.ui.notices import Notice

_DAYS = 7


def purposes() -> dict[Purpose, str]:
    """Return what each purpose is called."""
    return {"record": _("Medical record"), "teaching": _("Teaching"), "publication": _("Publication")}


def ask_set(patient_id: UUID, image_ids: Sequence[UUID]) -> None:
    """Open the form that makes a set of images; call it from a callback."""
    title = _("Make an image set of {images}").format(images=words.images(len(image_ids)))
    dialogs.ask(title, _new_set, patient_id, tuple(image_ids))


def ask_second_opinion(patient_id: UUID, image_ids: Sequence[UUID]) -> None:
    """Open the form that makes a set and a link to it in one step; call it from a callback."""
    title = _("Share {images} for a second opinion").format(images=words.images(len(image_ids)))
    dialogs.ask(title, _second_opinion, patient_id, tuple(image_ids))


def ask_give(image_set: sets.ImageSet) -> None:
    """Open the form that gives a set to a reviewer; call it from ``on_click``."""
    dialogs.ask(_("Give to a reviewer"), _give, image_set)


def ask_take_back(image_set: sets.ImageSet, given: sets.Given) -> None:
    """Ask before a reviewer loses a set; call it from ``on_click``."""
    dialogs.ask(_("Take the image set back?"), _take_back, image_set, given)


def ask_share(image_set: sets.ImageSet) -> None:
    """Open the form that makes a link to a set; call it from ``on_click``."""
    dialogs.ask(_("New link for a guest"), _share, image_set)


def ask_revoke(share: sets.Share) -> None:
    """Ask before a link ends; call it from ``on_click``."""
    dialogs.ask(_("Revoke this link?"), _revoke, share)


def _new_set(patient_id: UUID, image_ids: tuple[UUID, ...]) -> None:
    consents = _consents(patient_id)
    names = purposes()
    with st.form(_key("new"), border=False):
        st.text_input(_("Name"), key=_key("name"), max_chars=255)
        st.radio(
            _("Purpose"),
            list(names),
            key=_key("purpose"),
            format_func=lambda each: f"{names[each]}: {_state(consents[each])}",
        )
        _note_box(_("Note"))
        st.caption(_("Without the patient's consent to the purpose no set is made."))
        st.form_submit_button(_("Make the set"), type="primary", on_click=_make_set, args=(image_ids,))


def _make_set(image_ids: tuple[UUID, ...]) -> None:
    with errors.kept():
        made = _made(image_ids, st.session_state[_key("name")], st.session_state[_key("purpose")])
        places.go(places.Place(set=made.image_set.id), "sets")
        text = _("Image set “{name}” was made.").format(name=made.image_set.name)
        dialogs.finish(Notice(f"{text} {_left_out(made.left_out)}".strip()))


def _second_opinion(patient_id: UUID, image_ids: tuple[UUID, ...]) -> None:
    consent = _consents(patient_id)["record"]
    if not consent.holds:
        text = _("Consent to the medical record: {state}.").format(state=_state(consent))
        hint = _("Record the consent on the patient's page first.")
        st.warning(f"{text}  \n{hint}", icon=":material/lock:")
    with st.form(_key("opinion"), border=False):
        st.text_input(_("Title"), _("Second opinion"), key=_key("name"), max_chars=255)
        _link_boxes()
        _note_box(_("Your question"))
        st.form_submit_button(
            _("Make link and PIN"), type="primary", on_click=_make_and_share, args=(image_ids,)
        )


def _make_and_share(image_ids: tuple[UUID, ...]) -> None:
    with errors.kept():
        wish = _wish()  # before the set is made, so that none is left without its link
        made = _made(image_ids, st.session_state[_key("name")], "record")
        _show(made.image_set, wish, made.left_out)


def _share(image_set: sets.ImageSet) -> None:
    with st.form(_key("share"), border=False):
        _link_boxes()
        st.form_submit_button(_("Make link and PIN"), type="primary", on_click=_make_share, args=(image_set,))


def _make_share(image_set: sets.ImageSet) -> None:
    with errors.kept():
        _show(image_set, _wish(), 0)


def _show(image_set: sets.ImageSet, wish: NewShare, left_out: int) -> None:
    """Go on to the dialog with link and PIN; they are nowhere else, so they are shown this once."""
    link = clinic.services().shares.create(clinic.actor(), image_set.id, wish)
    page = urlsplit(st.context.url or "")
    url = f"{page.scheme}://{page.netloc}/share/{link.token}"
    dialogs.ask(_("Link and PIN"), _link, image_set, link, url, left_out)
    st.rerun()


def _link(image_set: sets.ImageSet, link: sets.NewLink, url: str, left_out: int) -> None:
    if left_out:
        st.info(_left_out(left_out), icon=":material/badge:")
    until = dates.moment(link.share.expires_at)
    text = _("Link for **{label}**, until {until}").format(label=words.literal(link.share.label), until=until)
    st.markdown(text)
    st.code(url, language=None, wrap_lines=True)
    st.markdown(_("PIN"))
    st.code(link.pin, language=None)
    st.warning(
        _("Both are shown only now. Send the PIN by another way than the link, by telephone for example."),
        icon=":material/call:",
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Open the image set"), key=_key("open"), on_click=_open, args=(image_set.id,))
        st.button(_("Done"), key=_key("done"), type="primary", on_click=_done)


def _open(set_id: UUID) -> None:
    places.go(places.Place(set=set_id), "sets")
    dialogs.finish()


def _done() -> None:
    dialogs.finish()


def _give(image_set: sets.ImageSet) -> None:
    people = clinic.services().image_sets.reviewers(clinic.actor())
    if not people:
        st.markdown(_("There is no reviewer yet. An administrator adds one under Users."))
        return
    named = {each.user_id: f"{each.name} · {each.email}" for each in people}
    with st.form(_key("give"), border=False):
        st.selectbox(_("Reviewer"), list(named), key=_key("reviewer"), format_func=lambda each: named[each])
        st.date_input(
            _("Until, or without end"),
            None,
            key=_key("ends_on"),
            format=dates.PICKER,
            min_value=dates.today(),
            max_value=dates.today() + timedelta(days=3650),
        )
        st.caption(_("Reviewers see pictures under pseudonyms, and neither names nor days."))
        st.form_submit_button(_("Give"), type="primary", on_click=_do_give, args=(image_set, named))


def _do_give(image_set: sets.ImageSet, named: dict[UUID, str]) -> None:
    with errors.kept():
        user_id, day = st.session_state[_key("reviewer")], st.session_state[_key("ends_on")]
        ends_at = None if day is None else datetime.combine(day, time(23, 59, 59), dates.zone())
        clinic.services().image_sets.give(clinic.actor(), image_set.id, user_id, ends_at)
        dialogs.finish(Notice(_("Given to {name}.").format(name=named[user_id].partition(" · ")[0])))


def _take_back(image_set: sets.ImageSet, given: sets.Given) -> None:
    text = _("**{name}** no longer sees it, from now on. It can be given again.")
    st.markdown(text.format(name=words.literal(given.name)))
    dialogs.confirm(_("Take back"), _do_take_back, image_set, given)


def _do_take_back(image_set: sets.ImageSet, given: sets.Given) -> None:
    with errors.kept():
        clinic.services().image_sets.take_back(clinic.actor(), image_set.id, given.user_id)
        dialogs.finish(Notice(_("Taken back from {name}.").format(name=given.name)))


def _revoke(share: sets.Share) -> None:
    text = _("The link for **{label}** ends at once, also where it is open. It cannot be opened again.")
    st.markdown(text.format(label=words.literal(share.label)))
    dialogs.confirm(_("Revoke"), _do_revoke, share)


def _do_revoke(share: sets.Share) -> None:
    with errors.kept():
        clinic.services().shares.revoke(clinic.actor(), share.id)
        dialogs.finish(Notice(_("The link for {label} is revoked.").format(label=share.label)))


def _made(image_ids: tuple[UUID, ...], name: str, purpose: Purpose) -> sets.Made:
    if len(image_ids) > sets.MOST_IMAGES:
        raise Invalid(_("An image set holds at most {most} pictures.").format(most=sets.MOST_IMAGES))
    typed = {"name": name, "purpose": purpose, "note": st.session_state[_key("note")]}
    new = parse(NewImageSet, image_ids=list(image_ids), **typed)
    return clinic.services().image_sets.create(clinic.actor(), new)


def _link_boxes() -> None:
    st.text_input(_("For whom"), key=_key("label"), max_chars=255, placeholder=_("Dr Berg, City Hospital"))
    st.number_input(_("Days that it works"), 1, sets.MOST_DAYS, _DAYS, key=_key("days"))


def _wish() -> NewShare:
    label = str(st.session_state[_key("label")] or "").strip()
    if not label:
        raise Invalid(_("Please say for whom the link is."))
    return parse(NewShare, label=label, days=int(st.session_state[_key("days")]))


def _note_box(label: str) -> None:
    hint = _("Read by all who get the pictures: no names of patients.")
    st.text_area(label, key=_key("note"), max_chars=2_000, height=90, help=hint, placeholder=hint)


def _left_out(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "{count} identity document was left out.", "{count} identity documents were left out.", count
    )


def _consents(patient_id: UUID) -> dict[Purpose, Consent]:
    patient = clinic.services().patients.get(clinic.actor(), patient_id)
    return {each: cast("Consent", getattr(patient, f"consent_{each}")) for each in PURPOSES}


def _state(consent: Consent) -> str:
    if consent.withdrawn_on is not None:
        return _("withdrawn on {day}").format(day=dates.day(consent.withdrawn_on))
    if consent.given_on is None:
        return _("no consent recorded")
    return _("consent given on {day}").format(day=dates.day(consent.given_on))


def _key(*parts: object) -> str:
    return keys.key("set", *parts)
