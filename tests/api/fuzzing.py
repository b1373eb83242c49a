"""The REST interface under every input that its own document allows, and under such that it forbids.

What may come back is written in the document too: no fault of the server, no status that is not
named, nothing that is not of the shape that was promised.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.reporting import with_reporter
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from imgcore.config import SESSION_COOKIE
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.values import NewUser
from tests.api.desks import PASSWORD, Desk, open_desk
from tests.api.guarded import OURS
from tests.api.hurries import in_a_hurry
from tests.server.doctors import make_doctor
from tests.server.operations import KINDS, NOBODY, Folder

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What removes things is tried last, when all else was tried on them.
ORDER = ("GET", "PATCH", "PUT", "POST", "DELETE")
CALLERS = ("admin", "clinician", "nobody")


@dataclass(frozen=True)
class Found:
    """How many requests were sent, and what was wrong with the answers."""

    sent: int
    problems: tuple[str, ...]


def fuzz(folder: Path, examples: int, *, thorough: bool = False) -> Found:
    """Send ``examples`` requests for each operation, each caller and each way of making them up.

    Unless ``thorough``, only an administrator sends what is forbidden, nobody sends without having signed
    in, and the input is always the same.
    """
    sent, problems = 0, list[str]()
    with in_a_hurry(), open_desk(folder) as desk:
        own = make_doctor(desk, "Zebulon").folder
        for operation in _operations(desk):
            for caller in CALLERS if thorough else CALLERS[:2]:
                for mode in GenerationMode if thorough or caller == CALLERS[0] else [GenerationMode.POSITIVE]:
                    trial = _Trial(desk, operation, caller, mode, own)
                    sent += trial.run(examples, thorough)
                    problems += trial.problems
    return Found(sent, tuple(dict.fromkeys(problems)))


def _operations(desk: Desk) -> list[Any]:
    schema = schemathesis.openapi.from_dict(desk.admin.get("/api/openapi.json").json())
    schema.app = desk.app
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return sorted(found, key=lambda each: ORDER.index(each.method.upper()))


class _Trial:
    """One operation, asked by one caller, with input that is allowed or with such that is not."""

    def __init__(self, desk: Desk, operation: Any, caller: str, mode: GenerationMode, own: Folder) -> None:
        self.problems: list[str] = []
        self._desk, self._operation, self._caller, self._mode = desk, operation, caller, mode
        self._headers = _headers(desk, caller)
        self._known = {"user_id": NOBODY, "place": 1, "kind": "original"}
        self._known |= {name: own[kind][0] for name, kind in KINDS.items()}
        self._sent = 0

    def run(self, examples: int, thorough: bool) -> int:
        """Send the requests; return how many there were."""
        wanted = settings(
            max_examples=examples, derandomize=not thorough, deadline=None, database=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        with warnings.catch_warnings(), with_reporter(lambda _text: None):
            warnings.simplefilter("ignore")  # what the library says of its own making
            for strategy in self._strategies(thorough):
                with suppress(Unsatisfiable):  # nothing in this operation can be sent wrongly
                    wanted(given(case=strategy)(self._try))()
        return self._sent

    def _strategies(self, thorough: bool) -> Iterator[Any]:
        names = {each.name for each in self._operation.path_parameters}
        known = {name: value for name, value in self._known.items() if name in names}
        if known and self._can_be(names - known.keys()):
            yield self._operation.as_strategy(self._mode, path_parameters=known)
        if (thorough or not known) and self._can_be(names):
            yield self._operation.as_strategy(self._mode)

    def _can_be(self, open_names: set[str]) -> bool:
        """Tell whether there is such input: who is asked for nothing can send nothing wrong.

        The library would find that out by hundreds of tries.
        """
        asked = self._operation
        return self._mode is GenerationMode.POSITIVE or any(
            (open_names, *asked.query, *asked.headers, *asked.body)
        )

    def _try(self, case: Case[Any]) -> None:
        self._sent += 1
        answer = case.call(headers=self._headers, timeout=120)
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            each = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            for one in each:
                title = f"{self._operation.label} as {self._caller}: {answer.status_code} {one}"
                self.problems.append(title[:400])


def _headers(desk: Desk, caller: str) -> dict[str, str]:
    """Return what a new person of this role sends: an administrator a cookie, a clinician a token."""
    if caller == "nobody":
        return {}
    role = Role(caller)
    email = f"{role}-{id(object())}-{desk.clinic.services.accounts.all(system()).total}@clinic.example"
    new = NewUser.model_validate({"email": email, "name": role, "role": role, "password": PASSWORD})
    desk.clinic.services.accounts.create(system(), new)
    if role is Role.ADMIN:
        token = desk.clinic.services.sign_in.open(visitor(), email, PASSWORD).token
        return {"Cookie": f"{SESSION_COOKIE}={token}", **OURS}
    return {"Authorization": f"Bearer {desk.clinic.services.sign_in.token(visitor(), email, PASSWORD)}"}
