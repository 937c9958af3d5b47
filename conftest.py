"""What holds for every test of the house: no hub, no deadlines, one thread a worker."""

import os

import hypothesis

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Workers share the cores. torch reads this at its import, and so do processes that tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine is no counterexample, and the same examples everywhere make a failure repeatable.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")
