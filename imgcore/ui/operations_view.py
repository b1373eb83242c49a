"""How the clinic stands, for administrators: its parts, its last check and backup, and what is overdue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from imgcore.domain.access import Action, Actor
from imgcore.domain.findings import LastCheck
from imgcore.services.backups import LastBackup
from imgcore.services.operations import Counts, Overdue, Standing
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, dates, errors, keys, words

SCREEN = "operations"
SCARCE = 0.1  # of the disk


def overdue(actor: Actor) -> None:
    """Tell an administrator, over every screen, when check or backup is overdue or damage was found."""
    if not clinic.may(actor, Action.OPERATIONS_SEE):
        return
    found = clinic.services().operations.overdue(actor)
    if found:
        with st.container(key="overdue", horizontal=True, vertical_alignment="center"):
            st.warning(_sentence(found), icon=":material/warning:")


def _sentence(found: Overdue) -> str:
    sentences = []
    if found.damage:
        text = ngettext(
            "The last check found {count} fault.", "The last check found {count} faults.", found.damage
        )
        sentences.append(text.format(count=found.damage))
    if found.backup:
        sentences.append(_("The last backup is more than a week old, or there is none."))
    if found.check:
        sentences.append(_("The stored files were not checked for more than a week."))
    return " ".join([*sentences, _("See [Operations]({page}).").format(page=f"/{SCREEN}")])


def parts(standing: Standing) -> None:
    """Draw a card for each part that the clinic depends on."""
    ready, counts = standing.readiness, standing.counts
    free = _("{free} of {total} free").format(
        free=words.size(standing.disk_free), total=words.size(standing.disk_total)
    )
    scarce = _("It is almost full.") if standing.disk_free < SCARCE * standing.disk_total else ""
    cards = [
        (_("Database"), ready.database, standing.database_name),
        (_("Image files"), ready.store, standing.store_name),
        (_("Disk"), ready.disk or scarce, free),
        (_("Audit"), "", _sealed(counts) if counts else _("not known while the database is away")),
    ]
    for column, card in zip(st.columns(len(cards), gap="small"), cards, strict=True):
        with column:
            _card(*card)


def _card(title: str, trouble: str, fact: str) -> None:
    with st.container(border=True, gap=None):
        icon = ":red[:material/error:]" if trouble else ":green[:material/check_circle:]"
        st.markdown(f"{icon} **{title}**")
        st.caption(words.literal(fact))
        if trouble:
            st.markdown(f":red[{words.literal(trouble)}]")


def _sealed(counts: Counts) -> str:
    if counts.oldest_unsealed is None:
        return _("every line is sealed")
    return _("lines since {when} wait for their seal").format(when=dates.moment(counts.oldest_unsealed))


def numbers(counts: Counts) -> None:
    """Draw how much there is."""
    images = counts.images
    facts = [
        ngettext("{count} patient", "{count} patients", counts.patients).format(count=counts.patients),
        ngettext("{count} batch", "{count} batches", counts.batches).format(count=counts.batches),
        ngettext("{count} image", "{count} images", images["kept"]).format(count=images["kept"]),
        _("{count} in the trash").format(count=images["trashed"]),
        _("{size} of originals").format(size=words.size(counts.image_bytes)),
    ]
    if images["damaged"]:
        facts.append(_("{count} damaged").format(count=images["damaged"]))
    st.caption(" · ".join(facts))


def keeping(who: Actor, standing: Standing) -> None:
    """Draw the last check and the last backup, each with the button that makes a new one."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.subheader(_("Check of the stored files"), anchor=False)
        st.markdown(_checked(standing.last_check))
        with st.container(horizontal=True, gap="small"):
            _start(_("Check now"), "check", {}, ":material/fact_check:")
            _start(_("Check and mend"), "check", {"repair": True}, ":material/build:")
    with right, st.container(border=True):
        st.subheader(_("Backup"), anchor=False)
        st.markdown(_backed_up(standing.last_backup))
        if clinic.services().settings.backup_folder is not None:
            _start(_("Back up now"), "backup", {}, ":material/save:")
        else:
            hint = _("Name a folder in IMGCORE_BACKUP_FOLDER to make backups from here, or run: {command}")
            st.caption(hint.format(command="`python -m imgcore backup FILE`"))


def _checked(last: LastCheck | None) -> str:
    if last is None:
        return _("They were never checked.")
    when, tally = dates.moment(last.at), last.tally
    seen = ngettext("{count} image", "{count} images", tally.images).format(count=tally.images)
    if not tally.left and last.is_quick:
        return _("{when}: {seen}, sizes only, nothing wrong.").format(when=when, seen=seen)
    if not tally.left:
        return _("{when}: {seen}, nothing wrong.").format(when=when, seen=seen)
    return _("{when}: {seen}, {faults} faults. :red[The job below names them.]").format(
        when=when, seen=seen, faults=tally.left
    )


def _backed_up(last: LastBackup | None) -> str:
    if last is None:
        return _("There is none.")
    count = ngettext("{count} image", "{count} images", last.images).format(count=last.images)
    lock = _("encrypted") if last.is_encrypted else _("not encrypted")
    return _("{when}: {count}, {lock}.").format(when=dates.moment(last.at), count=count, lock=lock)


def _start(label: str, kind: str, options: Mapping[str, Any], icon: str) -> None:
    key = keys.key("start-job", kind, *options)
    st.button(label, key=key, icon=icon, on_click=_begin, args=(kind, options))


def _begin(kind: str, options: Mapping[str, Any]) -> None:
    with errors.kept():
        clinic.services().jobs.start(clinic.actor(), kind, options)
