"""The use cases: the only place that decides, checks permission, and writes what was done."""

from __future__ import annotations

from dataclasses import dataclass

from imgcore.config import Settings
from imgcore.domain.categories import CategorySet
from imgcore.services.account import Account
from imgcore.services.accounts import Accounts
from imgcore.services.analyses import Analyses
from imgcore.services.audit import Audit
from imgcore.services.backups import Backups
from imgcore.services.batches import Batches
from imgcore.services.checks import Checks
from imgcore.services.comparisons import Comparisons
from imgcore.services.datasets import Datasets
from imgcore.services.downloads import Downloads
from imgcore.services.erasure import Erasure
from imgcore.services.exports import Exports
from imgcore.services.files import Files
from imgcore.services.folders import Folders
from imgcore.services.guests import Guests
from imgcore.services.health import Health
from imgcore.services.history import History
from imgcore.services.holds import Holds
from imgcore.services.image_sets import ImageSets
from imgcore.services.images import Images
from imgcore.services.impressions import Impressions
from imgcore.services.job_runs import JobRuns
from imgcore.services.jobs import Jobs
from imgcore.services.looks import Looks
from imgcore.services.nights import Nights
from imgcore.services.operations import Operations
from imgcore.services.past_records import PastRecords
from imgcore.services.patients import Patients
from imgcore.services.purges import Purges
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
    folders: Folders
    files: Files
    downloads: Downloads
    datasets: Datasets
    image_sets: ImageSets
    set_files: SetFiles
    shares: Shares
    guests: Guests
    trash: Trash
    teams: Teams
    results: Results
    analyses: Analyses
    impressions: Impressions
    comparisons: Comparisons
    past_records: PastRecords
    history: History
    jobs: Jobs
    job_runs: JobRuns
    nights: Nights
    sweeps: Sweeps
    holds: Holds
    retention: Retention
    purges: Purges
    erasure: Erasure
    checks: Checks
    backups: Backups
    exports: Exports
    seals: Seals
    audit: Audit
    looks: Looks
    health: Health
    operations: Operations
    statistics: Statistics
