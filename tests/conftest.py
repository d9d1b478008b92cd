"""What every test shares: which database is tried, and where the files of a run go."""

import os
import tempfile

# Before Django reads its settings: a test run has a home of its own and no limits on how fast it may ask.
os.environ.setdefault("BESEDKA_HOME", tempfile.mkdtemp(prefix="besedka-tests-"))
os.environ.setdefault("BESEDKA_TESTING", "on")
