"""``storage create``, ``key`` and ``rotate``: the place of the image files, and what encrypts them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from imgcore.config import Settings, load_settings
from imgcore.errors import ConfigError
from imgcore.storage import open_store
from imgcore.storage.encrypted import EncryptedStore
from imgcore.storage.file_keys import FileKey, read_keys, write_keys
from imgcore.texts import _

if TYPE_CHECKING:
    from imgcore.cli.commands import Commands


def add_to(commands: Commands) -> None:
    """Add these commands."""
    storage = commands.add_parser("storage", help=_("look after the place of the image files"))
    steps = storage.add_subparsers(metavar=_("STEP"), required=True)
    create = steps.add_parser("create", help=_("make the folder or the bucket, and check that it is private"))
    create.set_defaults(run=_create)
    key = steps.add_parser("key", help=_("make the key that encrypts image files, and print it once"))
    ways = key.add_mutually_exclusive_group()
    ways.add_argument("--add", action="store_true", help=_("put a new key before those that are there"))
    ways.add_argument("--recover", action="store_true", help=_("bring a key back that was written down"))
    key.set_defaults(run=_key)
    rotate = steps.add_parser("rotate", help=_("encrypt with the first key what is plain or under another"))
    rotate.set_defaults(run=_rotate)


def _create(_asked: argparse.Namespace) -> int:
    store = open_store(load_settings().storage)
    try:
        made = store.create()
    finally:
        store.close()
    text = _("Made and checked: {name}.") if made else _("It is there and works: {name}.")
    print(text.format(name=store.name))
    return 0


def _key(asked: argparse.Namespace) -> int:
    path = _key_file(load_settings())
    known = read_keys(path) if path.exists() else ()
    if asked.recover:
        return _recover(path, known)
    if known and not asked.add:
        raise ConfigError(
            _("There is a key file already; it was left as it is."),
            hint=_("Use --add for a new key, and then: python -m imgcore storage rotate"),
        )
    new = FileKey.make()
    write_keys(path, (new, *known))
    print(_("Write this recovery key down and keep it away from this machine; it is not shown again:"))
    print(f"\n{new.recovery}\n")
    print(_("Who loses the key file and the recovery key loses the image files."))
    return 0


def _recover(path: Path, known: tuple[FileKey, ...]) -> int:
    print(_("Type the recovery key:"), file=sys.stderr)
    key = FileKey.recover(sys.stdin.readline())
    if key not in known:
        write_keys(path, (*known, key))
    print(_("The key {id} is in the key file.").format(id=key.id))
    return 0


def _rotate(_asked: argparse.Namespace) -> int:
    settings = load_settings()
    store = EncryptedStore(open_store(settings.storage), _key_file(settings), settings.temporary_dir)
    try:
        done = store.rotate()
    finally:
        store.close()
    print(_("{count} files were encrypted with the first key.").format(count=done.moved))
    for key in done.failed:
        print(_("not opened: {key}").format(key=key))
    if not done.failed:
        print(_("None is left under another key; older keys may be taken out of the file."))
    return 1 if done.failed else 0


def _key_file(settings: Settings) -> Path:
    if settings.encryption_key_file is None:
        raise ConfigError(
            _("IMGCORE_ENCRYPTION_KEY_FILE is not set."),
            hint=_("Set it to the path of a file outside the data folder."),
        )
    return settings.encryption_key_file
