"""1,000 stored images run through a model by a job: ``python -m tests.benchmarks.analysis_jobs [COUNT]``.

The job, from its start to its last result in the database, beside a bare loop of Pillow and onnxruntime over
the same analysis copies; those are made before. Takes some minutes, most of them for storing the images.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from uuid import UUID

from sqlmodel import col, func, select

from imgcore import bootstrap
from imgcore.bootstrap import Clinic
from imgcore.config import load_settings
from imgcore.db.tables import Analysis, Rendition
from imgcore.domain.access import system
from imgcore.domain.analyses import Subject
from imgcore.domain.progress import nothing
from imgcore.domain.values import NewBatch, NewPatient
from imgcore.services.analysis_jobs import AnalysisOptions
from imgcore.services.kinds import Kind
from imgcore.services.uploads import Offered
from tests.benchmarks.analysers import CARD, COUNT, SIDE, bare, network, renditions
from tests.benchmarks.processes import load

ROUNDS, LOT = 3, 100


def fill(clinic: Clinic, count: int) -> UUID:
    """Store so many images of one patient; return the batch."""
    services, actor = clinic.services, system("benchmark")
    patient = services.patients.create(actor, NewPatient(name="Mary Kowalski"))
    batch = services.batches.create(actor, patient.id, NewBatch(name="Benchmark"))
    offered = []
    for number, subject in enumerate(renditions(count)):
        intake = services.uploads.intake(actor, f"{number}.jpg")
        intake.write(subject.data)
        offered.append(Offered(intake.finish()))
    for start in range(0, count, LOT):
        services.uploads.store_lot(actor, batch.id, offered[start : start + LOT])
    return batch.id


def run(clinic: Clinic, kind: Kind, batch_id: UUID) -> float:
    """Return the seconds that the whole job takes, every image computed anew."""
    actor = system("benchmark")
    began = time.perf_counter()
    ids = kind.prepare(actor, AnalysisOptions(analyser="bench", batch_id=batch_id, again=True))
    told = kind.work(actor, ids, nothing)
    seconds = time.perf_counter() - began
    if told["failed"]:
        raise SystemExit(f"{told['failed']} images failed")
    return seconds


def copies(clinic: Clinic) -> list[Subject]:
    """Return the analysis copies as the store has them."""
    with clinic.database.read() as session:
        keys = session.exec(select(Rendition.key).where(Rendition.kind == "analysis")).all()
    return [Subject(b"".join(clinic.store.read(key)), SIDE, SIDE, None) for key in keys]


def main() -> None:
    """Print the seconds of both, and how many times the bare loop the job takes."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory(prefix="imgcore-") as name:
        place = Path(name) / "models" / "bench"
        place.mkdir(parents=True)
        (place / "card.toml").write_text(CARD)
        (place / "model.onnx").write_bytes(network())
        clinic = bootstrap.build(load_settings(data_dir=Path(name)))
        try:
            batch_id = fill(clinic, count)
            kind = clinic.services.jobs._kinds["analyses"]
            run(clinic, kind, batch_id)
            loop, subjects = bare(place / "model.onnx"), copies(clinic)
            taken: list[tuple[float, float]] = []
            for _round in range(ROUNDS):
                began = time.perf_counter()
                loop(subjects)
                taken.append((time.perf_counter() - began, run(clinic, kind, batch_id)))
            with clinic.database.read() as session:
                rows = session.exec(select(func.count(col(Analysis.id)))).one()
        finally:
            clinic.close()
    times = median(job / alone for alone, job in taken)
    print(f"{len(subjects)} copies, {rows} results, median of {ROUNDS}; {load()}")
    print(f"the bare loop {median(alone for alone, _job in taken):.2f} s")
    print(f"the job       {median(job for _alone, job in taken):.2f} s, {times:.2f} x")


if __name__ == "__main__":
    main()
