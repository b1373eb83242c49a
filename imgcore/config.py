"""The clinic's settings: read once from the environment, checked, and frozen."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imgcore.errors import ConfigError
from imgcore.texts import _

MEBIBYTE = 1024 * 1024
SECRET_FILE = "secret.key"
SHORTEST_SECRET = 32
# The cookie that carries the session of a browser.
SESSION_COOKIE = "imgcore_session"


class Settings(BaseSettings):
    """All that a clinic can set; each name stands in the environment with the prefix ``IMGCORE_``."""

    model_config = SettingsConfigDict(env_prefix="IMGCORE_", frozen=True, extra="ignore")

    data_dir: Path = Path("data")
    database_url: str = ""
    storage_url: str = ""
    encryption_key_file: Path | None = None
    secret_key: SecretStr = SecretStr("")
    admin_email: str = ""
    admin_password: SecretStr = SecretStr("")
    access: Literal["clinic", "care_team"] = "clinic"
    category_set: str = "podiatry"
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    max_file_bytes: int = Field(default=10 * MEBIBYTE, ge=1024)
    max_pixels: int = Field(default=64_000_000, ge=10_000)
    max_request_files: int = Field(default=100, ge=1)
    max_request_bytes: int = Field(default=500 * MEBIBYTE, ge=1024)
    audit_heads: Path | None = None
    workers: int = Field(default=1, ge=0, le=16)  # 0: jobs are done by other processes
    queue_url: str = ""
    import_folder: Path | None = None
    import_url: str = ""
    decoders: int = Field(default=2, ge=1, le=64)
    trash_days: int = Field(default=30, ge=1)
    retention: Literal["manual", "automatic"] = "manual"
    models_dir: Path | None = None
    model_threads: int = Field(default=2, ge=1, le=256)
    hide_results_until_impression: bool = False
    upkeep: Literal["manual", "automatic"] = "manual"
    backup_folder: Path | None = None
    backup_recipients: Annotated[tuple[str, ...], NoDecode] = ()

    session_idle_minutes: int = Field(default=60, ge=1)
    session_hours: int = Field(default=12, ge=1)
    lock_minutes: float = Field(default=15, ge=0, allow_inf_nan=False)  # 0: never
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = ""
    secure_cookies: bool = False
    log_format: Literal["", "text", "json"] = ""

    @field_validator("data_dir", "audit_heads", "import_folder", "backup_folder", "models_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @field_validator("audit_heads", "import_folder", "backup_folder", "models_dir", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return value or None

    @field_validator("encryption_key_file")
    @classmethod
    def _outside(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        folder = info.data.get("data_dir")
        if value and folder and value.resolve().is_relative_to(folder.resolve()):
            raise ValueError(_("it must lie outside the data folder, which it protects"))
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(_("it needs at least {count} characters").format(count=SHORTEST_SECRET))
        return value

    @field_validator("backup_recipients", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("queue_url")
    @classmethod
    def _known_queue(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "postgresql+psycopg://")):
            raise ValueError(_("it begins with redis://, rediss:// or postgresql+psycopg://"))
        return value

    @field_validator("lock_minutes")
    @classmethod
    def _before_the_end(cls, value: float, info: ValidationInfo) -> float:
        if value >= info.data.get("session_idle_minutes", value + 1):
            raise ValueError(_("it must be less than IMGCORE_SESSION_IDLE_MINUTES"))
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _over_https(cls, value: str) -> str:
        issuer = urlsplit(value)
        is_local = issuer.scheme == "http" and issuer.hostname in ("localhost", "127.0.0.1", "::1")
        if value and not (issuer.hostname and (issuer.scheme == "https" or is_local)):
            raise ValueError(_("it must be an address that begins with https://"))
        return value.strip()

    @field_validator("oidc_client_id")
    @classmethod
    def _of_an_issuer(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("oidc_issuer"):
            raise ValueError(_("it belongs to IMGCORE_OIDC_ISSUER"))
        return value

    @property
    def locks_after(self) -> timedelta | None:
        """How long a session stays open without use; None when it is never locked before it ends."""
        return timedelta(minutes=self.lock_minutes) if self.lock_minutes else None

    @property
    def outer_name(self) -> str:
        """What the outer sign-in is called on its button; empty when there is none."""
        return self.oidc_issuer and (self.oidc_name or urlsplit(self.oidc_issuer).hostname or "")

    @property
    def database(self) -> str:
        """URL of the database: the one that was set, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'imgcore.sqlite3'}"

    @property
    def storage(self) -> str:
        """URL of the object store: the one that was set, or a folder in the data folder."""
        return self.storage_url or (self.data_dir / "objects").as_uri()

    @property
    def temporary_dir(self) -> Path:
        """Private folder for uploads under way, on the disk of the data folder."""
        return self.data_dir / "incoming"

    @property
    def heads_file(self) -> Path:
        """File outside the database that keeps the newest hash of the audit."""
        return self.audit_heads or self.data_dir / "audit-heads.txt"

    @property
    def models(self) -> Path:
        """Folder of the clinic's own models, each in a folder with its card; it need not exist."""
        return self.models_dir or self.data_dir / "models"

    @property
    def queue(self) -> str:
        """URL of the queue of jobs: the one that was set, or beside the rows, by the database's own kind."""
        if self.queue_url or not self.on_sqlite:
            return self.queue_url or self.database
        return f"sqlite:///{self.data_dir / 'queue.sqlite3'}"

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database.startswith("sqlite")


def read_settings(**overrides: object) -> Settings:
    """Read the settings from the environment, no more; ``ConfigError`` names the one that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "IMGCORE_" + str(first["loc"][0]).upper()
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigError(
            _("The setting {name} is not usable: {reason}.").format(name=name, reason=reason),
            hint=_("All settings are listed in docs/operations.md."),
        ) from None


def load_settings(**overrides: object) -> Settings:
    """Read the settings as ``read_settings`` does, and make what they need.

    The data folder is made, for its owner only, and a secret key is made and kept there
    when none is set.
    """
    settings = read_settings(**overrides)
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.temporary_dir.mkdir(mode=0o700, exist_ok=True)
        if settings.secret_key.get_secret_value():
            return settings
        key = _kept_secret(settings.data_dir / SECRET_FILE, settings.temporary_dir)
    except OSError as error:
        raise ConfigError(
            _("The data folder cannot be used: {reason}.").format(reason=error.strerror),
            hint=_("Set IMGCORE_DATA_DIR to a folder that this account may write."),
        ) from error
    return settings.model_copy(update={"secret_key": SecretStr(key)})


def _kept_secret(path: Path, drafts: Path) -> str:
    """Return the secret kept in ``path``, made there first; two starts at once agree on one.

    The folder ``drafts`` is swept, so that no copy of the secret stays behind in it.
    """
    if not path.exists():
        draft = drafts / f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        _keep_entries(path.parent)
    key = path.read_text().strip()
    if len(key) < SHORTEST_SECRET:
        raise ConfigError(
            _("The file {name} in the data folder does not hold the whole secret key.").format(
                name=path.name
            ),
            hint=_("Bring it back from a backup, or set IMGCORE_SECRET_KEY."),
        )
    return key


def _keep_entries(folder: Path) -> None:
    """Bring the names in a folder to the disk: a database whose key is gone could not be opened again."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
