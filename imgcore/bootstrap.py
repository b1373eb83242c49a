"""The one place where the parts of Imgcore are put together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from filelock import FileLock, Timeout

from imgcore import logs
from imgcore.config import Settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.categories import CategorySet, load_category_set
from imgcore.domain.values import NewUser, parse
from imgcore.errors import ConfigError, Conflict, ImgcoreError, Invalid
from imgcore.imaging import ImagingPool, Limits
from imgcore.queue import Queue
from imgcore.services import Services
from imgcore.services.account import Account
from imgcore.services.accounts import Accounts
from imgcore.services.analyses import Analyses
from imgcore.services.analysis_jobs import AnalysisJobs
from imgcore.services.analysis_runs import Analysers, AnalysisRuns
from imgcore.services.audit import Audit
from imgcore.services.backups import Backups
from imgcore.services.batches import Batches
from imgcore.services.checks import Checks
from imgcore.services.comparisons import Comparisons
from imgcore.services.copies import Copies
from imgcore.services.datasets import Datasets
from imgcore.services.downloads import Downloads
from imgcore.services.erasure import Erasure
from imgcore.services.exports import Exports
from imgcore.services.files import Files, Renditions
from imgcore.services.folders import Folders
from imgcore.services.guests import Guests
from imgcore.services.health import Health, check_secret
from imgcore.services.history import History
from imgcore.services.holds import Holds
from imgcore.services.image_sets import ImageSets
from imgcore.services.images import Images
from imgcore.services.imports import Imports
from imgcore.services.impressions import Impressions
from imgcore.services.job_runs import JobRuns
from imgcore.services.jobs import Jobs
from imgcore.services.kinds import Kind, kinds
from imgcore.services.looks import Looks
from imgcore.services.nights import Nights
from imgcore.services.operations import Operations
from imgcore.services.past_records import PastRecords
from imgcore.services.patients import Patients
from imgcore.services.purges import Purges
from imgcore.services.removals import Removals
from imgcore.services.renewals import Renewals
from imgcore.services.repairs import Repairs
from imgcore.services.restores import Restores, refuse_half_restored
from imgcore.services.results import Results
from imgcore.services.retention import Retention
from imgcore.services.seals import Seals
from imgcore.services.set_files import SetFiles
from imgcore.services.shares import Shares
from imgcore.services.sign_in import SignIn
from imgcore.services.statistics import Statistics
from imgcore.services.sweeps import Sweeps
from imgcore.services.teams import Teams
from imgcore.services.trash import Trash
from imgcore.services.upkeep import Upkeep
from imgcore.services.uploads import Uploads
from imgcore.services.visit_images import VisitImages
from imgcore.services.visits import Visits
from imgcore.services.work import Ledger, utc_now
from imgcore.storage import ObjectStore, encrypted_store, open_store
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.analysis import Analyser

SWEEP_SECONDS = 180
SEAL_SECONDS = 1.0
RECOVER_SECONDS = 3.0  # how long a job waits that the queue has lost
_log = logging.getLogger(__name__)


@dataclass
class Clinic:
    """One running clinic: its services, and what must be let go of at the end."""

    services: Services
    database: Database
    store: ObjectStore
    imaging: ImagingPool
    queue: Queue
    lock: FileLock | None = None
    built_at: datetime = field(default_factory=utc_now)
    _parts: ExitStack = field(default_factory=ExitStack)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _is_sealing_broken: bool = False

    def start_sweeping(self) -> None:
        """Finish or undo what was left half done, now and every few minutes."""
        self._start(self._sweep, "imgcore-sweeper")

    def start_sealing(self) -> None:
        """Number and chain new audit lines every second."""
        self._start(self._keep_sealing, "imgcore-sealer")

    def start_working(self) -> None:
        """Do jobs in threads of this process, unless the settings leave that to others.

        With SQLite the one server does it, and nobody else.
        """
        settings = self.services.settings
        if settings.workers and (self.lock is not None or not settings.on_sqlite):
            self._start(self._work, "imgcore-jobs")

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _look_at_store(self) -> None:
        """Say once what keeps the store from working; the server starts all the same."""
        try:
            self.store.check()
        except ImgcoreError as error:
            _log.warning("%s %s", error.message, error.hint)

    def _sweep(self) -> None:
        self._look_at_store()
        alone_since = self.built_at if self.lock is not None else None
        while not self._ending.is_set():
            try:
                self.services.sweeps.run(system("sweeper"), started_at=alone_since)
                self.services.retention.daily(system("sweeper"))
                self.services.nights.begin(system("sweeper"))
            except ImgcoreError as error:  # store or database away: the next round tries again
                _log.warning("the sweep was broken off: %s", error)
            except Exception:
                _log.exception("the sweep failed; the next one tries again")
            self._ending.wait(SWEEP_SECONDS)

    def _work(self) -> None:
        is_new, is_broken, workers = True, False, None
        while not self._ending.is_set():
            try:
                self.services.job_runs.recover(system("worker"), is_alone=is_new and self.lock is not None)
                is_new = False
                workers = workers or self.queue.work(self._do, self.services.settings.workers)
                is_broken = False
            except Exception as error:  # queue or database away: said once, tried again
                if not is_broken:
                    _log.warning("jobs cannot be looked for: %s", error, exc_info=_unknown(error))
                is_broken = True
            self._ending.wait(RECOVER_SECONDS)
        if workers is not None:
            workers.stop()

    def _do(self, job_id: UUID) -> None:
        self.services.job_runs.run(system("worker"), job_id, self._ending)

    def _keep_sealing(self) -> None:
        while not self._ending.wait(SEAL_SECONDS):
            self._seal()

    def _seal(self, *, is_end: bool = False) -> None:
        try:
            self.services.seals.run(system("sealer"))
            self.services.seals.keep_head(system("sealer"), is_end=is_end)
            self._is_sealing_broken = False
        except Exception as error:  # most likely the database is away: said once, tried again
            if not self._is_sealing_broken:
                _log.warning("audit lines could not be sealed: %s", error, exc_info=_unknown(error))
            self._is_sealing_broken = True

    def close(self) -> None:
        """Stop what runs beside, seal the last audit lines, and let go of database, store and lock.

        A second call does nothing: to seal once more would open a connection that nobody closes.
        """
        if self._ending.is_set():
            return
        self._ending.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._seal(is_end=True)
        self._parts.close()


def _unknown(error: Exception) -> Exception | None:
    """Return an error whose trace belongs into the log."""
    return None if isinstance(error, ImgcoreError) else error


def build(
    settings: Settings,
    *,
    serving: bool = False,
    clock: Callable[[], datetime] = utc_now,
    analysers: Callable[[], Mapping[str, Analyser]] | None = None,
) -> Clinic:
    """Open the clinic that the settings describe; ``ConfigError`` says what stands in the way.

    ``serving`` claims the data folder: with SQLite only one server may work in it. ``analysers`` finds the
    models, when they are first asked for, instead of what is installed.
    """
    logs.configure(settings)
    with ExitStack() as parts:
        lock = _claim(settings) if serving and settings.on_sqlite else None
        if lock is not None:
            parts.callback(lock.release)
        database = Database(settings.database)
        parts.callback(database.close)
        refuse_half_restored(database)
        schema.ready(database)
        ledger = Ledger(database, settings, clock)
        check_secret(ledger)
        store = _store(settings)
        parts.callback(store.close)
        imaging = ImagingPool(settings.decoders, Limits(max_pixels=settings.max_pixels))
        parts.callback(imaging.close)
        queue = Queue(settings.queue)
        parts.callback(queue.close)
        services = _wire(ledger, store, imaging, queue, Analysers(settings, analysers))
        _first_admin(services)
        return Clinic(services, database, store, imaging, queue, lock, _parts=parts.pop_all())


@contextmanager
def restoring(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Iterator[Restores]:
    """Open the place that the settings describe, where there is no clinic yet, to bring one back there."""
    with ExitStack() as parts:
        if settings.on_sqlite:
            parts.callback(_claim(settings).release)
        database = Database(settings.database)
        parts.callback(database.close)
        store = _store(settings)
        parts.callback(store.close)
        yield Restores(Ledger(database, settings, clock), store)


def _store(settings: Settings) -> ObjectStore:
    return encrypted_store(open_store(settings.storage), settings.encryption_key_file, settings.temporary_dir)


def _wire(
    ledger: Ledger, store: ObjectStore, imaging: ImagingPool, queue: Queue, analysers: Analysers
) -> Services:
    categories = load_category_set(ledger.settings.category_set)
    renditions = Renditions(ledger, store, imaging)
    visits, images, trash = Visits(ledger), Images(ledger, categories), Trash(ledger)
    uploads = Uploads(ledger, store, imaging, categories)
    patients, batches = Patients(ledger), Batches(ledger)
    folders = Folders(ledger, uploads, patients, batches)
    seals, removals = Seals(ledger), Removals(ledger, store)
    sweeps, audit = Sweeps(ledger, store, removals), Audit(ledger, seals)
    copies, health = Copies(ledger, store, categories), Health(ledger, store)
    checks = Checks(ledger, store, audit, sweeps, Repairs(ledger, store, renditions))
    backups, purges = Backups(ledger, copies), Purges(ledger, removals)
    upkeep = Upkeep(ledger.settings, checks, backups, purges)
    runs = AnalysisRuns(ledger, renditions, analysers)
    analysis_jobs = AnalysisJobs(ledger, runs, categories)
    imports, renewals = Imports(ledger.settings, folders), Renewals(ledger, renditions)
    job_kinds = kinds(imports, renewals, analysis_jobs, upkeep)
    return Services(
        settings=ledger.settings,
        categories=categories,
        **_people(ledger),
        patients=patients,
        visits=visits,
        visit_images=VisitImages(ledger, visits, images, uploads, trash),
        batches=batches,
        images=images,
        uploads=uploads,
        folders=folders,
        files=Files(ledger, store, renditions),
        downloads=Downloads(ledger, store, categories),
        **_alone(ledger, categories),
        **_sets(ledger, categories, renditions),
        trash=trash,
        **_analyses(ledger, categories, runs, uploads),
        **_jobs(ledger, queue, job_kinds, checks),
        sweeps=sweeps,
        purges=purges,
        erasure=Erasure(ledger, removals),
        seals=seals,
        checks=checks,
        backups=backups,
        exports=Exports(ledger, copies),
        audit=audit,
        health=health,
        operations=Operations(ledger, store.name, health, checks, backups),
    )


def _analyses(
    ledger: Ledger, categories: CategorySet, runs: AnalysisRuns, uploads: Uploads
) -> dict[str, Any]:
    return {
        "results": Results(ledger, categories),
        "analyses": Analyses(ledger, runs, categories),
        "impressions": Impressions(ledger),
        "comparisons": Comparisons(ledger, categories),
        "past_records": PastRecords(ledger, uploads),
    }


def _alone(ledger: Ledger, categories: CategorySet) -> dict[str, Any]:
    """Return the services that need no other part."""
    return {
        "datasets": Datasets(ledger, categories),
        "history": History(ledger),
        "holds": Holds(ledger),
        "retention": Retention(ledger, categories),
        "looks": Looks(ledger),
        "statistics": Statistics(ledger, categories),
    }


def _people(ledger: Ledger) -> dict[str, Any]:
    return {
        "sign_in": SignIn(ledger),
        "account": Account(ledger),
        "accounts": Accounts(ledger),
        "teams": Teams(ledger),
    }


def _sets(ledger: Ledger, categories: CategorySet, renditions: Renditions) -> dict[str, Any]:
    return {
        "image_sets": ImageSets(ledger, categories),
        "set_files": SetFiles(ledger, renditions, categories),
        "shares": Shares(ledger, categories),
        "guests": Guests(ledger, renditions, categories),
    }


def _jobs(ledger: Ledger, queue: Queue, known: Mapping[str, Kind], checks: Checks) -> dict[str, Any]:
    jobs = Jobs(ledger, queue, known)
    return {"jobs": jobs, "job_runs": JobRuns(ledger, queue, known), "nights": Nights(ledger, jobs, checks)}


def _claim(settings: Settings) -> FileLock:
    lock = FileLock(settings.data_dir / "server.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(
            _("Another Imgcore server is already working in this data folder."),
            hint=_("Stop it first, or set IMGCORE_DATA_DIR to another folder."),
        ) from None
    return lock


def _first_admin(services: Services) -> None:
    settings = services.settings
    nobody = visitor(request_id="start")
    if not settings.admin_email or not services.accounts.needs_set_up(nobody):
        return
    password = settings.admin_password.get_secret_value()
    email = settings.admin_email
    try:
        new = parse(NewUser, email=email, name=email.partition("@")[0], role=Role.ADMIN, password=password)
    except Invalid as error:
        raise ConfigError(
            _("IMGCORE_ADMIN_EMAIL and IMGCORE_ADMIN_PASSWORD make no account: {reason}").format(
                reason=error.message
            )
        ) from None
    with suppress(Conflict):  # another server that starts at the same time was first
        services.accounts.set_up(nobody, new)


_in_use: list[Clinic] = []


def use(clinic: Clinic | None) -> None:
    """Name the clinic that this process serves, for code that the server calls without context."""
    _in_use[:] = [clinic] if clinic is not None else []


def in_use() -> Clinic:
    """Return the clinic that this process serves."""
    if not _in_use:
        raise ConfigError(_("Imgcore is not running."), hint=_("Start it with: streamlit run app.py"))
    return _in_use[0]
