from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcore.domain.access import Role
from imgcore.domain.values import (
    BatchFields,
    ImageFields,
    NewBatch,
    NewPassword,
    NewPatient,
    NewUser,
    PatientFields,
    UserFields,
    parse,
)
from imgcore.errors import Invalid


def test_text_is_tidied() -> None:
    patient = parse(
        NewPatient, name=" Zoe\u0308\n\tde  la\0 Cruz ", notes=" first\r\nsecond\u0007 ", mrn=" 7 "
    )
    assert (patient.name, patient.notes, patient.mrn) == ("Zoë de la Cruz", "first\nsecond", "7")
    assert parse(NewPatient, name="A", mrn=" ", external_id="").mrn is None


@given(st.text(max_size=300))
def test_a_name_is_one_line_that_every_database_holds(text: str) -> None:
    try:
        name = parse(NewPatient, name=text).name
    except Invalid:
        return
    assert 1 <= len(name) <= 255
    assert name == " ".join(name.split())
    assert "\0" not in name
    assert name.encode()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (NewPatient, {}),
        (NewPatient, {"name": ""}),
        (NewPatient, {"name": " \n"}),
        (NewPatient, {"name": "x" * 256}),
        (NewPatient, {"name": None}),
        (NewPatient, {"name": "A", "nickname": "B"}),
        (NewPatient, {"name": "A", "mrn": "7" * 65}),
        (NewPatient, {"name": "A", "sex": "m"}),
        (NewPatient, {"name": "A", "birth_on": "1849-12-31"}),
        (NewPatient, {"name": "A", "birth_on": date(datetime.now(UTC).year + 2, 1, 1)}),
        (NewPatient, {"name": "A", "birth_on": "30/02/1980"}),
        (NewPatient, {"name": "A", "notes": "x" * 20_001}),
        (NewPatient, {"name": "A", "consent_record": {"by": "her"}}),
        (PatientFields, {"name": ""}),
        (NewBatch, {"name": ""}),
        (BatchFields, {"name": "x" * 256}),
        (ImageFields, {"caption": "x" * 2_001}),
        (ImageFields, {"image_type": "x" * 101}),
        (ImageFields, {"body_location": "x" * 101}),
        (ImageFields, {"laterality": "l"}),
        (ImageFields, {"order": 0}),
        (ImageFields, {"order": 10**30}),
        (ImageFields, {"version": 1}),
        (NewUser, {"email": "a@b.c", "name": "A", "role": "visitor"}),
        (NewUser, {"email": "a@b.c", "name": "A", "role": Role.CLINICIAN, "password": "ninechars"}),
        (NewUser, {"email": "a@b.c", "name": "A", "role": Role.CLINICIAN, "password": "x" * 201}),
        (UserFields, {"role": Role.VISITOR}),
        (NewPassword, {"password": None}),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(kind: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        parse(kind, **fields)
    message = caught.value.message
    assert message.endswith(".")
    assert "\n" not in message
    assert "pydantic" not in message


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(Invalid) as caught:
        parse(NewPatient, name="A", birth_on="1849-12-31")
    assert caught.value.message == "Birth on: this date cannot be right."


@pytest.mark.parametrize("email", ["", "a", "a@", "@b.c", "a b@c.d", "a@b@c.d", "x" * 251 + "@b.c"])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid):
        parse(NewUser, email=email, name="A", role=Role.CLINICIAN)


def test_an_address_is_kept_in_small_letters() -> None:
    new = parse(NewUser, email=" Inès@Clinic.Example ", name="A", role=Role.CLINICIAN)
    assert new.email == "inès@clinic.example"


def test_a_password_is_taken_as_it_was_typed() -> None:
    password = "  two  spaces  "
    assert parse(NewPassword, password=password).password == password


def test_only_what_was_named_counts_as_a_change() -> None:
    assert parse(ImageFields, caption="", date_taken=None).model_fields_set == {"caption", "date_taken"}
    assert parse(PatientFields).model_fields_set == set()
