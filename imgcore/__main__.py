"""``python -m imgcore``."""

from __future__ import annotations

import sys

from imgcore.cli import main

if __name__ == "__main__":
    sys.exit(main())
