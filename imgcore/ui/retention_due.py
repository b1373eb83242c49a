"""What is past its time, as a table, and its way into the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from imgcore.domain.retention import Due, Report
from imgcore.texts import _, ngettext
from imgcore.ui import clinic, dates, dialogs, errors, keys, privacy, words
from imgcore.ui.notices import Notice

if TYPE_CHECKING:
    import pandas as pd

_ROW, _HEADER, _MOST_ROWS = 35, 38, 12  # CSS pixels, and rows that are seen at once


def draw() -> None:
    """Draw the report of today, with what can be done about it."""
    report = clinic.services().retention.due(clinic.actor())
    if report.elsewhere:
        st.caption(_elsewhere(report.elsewhere))
    if not report.due:
        st.markdown(_("Nothing is past its time."))
        return
    _table(report)
    with st.container(horizontal=True, gap="small"):
        if report.going:
            st.button(
                _("Move what is due to the trash"),
                key="retention-run",
                icon=":material/delete_sweep:",
                on_click=dialogs.ask,
                args=(_("Move what is due to the trash?"), _ask, report),
            )
        st.link_button(
            _("Download CSV"), "/api/retention/due/csv/", key="retention-csv", icon=":material/download:"
        )


def people(count: int) -> str:
    """Return "1 patient" or "6 patients"."""
    return ngettext("{count} patient", "{count} patients", count)


def _elsewhere(count: int) -> str:
    return _(
        "Also due: {patients} of care teams that you are not in. The server itself reaches them."
    ).format(patients=people(count))


def _table(report: Report) -> None:
    kinds = st.column_config
    st.dataframe(
        _frame(report),
        hide_index=True,
        height=min(len(report.due), _MOST_ROWS) * _ROW + _HEADER,
        row_height=_ROW,
        column_config={
            "patient": kinds.TextColumn(_("Patient"), width=140),
            "last": kinds.DateColumn(_("Last visit"), format="D MMM YYYY", width=100),
            "since": kinds.DateColumn(_("Due since"), format="D MMM YYYY", width=100),
            "why": kinds.TextColumn(_("Because of"), width=175),
            "what": kinds.TextColumn(_("What goes"), width=185),
            "images": kinds.NumberColumn(_("Images"), width=70),
            "size": kinds.TextColumn(_("Size"), width=75),
            "hold": kinds.TextColumn(_("Legal hold"), width=95),
        },
        alt=_("What is past its time"),
    )


def _frame(report: Report) -> pd.DataFrame:
    import pandas as pd

    due = report.due
    return pd.DataFrame(
        {
            "patient": [privacy.shown(each.patient_name) for each in due],
            "last": [each.last_visit_on for each in due],
            "since": [each.since for each in due],
            "why": [_why(each) for each in due],
            "what": [_what(each) for each in due],
            "images": [each.images for each in due],
            "size": [words.size(each.file_size) for each in due],
            "hold": [_("stays") if each.is_held else "" for each in due],
        }
    )


def years(count: int) -> str:
    """Return "1 year" or "10 years"."""
    return ngettext("{count} year", "{count} years", count)


def _why(each: Due) -> str:
    if each.has_own_years:
        return _("the patient’s own {years}").format(years=years(each.years))
    return _("the rule of {years}").format(years=years(each.years))


def _what(each: Due) -> str:
    if each.is_whole:
        return _("everything, {batches}").format(batches=words.batches(each.batches))
    label = clinic.services().categories.label
    return ", ".join(f"{label(code)} ({count})" for code, count in each.categories.items())


def _ask(report: Report) -> None:
    going = report.going
    text = _(
        "**{patients}** with {images}. For {days} days everything can be restored, then it goes for good."
    )
    st.markdown(
        text.format(
            patients=people(len(going)),
            images=words.images(sum(each.images for each in going)),
            days=clinic.services().settings.trash_days,
        )
    )
    held = len(report.due) - len(going)
    if held:
        st.caption(_("A legal hold keeps {patients}.").format(patients=people(held)))
    st.caption(_("Patients as of {day}; whoever was seen since stays.").format(day=dates.day(report.on)))
    dialogs.confirm(_("Move to trash"), _run, report)


def _run(report: Report) -> None:
    with errors.kept():
        run = clinic.services().retention.run(clinic.actor(), [each.patient_id for each in report.going])
        changes = tuple(run.changes.values())
        if not changes:
            dialogs.finish(Notice(_("Nothing was due any more.")))
        text = _("{patients} with {images} in the trash.").format(
            patients=people(len(changes)), images=words.images(run.images)
        )
        dialogs.finish(Notice(text, changes[-1], changes[:-1]))


def key(*parts: object) -> str:
    """Return the key of a widget of the screen."""
    return keys.key("retention", *parts)
