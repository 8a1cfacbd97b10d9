"""`python -m tapehead` is the command `tapehead`."""

import sys

from tapehead_launcher import main

sys.exit(main())
