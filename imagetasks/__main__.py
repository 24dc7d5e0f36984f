"""``python -m imagetasks``."""

import sys

from imagetasks.cli import main

sys.exit(main())
