"""`python -m tapehead.cli` is `tapehead`."""

import sys

from tapehead.cli import main

sys.exit(main())
