"""The one place where the parts of Imgcore are put together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime

from filelock import FileLock, Timeout

from imgcore.config import Settings
from imgcore.db import schema
from imgcore.db.engine import Database
from imgcore.domain.access import Role, system, visitor
from imgcore.domain.categories import load_category_set
from imgcore.domain.values import NewUser, parse
from imgcore.errors import ConfigError, Conflict, ImgcoreError, Invalid
from imgcore.imaging import ImagingPool, Limits
from imgcore.services import Services
from imgcore.services.account import Account
from imgcore.services.accounts import Accounts
from imgcore.services.audit import Audit
from imgcore.services.batches import Batches
from imgcore.services.downloads import Downloads
from imgcore.services.files import Files, Renditions
from imgcore.services.guests import Guests
from imgcore.services.health import Health, check_secret
from imgcore.services.history import History
from imgcore.services.image_sets import ImageSets
from imgcore.services.images import Images
from imgcore.services.looks import Looks
from imgcore.services.patients import Patients
from imgcore.services.results import Results
from imgcore.services.seals import Seals
from imgcore.services.set_files import SetFiles
from imgcore.services.shares import Shares
from imgcore.services.sign_in import SignIn
from imgcore.services.sweeps import Sweeps
from imgcore.services.teams import Teams
from imgcore.services.trash import Trash
from imgcore.services.uploads import Uploads
from imgcore.services.visit_images import VisitImages
from imgcore.services.visits import Visits
from imgcore.services.work import Ledger, utc_now
from imgcore.storage import ObjectStore, open_store
from imgcore.texts import _

SWEEP_SECONDS = 180
SEAL_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass
class Clinic:
    """One running clinic: its services, and what must be let go of at the end."""

    services: Services
    database: Database
    store: ObjectStore
    imaging: ImagingPool
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

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _sweep(self) -> None:
        alone_since = self.built_at if self.lock is not None else None
        while not self._ending.is_set():
            try:
                self.services.sweeps.run(system("sweeper"), started_at=alone_since)
            except ImgcoreError as error:  # store or database away: the next round tries again
                _log.warning("the sweep was broken off: %s", error)
            except Exception:
                _log.exception("the sweep failed; the next one tries again")
            self._ending.wait(SWEEP_SECONDS)

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
        """Stop what runs beside, seal the last audit lines, and let go of database, store and lock."""
        self._ending.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._seal(is_end=True)
        self._parts.close()


def _unknown(error: Exception) -> Exception | None:
    """Return an error whose trace belongs into the log."""
    return None if isinstance(error, ImgcoreError) else error


def build(settings: Settings, *, serving: bool = False, clock: Callable[[], datetime] = utc_now) -> Clinic:
    """Open the clinic that the settings describe; ``ConfigError`` says what stands in the way.

    ``serving`` claims the data folder: with SQLite only one server may work in it.
    """
    with ExitStack() as parts:
        lock = _claim(settings) if serving and settings.on_sqlite else None
        if lock is not None:
            parts.callback(lock.release)
        database = Database(settings.database)
        parts.callback(database.close)
        schema.ready(database)
        ledger = Ledger(database, settings, clock)
        check_secret(ledger)
        store = open_store(settings.storage)
        parts.callback(store.close)
        imaging = ImagingPool(settings.decoders, Limits(max_pixels=settings.max_pixels))
        parts.callback(imaging.close)
        services = _wire(ledger, store, imaging)
        _first_admin(services)
        return Clinic(services, database, store, imaging, lock, _parts=parts.pop_all())


def _wire(ledger: Ledger, store: ObjectStore, imaging: ImagingPool) -> Services:
    categories = load_category_set(ledger.settings.category_set)
    renditions = Renditions(ledger, store, imaging)
    visits, images, trash = Visits(ledger), Images(ledger, categories), Trash(ledger)
    uploads = Uploads(ledger, store, imaging, categories)
    seals = Seals(ledger)
    return Services(
        settings=ledger.settings,
        categories=categories,
        sign_in=SignIn(ledger),
        account=Account(ledger),
        accounts=Accounts(ledger),
        patients=Patients(ledger),
        visits=visits,
        visit_images=VisitImages(ledger, visits, images, uploads, trash),
        batches=Batches(ledger),
        images=images,
        uploads=uploads,
        files=Files(ledger, store, renditions),
        downloads=Downloads(ledger, store, categories),
        image_sets=ImageSets(ledger, categories),
        set_files=SetFiles(ledger, renditions, categories),
        shares=Shares(ledger, categories),
        guests=Guests(ledger, renditions, categories),
        trash=trash,
        teams=Teams(ledger),
        results=Results(ledger),
        history=History(ledger),
        sweeps=Sweeps(ledger, store),
        seals=seals,
        audit=Audit(ledger, seals),
        looks=Looks(ledger),
        health=Health(ledger, store),
    )


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
