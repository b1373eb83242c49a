"""A process that dies where it is told to: ``python -m tests.services.interrupted``.

Arguments: data folder, database URL, what to do (one of ``WORK``), an id, the fail point.
What it acknowledges before it dies stands on its output, an id a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from uuid import UUID

from imgcore import bootstrap
from imgcore.domain.access import system
from imgcore.domain.retention import NewErasure
from imgcore.domain.values import ImageFields
from tests.services.clinics import House, ImagingHere, open_house, photo
from tests.services.past_records import record

KEY = "the-second-request"


def upload(clinic: House, batch_id: UUID, point: str) -> None:
    """Store one photograph, and then two more in a request that never ends."""
    first = clinic.services.uploads.store(system(), batch_id, [clinic.offered(photo(0))])
    print(first.uploaded[0].image.id, flush=True)
    os.environ["IMGCORE_FAILPOINT"] = point
    rest = [clinic.offered(photo(seed)) for seed in (1, 2)]
    clinic.services.uploads.store(system(), batch_id, rest, key=KEY)


def purge(clinic: House, _batch_id: UUID, point: str) -> None:
    """Remove what has had its time in the trash."""
    os.environ["IMGCORE_FAILPOINT"] = point
    clinic.clock.forward(days=31)
    clinic.services.sweeps.run(system())


def edit(clinic: House, image_id: UUID, point: str) -> None:
    """Change an image."""
    os.environ["IMGCORE_FAILPOINT"] = point
    clinic.services.images.edit(system(), image_id, ImageFields(caption="never kept"))


def erase(clinic: House, patient_id: UUID, point: str) -> None:
    """Erase a patient."""
    mrn = clinic.services.patients.get(system(), patient_id).mrn or ""
    os.environ["IMGCORE_FAILPOINT"] = point
    clinic.services.erasure.patient(system(), patient_id, NewErasure(confirmation=mrn, reason="asked"))


def analyse(clinic: House, batch_id: UUID, point: str) -> None:
    """Keep the result of one image, and let a job run over all of them that never ends."""
    first = clinic.services.images.ids(system(), batch_id)[0]
    print(clinic.services.analyses.run(system(), first).id, flush=True)
    os.environ["IMGCORE_FAILPOINT"] = point
    job = clinic.services.jobs.start(system(), "analyses", {"batch_id": str(batch_id)})
    clinic.services.job_runs.run(system("worker"), job.id)


def load(clinic: House, _batch_id: UUID, point: str) -> None:
    """Take old records in: one, and then two more in a request that never ends."""
    given = [record(number, 1) for number in range(3)]
    (done,) = clinic.services.past_records.load(system(), given[:1]).records
    print(done.analysis_id, flush=True)
    os.environ["IMGCORE_FAILPOINT"] = point
    clinic.services.past_records.load(system(), given)


WORK = {"upload": upload, "purge": purge, "edit": edit, "erase": erase, "analyse": analyse, "load": load}


if __name__ == "__main__":
    folder, url, work, named, point = sys.argv[1:]
    setattr(bootstrap, "ImagingPool", ImagingHere)  # noqa: B010, one process less to start
    with open_house(Path(folder), url) as clinic:
        WORK[work](clinic, UUID(named), point)
    sys.exit("the fail point was never reached")
