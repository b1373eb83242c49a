"""Every way to call the services on what belongs to no patient, for tests that walk over all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID, uuid4

from imgcore.domain.access import Action, Actor, Reach, Role, Scope, reach
from imgcore.domain.accounts import NewToken, OuterPerson
from imgcore.domain.retention import KeptYears, NewErasure, NewHold, NewRule, RuleFields
from imgcore.domain.sets import Comment, NewShare, Ticket
from imgcore.domain.values import NewPatient, NewUser, UserFields
from imgcore.services.audit import Asked
from imgcore.services.folders import Folder
from imgcore.services.guests import Guests
from tests.services import scenes_of_data, scenes_of_results
from tests.services.clinics import PASSWORD, photo
from tests.services.scenes import TYPED, Call, Scene

NEW_TOKEN = NewToken(name=TYPED, scopes=frozenset({Scope.READ}))


def _ticket(scene: Scene, actor: Actor) -> Ticket:
    """Open a new link to the set as a guest does."""
    services = scene.house.services
    link = services.shares.create(scene.actor, scene.set_id, NewShare(label=TYPED))
    return services.guests.open(actor, link.token, link.pin)


def _as_guest(act: Callable[[Guests, Actor, UUID, str], object]) -> Call:
    def call(scene: Scene, actor: Actor) -> object:
        ticket = _ticket(scene, actor)
        return act(scene.house.services.guests, actor, ticket.share_id, ticket.value)

    return call


def _photos(scene: Scene) -> Folder:
    """Lay a photograph somewhere outside."""
    folder = scene.house.folder.with_name("photographs")
    folder.mkdir(exist_ok=True)
    (folder / f"{TYPED}.jpg").write_bytes(photo(time.monotonic_ns() % 3000))
    return Folder(folder)


def _check_file(scene: Scene, actor: Actor) -> None:
    """Check a file that has arrived, and forget it."""
    file = scene.house.offered(photo(1)).file
    try:
        scene.house.services.uploads.check_file(actor, file)
    finally:
        file.path.unlink()


def _job(scene: Scene, actor: Actor) -> UUID:
    """Start a job of the actor's own, or of somebody else when they may not."""
    services = scene.house.services
    who = actor if reach(actor, Action.JOB_MANAGE) is not Reach.NONE else scene.actor
    return services.jobs.start(who, "renditions", {}).id


def _rule(scene: Scene) -> UUID:
    """Return a rule of a category that had none, or the one that it has."""
    retention = scene.house.services.retention
    known = [each for each in retention.rules(scene.actor) if each.category == "casts"]
    return (known or [retention.add(scene.actor, NewRule(category="casts", years=10))])[0].id


