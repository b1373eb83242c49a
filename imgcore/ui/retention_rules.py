"""The rules for how long images are kept: listed, added, changed and removed."""

from __future__ import annotations

import streamlit as st

from imgcore.domain.retention import MOST_YEARS, NewRule, Rule, RuleFields
from imgcore.domain.values import parse
from imgcore.texts import _
from imgcore.ui import clinic, dialogs, errors, icons, words
from imgcore.ui.notices import Notice
from imgcore.ui.retention_due import key, years

_EVERY = ""


def add_button() -> None:
    """Draw the button that opens the form for a new rule."""
    st.button(
        _("Add rule"), key="add-rule", icon=":material/add:", type="primary", on_click=dialogs.ask,
        args=(_("Add rule"), _new),
    )  # fmt: skip


def draw() -> None:
    """Draw the rules."""
    rules = clinic.services().retention.rules(clinic.actor())
    if not rules:
        st.markdown(_("There are no rules: everything is kept until somebody removes it."))
        return
    with st.container(gap=None):
        for rule in rules:
            _row(rule)


def _row(rule: Rule) -> None:
    category = words.literal(_label(rule.category))
    with st.container(
        key=key("row", rule.id), horizontal=True, vertical_alignment="center", gap="small", wrap=False
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f"**{category}**", width="content")
            st.caption(_("go {years} after the last visit").format(years=years(rule.years)), width="content")
        icons.button(
            f"edit-{rule.id}", "edit", _("Change the rule for {category}").format(category=category),
            dialogs.ask, _("Change rule"), _edit, rule, tip=_("Change"),
        )  # fmt: skip
        icons.button(
            f"red-remove-{rule.id}", "delete", _("Remove the rule for {category}").format(category=category),
            dialogs.ask, _("Remove this rule?"), _remove, rule, tip=_("Remove"),
        )  # fmt: skip


def _label(category: str | None) -> str:
    return _("All other images") if category is None else clinic.services().categories.label(category)


def _new() -> None:
    services = clinic.services()
    taken = {rule.category for rule in services.retention.rules(clinic.actor())}
    codes = [each.code for each in services.categories.active() if each.code not in taken]
    options = ([] if None in taken else [_EVERY]) + codes
    with st.form(key("new"), border=False):
        st.selectbox(_("Images"), options, key=key("category"), format_func=lambda code: _label(code or None))
        _years_field(None)
        st.form_submit_button(_("Add rule"), type="primary", on_click=_add)


def _years_field(value: int | None) -> None:
    st.number_input(
        _("Years after the last visit"),
        1,
        MOST_YEARS,
        value,
        key=key("years"),
        placeholder=_("for example 10"),
    )


def _add() -> None:
    with errors.kept():
        category = st.session_state[key("category")] or None
        new = parse(NewRule, category=category, years=st.session_state[key("years")])
        clinic.services().retention.add(clinic.actor(), new)
        dialogs.finish(Notice(_("The rule was added. Nothing goes by it alone.")))


def _edit(rule: Rule) -> None:
    with st.form(key("edit"), border=False):
        st.markdown(f"**{words.literal(_label(rule.category))}**")
        _years_field(rule.years)
        st.form_submit_button(_("Save"), type="primary", on_click=_save, args=(rule,))


def _save(rule: Rule) -> None:
    with errors.kept():
        fields = parse(RuleFields, years=st.session_state[key("years")])
        clinic.services().retention.change(clinic.actor(), rule.id, fields)
        dialogs.finish(Notice(_("The rule was changed.")))


def _remove(rule: Rule) -> None:
    text = _("**{category}** will be kept as the other rules say, or for ever.")
    st.markdown(text.format(category=words.literal(_label(rule.category))))
    dialogs.confirm(_("Remove rule"), _discard, rule)


def _discard(rule: Rule) -> None:
    with errors.kept():
        clinic.services().retention.remove(clinic.actor(), rule.id)
        dialogs.finish(Notice(_("The rule was removed.")))
