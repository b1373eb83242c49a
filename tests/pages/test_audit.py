"""The audit page and "Who looked": filters in the URL, verification, and the list in words."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from imgcore.domain.access import Role, system
from imgcore.domain.records import Batch, Patient
from imgcore.services.audit import Asked
from imgcore.ui import keys
from tests.pages.desks import Desk, click, everything, texts


@pytest.fixture
def admin(desk: Desk) -> Desk:
    """A desk with an administrator at it."""
    desk.sign_in(Role.ADMIN)
    return desk


def rows(app: AppTest, column: str) -> list[object]:
    return list(app.dataframe[0].value[column])


def test_the_lines_are_shown_with_names_and_hidden_ones_by_initials(admin: Desk, mary: Patient) -> None:
    app = admin.open("audit")
    assert "patient.create" in rows(app, "action")
    assert "M. K." in rows(app, "patient")
    app.toggle(key=keys.PRIVACY).set_value(False).run()
    assert "Mary Kowalski" in rows(app, "patient")


def test_the_filter_stands_in_the_url_and_comes_from_it(admin: Desk, mary: Patient) -> None:
    app = admin.open("audit")
    app.selectbox(key="audit-action").set_value("patient.create").run()
    assert app.query_params == {"action": "patient.create"}
    assert set(rows(app, "action")) == {"patient.create"}
    again = admin.open("audit", **{"action": "user.manage", "from": "2001-02-03", "patient": mary.id})
    assert set(rows(again, "action")) == {"user.manage"}
    again.checkbox(key="audit-only").check().run()
    assert "No line of the audit is like this." in texts(again)
    assert again.query_params["only"] == "1"
    click(again, "audit-clear")
    assert again.query_params == {"patient": str(mary.id)}
    assert "patient.see" in rows(again, "action")


def test_nonsense_in_the_url_filters_nothing(admin: Desk) -> None:
    app = admin.open("audit", person="x", action="fly", **{"from": "soon", "to": "9999-12-31"})
    assert rows(app, "action")
    assert app.query_params == {}


def test_the_download_is_of_what_is_shown(admin: Desk, mary: Patient) -> None:
    app = admin.open("audit", action="patient.create", only="1", patient=mary.id)
    url = next(each.proto.url for each in app.get("link_button") if "csv" in each.proto.url)
    assert url == f"/api/audit/csv/?patient_id={mary.id}&action=patient.create"


def test_the_chain_is_verified_on_a_click(admin: Desk, mary: Patient) -> None:
    admin.services.seals.run(system())
    app = click(admin.open("audit"), "audit-verify")
    assert "lines hold; head" in app.success[0].value
    with admin.clinic.database.write() as session:
        connection = session.connection()
        connection.exec_driver_sql("DROP TRIGGER event_is_unchanged")
        connection.exec_driver_sql("UPDATE event SET count = 9 WHERE seal = 1")
    click(app, "audit-verify")
    assert "1 fault was found." in app.error[0].value
    assert "- Line 1 was altered." in app.error[0].value


def test_who_looked_is_one_click_from_the_open_patient(desk: Desk, mary: Patient, batch: Batch) -> None:
    app = click(desk.open(patient=mary.id), "looks-open")
    assert "**Some clinician** looked at the list of batches" in texts(app)
    assert "**Imgcore itself** added the patient" in texts(app)
    urls = {each.proto.url for each in app.get("link_button")}
    assert {f"/api/patients/{mary.id}/looks/{kind}/" for kind in ("csv", "pdf")} <= urls
    assert "Kowalski" not in everything(app)


def test_who_looked_is_in_the_list_of_patients(desk: Desk, mary: Patient) -> None:
    app = click(desk.open("patients"), f"icon-looks-{mary.id}")
    assert "added the patient" in texts(app)


def test_a_patient_account_has_no_such_button(desk: Desk, mary: Patient) -> None:
    desk.sign_in(Role.PATIENT, mary)
    assert "looks-open" not in [each.key for each in desk.open().button]


def test_a_redrawn_audit_page_leaves_one_line(admin: Desk) -> None:
    app = admin.open("audit")
    for _ in range(3):
        app.run()
    lines = admin.services.audit.list(system(), Asked(action="audit.see")).items
    assert len([each for each in lines if each.person.id]) == 1
