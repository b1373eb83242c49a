"""Who has an image set: the reviewers it was given to, the guests it was shared with, and their answers."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.access import Actor
from imgcore.domain.sets import Given, ImageSet, Share
from imgcore.texts import _
from imgcore.ui import clinic, dates, icons, keys, set_forms, words


def answers(who: Actor, image_set: ImageSet) -> None:
    """Draw what guests have answered, above the pictures that they speak of."""
    if not image_set.comments:
        return
    for share in clinic.services().shares.all(who, image_set.id):
        if share.commented_at is not None:
            with st.container(border=True, key=keys.key("answer", share.id), gap="xsmall"):
                text = _("**{name}** answered by the link for {label}, {when}")
                said = text.format(
                    name=words.literal(share.comment_by),
                    label=words.literal(share.label),
                    when=dates.moment(share.commented_at),
                )
                st.markdown(f":material/forum: {said}")
                st.markdown(lines(share.comment))


def lines(text: str) -> str:
    """Return typed text of several lines so that Markdown shows it letter by letter."""
    return "  \n".join(map(words.literal, text.splitlines()))


def draw(who: Actor, image_set: ImageSet) -> None:
    """Draw both lists, with the buttons that add to them."""
    services = clinic.services()
    _heading(_("Reviewers"), _("Give to a reviewer"), ":material/person_add:", set_forms.ask_give, image_set)
    given = services.image_sets.given_to(who, image_set.id)
    if not given:
        st.caption(_("Nobody was given this image set."))
    for each in given:
        _given(image_set, each)
    _heading(_("Links for guests"), _("New link"), ":material/add_link:", set_forms.ask_share, image_set)
    shares = services.shares.all(who, image_set.id)
    if not shares:
        st.caption(_("There is no link to this image set."))
    for share in shares:
        _share(share)


def _heading(title: str, label: str, icon: str, ask: object, image_set: ImageSet) -> None:
    with st.container(
        key=keys.key("set-heading", title),
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
    ):
        st.subheader(title, anchor=False, width="content")
        st.button(label, key=keys.key("set-add", title), icon=icon, on_click=ask, args=(image_set,))  # type: ignore[arg-type]


def _given(image_set: ImageSet, given: Given) -> None:
    with _row(given.user_id):
        with st.container(gap=None):
            st.markdown(f"**{words.literal(given.name)}**")
            until = _("without end") if given.ends_at is None else _until(given)
            st.caption(words.literal(f"{given.email} · {until}"))
        if given.has_ended:
            st.badge(_("ended"), color="gray")
        label = _("Take back from {name}").format(name=words.literal(given.name))
        key = keys.key("red-undo", given.user_id)
        icons.button(key, "undo", label, set_forms.ask_take_back, image_set, given)


def _until(given: Given) -> str:
    when = dates.moment(given.ends_at) if given.ends_at else ""
    return (_("until {when}") if not given.has_ended else _("ended {when}")).format(when=when)


def _share(share: Share) -> None:
    states = {
        "open": (_("works"), "green"),
        "expired": (_("expired"), "gray"),
        "revoked": (_("revoked"), "gray"),
        "locked": (_("locked after wrong PINs"), "orange"),
    }
    label, colour = states[share.state]
    with _row(share.id):
        with st.container(gap=None):
            st.markdown(f"**{words.literal(share.label)}**")
            st.caption(words.literal(_facts(share)))
        st.badge(label, color=colour)  # type: ignore[arg-type]
        if share.state in ("open", "locked"):
            text = _("Revoke the link for {name}").format(name=words.literal(share.label))
            icons.button(keys.key("red-revoke", share.id), "link_off", text, set_forms.ask_revoke, share)


def _facts(share: Share) -> str:
    parts = [_("until {when}").format(when=dates.moment(share.expires_at))]
    if share.opened_at is None:
        parts.append(_("not opened yet"))
    else:
        parts.append(_("last opened {when}").format(when=dates.moment(share.opened_at)))
    if share.created_by_name:
        parts.append(_("made by {name}").format(name=share.created_by_name))
    return " · ".join(parts)


def _row(row_id: object) -> st.delta_generator.DeltaGenerator:
    key = keys.key("row", row_id)
    return st.container(key=key, horizontal=True, vertical_alignment="center", gap="small", wrap=False)
