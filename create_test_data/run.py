"""Where clients of the old ads service look for the script: it lies in `demo/`."""

import os
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "demo" / "create_test_data" / "run.py"

os.execv(sys.executable, [sys.executable, str(SCRIPT), *sys.argv[1:]])
