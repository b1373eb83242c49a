"""The audit: every look, change and refusal, for administrators."""

from __future__ import annotations

import streamlit as st

from imgcore.texts import _
from imgcore.ui import audit_filter, audit_list, clinic, heading, lists

PAGE_SIZE = 50
NAME = "audit"


def main() -> None:
    """Draw the filter, the lines, and what can be done with them."""
    who, services = clinic.actor(), clinic.services().audit
    heading.draw(_("Audit"), _("every look, change and refusal"), button=audit_list.verify_button)
    audit_list.verdict()
    people = {str(each.id): each for each in services.people(who)}
    with st.container(key="audit-filter", horizontal=True, vertical_alignment="bottom", gap="small"):
        asked = audit_filter.draw(people, lambda: lists.first_page(NAME))
    page = services.list(who, asked, lists.turn(NAME, PAGE_SIZE))
    if page.items:
        audit_list.table(page.items)
    else:
        st.markdown(_("No line of the audit is like this."))
        st.button(_("Clear the filter"), key="audit-clear", on_click=audit_filter.clear)
    lists.pages(page, NAME)
    if page.items:
        address = audit_filter.address(asked)
        st.link_button(_("Download CSV"), address, key="audit-csv", icon=":material/download:")


main()
