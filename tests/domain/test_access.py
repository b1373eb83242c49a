from __future__ import annotations

from uuid import uuid4

import pytest

from imgcore.domain.access import TABLE, Action, Actor, Reach, Role, Scope, reach, scope_of, system, visitor

STAFF_ONLY = {
    action
    for action in Action
    if action.split(".")[-1] in ("create", "edit", "trash", "restore", "move", "upload", "purge", "undo")
} - {Action.ACCOUNT_EDIT}  # of one's own


def actor(role: Role) -> Actor:
    return Actor(user_id=uuid4(), role=role)


def test_every_action_has_a_cell_for_every_role() -> None:
    assert set(TABLE) == set(Action)
    assert {frozenset(cells) for cells in TABLE.values()} == {frozenset(Role)}


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.PATIENT, Role.VISITOR])
def test_only_staff_changes_anything(role: Role) -> None:
    assert len(STAFF_ONLY) >= 15
    assert [action for action in STAFF_ONLY if reach(actor(role), action) is not Reach.NONE] == []


def test_only_administrators_manage_people_and_purge() -> None:
    for action in (Action.USER_SEE, Action.USER_MANAGE, Action.TRASH_PURGE, Action.AUDIT_SEE):
        may = [role for role in Role if reach(actor(role), action) is not Reach.NONE]
        assert may == [Role.ADMIN]


def test_a_visitor_may_only_sign_in_or_open_a_shared_link() -> None:
    may = {action for action in Action if reach(visitor(), action) is not Reach.NONE}
    assert may == {Action.SIGN_IN, Action.SESSION_USE, Action.SHARE_OPEN, Action.SHARE_ANSWER}
    assert {reach(visitor(), action) for action in may} == {Reach.SELF}


def test_patients_reach_their_own_and_reviewers_what_they_were_given() -> None:
    patients = {reach(actor(Role.PATIENT), action) for action in Action} - {Reach.NONE, Reach.SELF}
    reviewers = {reach(actor(Role.REVIEWER), action) for action in Action} - {Reach.NONE, Reach.SELF}
    assert (patients, reviewers) == ({Reach.OWN}, {Reach.GIVEN})


def test_a_token_does_what_its_scopes_say_and_its_owner_may() -> None:
    reads = Actor(user_id=uuid4(), role=Role.ADMIN, scopes=frozenset({Scope.READ}))
    may = {action for action in Action if reach(reads, action) is not Reach.NONE}
    assert Action.IMAGE_SEE in may and Action.BATCH_DOWNLOAD in may
    assert not may & (
        STAFF_ONLY | {Action.USER_SEE, Action.USER_MANAGE, Action.AUDIT_SEE, Action.TRASH_PURGE}
    )
    everything = Actor(user_id=uuid4(), role=Role.CLINICIAN, scopes=frozenset(Scope))
    assert reach(everything, Action.IMAGE_EDIT) is Reach.CLINIC
    assert reach(everything, Action.USER_SEE) is Reach.NONE
    by_nobody = {action for action in Action if scope_of(action) is None}
    assert by_nobody >= {Action.ACCOUNT_SEE, Action.ACCOUNT_EDIT, Action.SIGN_IN}


def test_the_program_is_no_person() -> None:
    assert system("sweeper").is_system
    assert (system("sweeper").user_id, system("sweeper").request_id) == (None, "sweeper")
    assert not visitor().is_system
    assert not actor(Role.ADMIN).is_system
