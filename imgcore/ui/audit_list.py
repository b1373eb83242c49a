"""The lines of the audit as a table, and the button that verifies its chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from imgcore.domain.access import Action
from imgcore.domain.chains import Verdict
from imgcore.domain.looks import AuditLine, shown_patient
from imgcore.texts import _
from imgcore.ui import clinic, dates, errors, keys, privacy

if TYPE_CHECKING:
    import pandas as pd

_VERDICT = keys.key("audit", "verdict")
_ROW, _HEADER = 35, 38  # CSS pixels


def table(lines: Sequence[AuditLine]) -> None:
    """Draw the lines."""
    kinds = st.column_config
    st.dataframe(
        _frame(lines),
        hide_index=True,
        height=len(lines) * _ROW + _HEADER,
        row_height=_ROW,
        column_config={
            "at": kinds.DatetimeColumn(
                _("When"), format="D MMM YYYY, HH:mm:ss", timezone=str(dates.zone()), width=165
            ),
            "person": kinds.TextColumn(_("Person"), width=150),
            "action": kinds.TextColumn(_("Action"), width=130),
            "outcome": kinds.TextColumn(_("Outcome"), width=80),
            "patient": kinds.TextColumn(_("Patient"), width=150),
            "about": kinds.TextColumn(_("About"), width=110),
            "fields": kinds.TextColumn(_("Fields"), width=120),
            "address": kinds.TextColumn(_("Address"), width=110),
            "seal": kinds.NumberColumn(_("Line"), width=70),
        },
        alt=_("Lines of the audit"),
    )


def _frame(lines: Sequence[AuditLine]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "at": [each.at for each in lines],
            "person": [each.person.shown for each in lines],
            "action": [each.action for each in lines],
            "outcome": [each.outcome for each in lines],
            "patient": [shown_patient(each, privacy.shown) for each in lines],
            "about": [_about(each) for each in lines],
            "fields": [", ".join(each.field_names) for each in lines],
            "address": [each.address for each in lines],
            "seal": pd.Series([each.seal for each in lines], dtype="Int64"),
        }
    )


def _about(line: AuditLine) -> str:
    return f"{line.count} × {line.entity}" if line.entity and line.count > 1 else line.entity


def verify_button() -> None:
    """Draw the button that walks the chain now."""
    if clinic.may(clinic.actor(), Action.AUDIT_VERIFY):
        st.button(_("Verify now"), key="audit-verify", icon=":material/verified:", on_click=_verify)


def _verify() -> None:
    with errors.kept():
        st.session_state[_VERDICT] = clinic.services().audit.verify(clinic.actor())


def verdict() -> None:
    """Draw what the last click on the button found, once."""
    found: Verdict | None = st.session_state.pop(_VERDICT, None)
    if found is None:
        return
    if found.holds:
        st.success(found.text, icon=":material/verified:")
        return
    named = "\n".join(f"- {each.text}" for each in found.findings)
    st.error(f"{found.text}\n{named}", icon=":material/gpp_bad:")
