"""Every call that the REST interface takes, read from its own OpenAPI document, filled with ids."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Json = dict[str, Any]
Folder = Mapping[str, list[str]]

# Which row an id names; whoever adds a parameter says it here.
KINDS = {
    "patient_id": "patient",
    "object_id": "patient",
    "batch_id": "batch",
    "image_id": "image",
    "image_ids": "image",
    "patient_ids": "patient",
    "consultation_id": "visit",
    "visit_id": "visit",
    "result_id": "result",
    "set_id": "set",
    "image_set_id": "set",
    "share_id": "share",
    "change_id": "change",
    "token_id": "token",
    "session_id": "session",
}
# Parameters that name nothing of a patient's: colleagues are known to each other.
NO_ROW = {
    "external_id",
    "user_id",
    "clinician_id",
    "actor_id",
    "user",
    "kind",
    "place",
    "exp",
    "sig",
    "v",
    "rule_id",
    "job_id",
    "figure",
    "form",
}
NOBODY = "00000000-0000-4000-8000-000000000000"
# What nobody has.
NOTHING = {kind: [NOBODY] for kind in KINDS.values()}
SHUT = {"patient_id", "object_id"}  # of these a body names one


@dataclass(frozen=True)
class Slot:
    """A place of a request where an id stands: in the path, the query or the body."""

    where: str
    name: str

    @property
    def kind(self) -> str:
        """Which kind of row it names."""
        return KINDS[self.name]


@dataclass(frozen=True)
class Operation:
    """One method of one path, and where ids stand in it."""

    method: str
    path: str
    tag: str
    statuses: frozenset[str]
    slots: tuple[Slot, ...]
    body: Json | None = None
    file_field: str = ""
    queries: frozenset[str] = frozenset()
    other_parameters: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Request:
    """An operation with its places filled."""

    operation: Operation
    path: Json = field(default_factory=dict)
    query: Json = field(default_factory=dict)
    body: Json | None = None

    @property
    def url(self) -> str:
        """The address."""
        return self.operation.path.format(
            **{
                "place": "1",
                "kind": "original",
                "user_id": NOBODY,
                "rule_id": NOBODY,
                "job_id": NOBODY,
                "figure": "categories",
                "form": "csv",
                **self.path,
            }
        )


def operations(document: Json) -> list[Operation]:
    """Return every operation of an OpenAPI document."""
    return [
        _operation(document, path, method.upper(), each)
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    ]


def unknown(found: list[Operation]) -> list[str]:
    """Return the path parameters and the ids of which nobody has said what they name."""
    return [
        f"{each}: {name}"
        for each in found
        for name in each.other_parameters
        if name not in NO_ROW and name not in KINDS
    ]


def filled(operation: Operation, own: Folder, foreign: Folder | None = None) -> Iterator[tuple[str, Request]]:
    """Yield the operation with one's own ids and, one place after the other, each of another's."""
    base = Request(operation, body=copy.deepcopy(operation.body))
    which = -1 if "restore" in operation.path else 0
    for slot in operation.slots:
        if slot.where != "extra":
            _put(base, slot, own[slot.kind][which])
    if foreign is None:
        yield "own", base
        return
    for slot in operation.slots:
        for value in foreign[slot.kind]:
            request = replace(
                base, path=dict(base.path), query=dict(base.query), body=copy.deepcopy(base.body)
            )
            _put(request, slot, value)
            yield f"{slot.where} {slot.name}", request
    if all(slot.where == "extra" for slot in operation.slots):
        return
    every = replace(base, path=dict(base.path), query=dict(base.query), body=copy.deepcopy(base.body))
    for slot in operation.slots:
        if slot.where != "extra":
            _put(every, slot, foreign[slot.kind][which])
    yield "all", every


def _put(request: Request, slot: Slot, value: str) -> None:
    if slot.where == "path":
        request.path[slot.name] = value
    elif slot.where == "query":
        request.query[slot.name] = value
    elif request.body is not None:
        if slot.name in SHUT:
            for name in SHUT - {slot.name}:
                request.body.pop(name, None)
        request.body[slot.name] = [value] if slot.name.endswith("_ids") else value


def _operation(document: Json, path: str, method: str, each: Json) -> Operation:
    slots, others = [], []
    for parameter in each.get("parameters", []):
        name, where = parameter["name"], parameter["in"]
        if name in KINDS:
            slots.append(Slot(where, name))
        elif where == "path" or name.endswith(("_id", "_ids")):
            others.append(name)
    content = each.get("requestBody", {}).get("content", {})
    body, file_field = None, ""
    if "application/json" in content:
        schema = _resolved(document, content["application/json"]["schema"])
        body = _example(content["application/json"], schema)
        for name in schema.get("properties", {}):
            if name in KINDS:
                slots.append(Slot("body" if name in body else "extra", name))
            elif name.endswith(("_id", "_ids")):
                others.append(name)
    elif "multipart/form-data" in content:
        schema = _resolved(document, content["multipart/form-data"]["schema"])
        file_field = next(name for name, kind in schema["properties"].items() if "binary" in str(kind))
    return Operation(
        method, path, each["tags"][0], frozenset(each["responses"]), tuple(slots), body, file_field,
        frozenset(one["name"] for one in each.get("parameters", []) if one["in"] == "query"), tuple(others),
    )  # fmt: skip


def _example(content: Json, schema: Json) -> Json:
    """Return the first example that the reference shows of a body."""
    if "examples" in content:
        return dict(copy.deepcopy(next(iter(content["examples"].values()))["value"]))
    given = content.get("example") or content["schema"].get("examples", schema.get("examples"))[0]
    return dict(copy.deepcopy(given))


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for each in schema.get("anyOf", []):
        if each.get("type") != "null":
            return _resolved(document, each)
    return schema