OTHERS: dict[str, Call] = {
    "patients.create": lambda s, a: s.house.services.patients.create(a, NewPatient(name=TYPED)),
    "visits.clinicians": lambda s, a: s.house.services.visits.clinicians(a),
    "image_sets.reviewers": lambda s, a: s.house.services.image_sets.reviewers(a),
    "guests.knock": lambda s, a: s.house.services.guests.knock(a, TYPED),
    "guests.open": _ticket,
    "guests.look": _as_guest(lambda guests, who, *opened: guests.look(who, *opened)),
    "guests.thumbnail": _as_guest(lambda guests, who, *opened: guests.thumbnail(who, *opened, 1)),
    "guests.picture": _as_guest(lambda guests, who, *opened: guests.picture(who, *opened, 1)),
    "guests.answer": _as_guest(
        lambda guests, who, *opened: guests.answer(who, *opened, Comment(name=TYPED, text=TYPED))
    ),
    "uploads.check_file": _check_file,
    "uploads.intake": lambda s, a: s.house.services.uploads.intake(a, "foot.jpg").discard(),
    "accounts.needs_set_up": lambda s, a: s.house.services.accounts.needs_set_up(a),
    "accounts.set_up": lambda s, a: s.house.services.accounts.set_up(
        a, NewUser(email="a@b.c", name=TYPED, role=Role.ADMIN, password=PASSWORD)
    ),
    "accounts.all": lambda s, a: s.house.services.accounts.all(a),
    "accounts.create": lambda s, a: s.house.services.accounts.create(
        a, NewUser(email=f"{TYPED}{time.monotonic_ns()}@b.c", name=TYPED, role=Role.CLINICIAN)
    ),
    "accounts.edit": lambda s, a: s.house.services.accounts.edit(
        a, s.user_id, UserFields(name=TYPED, password=f"{TYPED} {TYPED}")
    ),
    "accounts.invite": lambda s, a: s.house.services.accounts.invite(a, s.house.admin.email),
    "sign_in.open": lambda s, a: s.house.services.sign_in.open(a, s.house.admin.email, PASSWORD),
    "sign_in.token": lambda s, a: s.house.services.sign_in.token(a, s.house.admin.email, PASSWORD),
    "sign_in.redeem": lambda s, a: s.house.services.sign_in.redeem(
        a, s.house.services.accounts.invite(s.house.admin, s.house.admin.email), PASSWORD
    ),
    "sign_in.link_owner": lambda s, a: s.house.services.sign_in.link_owner(
        a, s.house.services.accounts.invite(s.house.admin, s.house.admin.email)
    ),
    "sign_in.by_cookie": lambda s, a: s.house.services.sign_in.by_cookie(a, "token"),
    "sign_in.by_bearer": lambda s, a: s.house.services.sign_in.by_bearer(
        a, s.house.services.sign_in.token(a, s.house.admin.email, PASSWORD)
    ),
    "sign_in.open_outer": lambda s, a: s.house.services.sign_in.open_outer(
        a, OuterPerson("https://id.example", TYPED, s.house.admin.email, True)
    ),
    "sign_in.refuse_outer": lambda s, a: s.house.services.sign_in.refuse_outer(a),
    "sign_in.state": lambda s, a: s.house.services.sign_in.state(a),
    "sign_in.use": lambda s, a: s.house.services.sign_in.use(a),
    "sign_in.unlock": lambda s, a: s.house.services.sign_in.unlock(a, PASSWORD),
    "account.has_password": lambda s, a: s.house.services.account.has_password(a),
    "account.sessions": lambda s, a: s.house.services.account.sessions(a),
    "account.tokens": lambda s, a: s.house.services.account.tokens(a),
    "account.add_token": lambda s, a: s.house.services.account.add_token(a, NEW_TOKEN),
    "account.revoke_token": lambda s, a: s.house.services.account.revoke_token(
        a, s.house.services.account.add_token(a, NEW_TOKEN)[0].id
    ),
    "account.change_password": lambda s, a: s.house.services.account.change_password(a, PASSWORD, PASSWORD),
    "account.end_session": lambda s, a: s.house.services.account.end_session(a, a.session_id or uuid4()),
    "account.end_everything": lambda s, a: s.house.services.account.end_everything(a),
    "sign_in.by_id": lambda s, a: s.house.services.sign_in.by_id(a, s.user_id),
    "sign_in.end": lambda s, a: s.house.services.sign_in.end(a),
    "audit.list": lambda s, a: s.house.services.audit.list(a, Asked()),
    "audit.people": lambda s, a: s.house.services.audit.people(a),
    "audit.table": lambda s, a: list(s.house.services.audit.table(a, Asked()).chunks),
    "audit.verify": lambda s, a: s.house.services.audit.verify(a),
    "checks.run": lambda s, a: s.house.services.checks.run(a),
    "checks.last": lambda s, a: s.house.services.checks.last(a),
    "backups.make": lambda s, a: s.house.services.backups.make(a, s.house.folder / f"{uuid4()}.tar"),
    "backups.last": lambda s, a: s.house.services.backups.last(a),
    "exports.make": lambda s, a: s.house.services.exports.make(a, s.house.folder / str(uuid4())),
    "seals.run": lambda s, a: s.house.services.seals.run(a),
    "seals.keep_head": lambda s, a: s.house.services.seals.keep_head(a),
    "folders.target": lambda s, a: s.house.services.folders.target(a, str(s.patient.id), TYPED),
    "folders.bring": lambda s, a: s.house.services.folders.bring(a, s.batch.id, _photos(s)),
    "jobs.start": lambda s, a: s.house.services.jobs.start(a, "renditions", {"batch_id": s.batch.id}),
    "jobs.list": lambda s, a: s.house.services.jobs.list(a),
    "jobs.get": lambda s, a: s.house.services.jobs.get(a, _job(s, a)),
    "jobs.cancel": lambda s, a: s.house.services.jobs.cancel(a, _job(s, a)),
    "jobs.retry": lambda s, a: s.house.services.jobs.retry(a, _job(s, a)),
    "job_runs.recover": lambda s, a: s.house.services.job_runs.recover(a),
    "job_runs.run": lambda s, a: s.house.services.job_runs.run(a, _job(s, a)),
    "nights.begin": lambda s, a: s.house.services.nights.begin(a),
    "sweeps.run": lambda s, a: s.house.services.sweeps.run(a),
    "holds.set": lambda s, a: s.house.services.holds.set(a, s.other.id, NewHold(reason=TYPED)),
    "holds.all": lambda s, a: s.house.services.holds.all(a),
    "holds.of_patient": lambda s, a: s.house.services.holds.of_patient(a, s.other.id),
    "holds.lift": lambda s, a: s.house.services.holds.lift(a, s.other.id),
    "retention.rules": lambda s, a: s.house.services.retention.rules(a),
    "retention.add": lambda s, a: s.house.services.retention.add(a, NewRule(years=10)),
    "retention.change": lambda s, a: s.house.services.retention.change(a, _rule(s), RuleFields(years=20)),
    "retention.remove": lambda s, a: s.house.services.retention.remove(a, _rule(s)),
    "retention.keep": lambda s, a: s.house.services.retention.keep(a, s.other.id, KeptYears(years=30)),
    "retention.due": lambda s, a: s.house.services.retention.due(a),
    "retention.table": lambda s, a: list(s.house.services.retention.table(a).chunks),
    "retention.run": lambda s, a: s.house.services.retention.run(a),
    "retention.daily": lambda s, a: s.house.services.retention.daily(a),
    "purges.preview": lambda s, a: s.house.services.purges.preview(a, s.patient.id, 1),
    "purges.run": lambda s, a: s.house.services.purges.run(a, s.patient.id, 1),
    "erasure.patient": lambda s, a: s.house.services.erasure.patient(
        a, s.trashed_patient.id, NewErasure(confirmation=f"{TYPED} gone", reason="asked")
    ),
    "operations.standing": lambda s, a: s.house.services.operations.standing(a),
    "operations.overdue": lambda s, a: s.house.services.operations.overdue(a),
    "health.readiness": lambda s, a: s.house.services.health.readiness(a),
    # A clinic that does not work in teams says so; what happens in one that does, test_teams.py tells.
    "teams.of_patient": lambda s, a: s.house.services.teams.of_patient(a, s.patient.id),
    "teams.add": lambda s, a: s.house.services.teams.add(a, s.patient.id, s.user_id),
    "teams.remove": lambda s, a: s.house.services.teams.remove(a, s.patient.id, s.user_id),
    "teams.break_glass": lambda s, a: s.house.services.teams.break_glass(a, str(s.patient.id), TYPED),
    **scenes_of_data.OTHERS,
    **scenes_of_results.OTHERS,
}
# A link is checked by its signature alone, and then used as the person it was made for.
ELSEWHERE = {"files.check_link"}
