"""The use cases: the only place that decides, checks permission, and writes what was done."""

from __future__ import annotations

from dataclasses import dataclass

from imgcore.config import Settings
from imgcore.domain.categories import CategorySet
from imgcore.services.accounts import Accounts
from imgcore.services.batches import Batches
from imgcore.services.downloads import Downloads
from imgcore.services.files import Files
from imgcore.services.health import Health
from imgcore.services.history import History
from imgcore.services.images import Images
from imgcore.services.patients import Patients
from imgcore.services.sign_in import SignIn
from imgcore.services.sweeps import Sweeps
from imgcore.services.trash import Trash
from imgcore.services.uploads import Uploads


@dataclass(frozen=True)
class Services:
    """Every service of one running clinic, wired once."""

    settings: Settings
    categories: CategorySet
    sign_in: SignIn
    accounts: Accounts
    patients: Patients
    batches: Batches
    images: Images
    uploads: Uploads
    files: Files
    downloads: Downloads
    trash: Trash
    history: History
    sweeps: Sweeps
    health: Health
