"""`python -m headstart.cli`: the same as the installed command."""

from __future__ import annotations

import sys

from headstart.cli.entry import main

sys.exit(main())
