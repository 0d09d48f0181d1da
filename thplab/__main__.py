"""``python -m thplab``: the command line."""

import sys

from thplab.cli import main

sys.exit(main())
