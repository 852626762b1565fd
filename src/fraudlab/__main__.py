"""``python -m fraudlab``."""

import sys
from pathlib import Path

# Python puts the current folder first, where a person's own random.py is none of ours.
if not sys.flags.safe_path and Path(sys.path[0]).resolve() != Path(__file__).resolve().parents[1]:
    del sys.path[0]

from fraudlab.cli import main

sys.exit(main())
