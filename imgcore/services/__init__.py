"""The use cases: the only place that decides, checks permission, and writes what was done."""

from __future__ import annotations

from dataclasses import dataclass

from imgcore.config import Settings
from imgcore.domain.categories import CategorySet
from imgcore.services.account import Account
from imgcore.services.accounts import Accounts
from imgcore.services.audit import Audit
from imgcore.services.batches import Batches
from imgcore.services.downloads import Downloads
from imgcore.services.files import Files
from imgcore.services.guests import Guests
from imgcore.services.health import Health
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


@dataclass(frozen=True)
class Services:
    """Every service of one running clinic, wired once."""

    settings: Settings
    categories: CategorySet
    sign_in: SignIn
    account: Account
    accounts: Accounts
    patients: Patients
    visits: Visits
    visit_images: VisitImages
    batches: Batches
    images: Images
    uploads: Uploads
    files: Files
    downloads: Downloads
    image_sets: ImageSets
    set_files: SetFiles
    shares: Shares
    guests: Guests
    trash: Trash
    teams: Teams
    results: Results
    history: History
    sweeps: Sweeps
    seals: Seals
    audit: Audit
    looks: Looks
    health: Health
