"""Every way to call the service that counts, for ``tests.services.scenes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imgcore.domain.statistics import Asked, Figure


def _asked(scene: Any) -> Asked:
    return Asked(patient_ref=str(scene.patient.id))


SEEING: dict[str, Callable[[Any, Any], Any]] = {
    "statistics.table": lambda s, a: s.house.services.statistics.table(a, Figure.PATIENTS, _asked(s)),
    "statistics.csv": lambda s, a: list(
        s.house.services.statistics.csv(a, Figure.PATIENTS, _asked(s)).chunks
    ),
}
