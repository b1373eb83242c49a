"""Every way to call the services of analyses on a scene; part of the tables in ``scenes``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from imgcore.domain.access import Actor
from imgcore.domain.analyses import AnalysisFilter, NewImpression, Version
from imgcore.services import Services

TYPED = "Zebulon"
_TWO = (Version("a", "1"), Version("b", "1"))


def make_result(services: Services, actor: Actor, image_id: UUID) -> UUID:
    """Let the shipped model look at an image, note an own impression, and release what the model says."""
    services.impressions.add(actor, image_id, NewImpression(text=TYPED))
    result = services.analyses.run(actor, image_id, body_region=TYPED)
    return services.results.release(actor, result.id).id


def _records(scene: Any) -> list[object]:
    scores = {"naevus": 0.9}
    about = {"timestamp": 1741168871000, "predictions": scores, "bodyRegion": TYPED}
    return [{"id": n, "patientId": str(scene.patient.id), **about} for n in range(2)]


SEEING: dict[str, Any] = {
    "analyses.list": lambda s, a: s.house.services.analyses.list(a, AnalysisFilter(patient=s.patient.id)),
    "analyses.get": lambda s, a: s.house.services.analyses.get(a, s.result_id),
    "comparisons.trends": lambda s, a: s.house.services.comparisons.trends(a, s.patient.id),
    "impressions.of_image": lambda s, a: s.house.services.impressions.of_image(a, s.image.id),
}
CHANGING: dict[str, Any] = {
    "analyses.run": (lambda s, a: s.house.services.analyses.run(a, s.image.id, again=True), 0),
    "analyses.run_again": (lambda s, a: s.house.services.analyses.run_again(a, s.result_id), 0),
    "impressions.add": (
        lambda s, a: s.house.services.impressions.add(a, s.image.id, NewImpression(text=TYPED)),
        0,
    ),
    "results.take_back": (lambda s, a: s.house.services.results.take_back(a, s.result_id), 0),
    "results.release": (lambda s, a: s.house.services.results.release(a, s.result_id), 0),
}
SEARCHING: dict[str, Any] = {
    "analyses.list": lambda s, a: s.house.services.analyses.list(a),
    "impressions.of_images": lambda s, a: s.house.services.impressions.of_images(a, [s.image.id]),
}
OTHERS: dict[str, Any] = {
    "analyses.models": lambda s, a: s.house.services.analyses.models(a),
    "analyses.levels": lambda s, a: s.house.services.analyses.levels(a),
    "analyses.versions": lambda s, a: s.house.services.analyses.versions(a),
    "analyses.check": lambda s, a: s.house.services.analyses.check(a),
    "analyses.batch_for": lambda s, a: s.house.services.analyses.batch_for(a, s.other.id),
    "comparisons.agreement": lambda s, a: s.house.services.comparisons.agreement(a, s.set_id, *_TWO),
    "past_records.load": lambda s, a: s.house.services.past_records.load(a, _records(s)),
    "files.links": lambda s, a: s.house.services.files.links(a, [s.image.id], "display", 60),
}
