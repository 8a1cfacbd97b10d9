"""`python -m tapehead` is the command `tapehead`, but for Ctrl-C while torch is imported, which comes first here."""

import sys

from tapehead_launcher import main

sys.exit(main())
