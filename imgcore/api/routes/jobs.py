"""Jobs: work that goes on after the request, to be watched, cancelled and tried again."""

from __future__ import annotations

from uuid import UUID

from imgcore.api import job_schemas as schemas
from imgcore.api.calls import Asked, Turned
from imgcore.api.errors import documented
from imgcore.api.schemas import Listed
from imgcore.api.sections import section
from imgcore.domain.jobs import Job
from imgcore.domain.records import Page

router = section("Jobs")
PATH = "/api/jobs/"
_ONE = PATH + "{job_id}/"


@router.get(PATH, summary="List jobs", response_model=Listed[schemas.Job], responses=documented(404))
def list_jobs(call: Asked, turn: Turned) -> Page[Job]:
    """The newest first: administrators see all, clinicians their own."""
    return call.services.jobs.list(call.actor, turn)


@router.post(
    PATH, summary="Start a job", response_model=schemas.Job, status_code=201,
    responses=documented(400, 404, 409, 413),
)  # fmt: skip
def start_job(call: Asked, new: schemas.NewJobBody) -> Job:
    """Answers at once with the waiting job. Its kinds:

    - `renditions`: thumbnails and display copies that are missing, with `again` all of them; of one batch
      (`batch_id`), one patient (`patient_id`), or all.
    - `analyses`: a model (`analyser`) over `image_ids`, a batch (`batch_id`), a patient (`patient_id`) or an
      image set (`image_set_id`); what it said before is computed anew only with `again`.
    - `import_folder`: the photographs of `folder`, below the one that the server names for imports, into the
      batch `batch` of `patient` (id, external id or MRN). For administrators. Started again, it goes on
      where it ended and stores nothing twice.
    - `import_prefix`: the same from below `prefix` of the store that the server names for imports.
    - `check`: every stored byte against what is known of it, with `repair` mending what can be mended, with
      `quick` by sizes only; `backup`, into the folder that the server names for it; `purge` of the trash, of
      one `patient` or all, of what is `older_than_days`. For administrators.
    """
    return call.services.jobs.start(call.actor, new.kind, new.options)


@router.get(_ONE, summary="Get a job", response_model=schemas.Job, responses=documented(404))
def get_job(call: Asked, job_id: UUID) -> Job:
    """How far it is, and what came of it."""
    return call.services.jobs.get(call.actor, job_id)


@router.post(
    _ONE + "cancel/", summary="Cancel a job", response_model=schemas.Job, responses=documented(404, 409)
)
def cancel_job(call: Asked, job_id: UUID) -> Job:
    """A waiting job ends at once, a running one with its next step; what it did stays done."""
    return call.services.jobs.cancel(call.actor, job_id)


@router.post(
    _ONE + "retry/", summary="Try a job again", response_model=schemas.Job, responses=documented(404, 409)
)
def retry_job(call: Asked, job_id: UUID) -> Job:
    """For a job that failed or was cancelled."""
    return call.services.jobs.retry(call.actor, job_id)
