import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import tenpapers
from tenpapers.errors import UserError
from tenpapers.sandbox import SandboxPool

SYSTEM_PYTHON = "/usr/bin/python3"
# What kernels and containers refuse, and the error they answer with.
REFUSALS = {
    "nothing": {},
    "mount_setattr missing": {"mount_setattr": errno.ENOSYS},
    "user namespaces": {"unshare": errno.EPERM},
    "mounts (AppArmor)": {"mount": errno.EACCES},
    "asking the worker": {"seccomp": errno.ENOSYS},
    "every barrier": {"unshare": errno.EPERM, "landlock_create_ruleset": errno.ENOSYS},
}


@pytest.fixture(scope="session")
def readable():
    """A copy of the sandbox and of the driver that every user may read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        source = Path(tenpapers.__file__).parent
        (folder / "tenpapers").mkdir()
        for module in ("__init__.py", "closing.py", "errors.py"):
            shutil.copy(source / module, folder / "tenpapers")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source / "sandbox", folder / "tenpapers" / "sandbox", ignore=ignored)
        shutil.copy(Path(__file__).with_name("drive.py"), folder)
        for path in folder.rglob("*"):
            path.chmod(0o755)
        yield folder


@pytest.fixture
def drive(readable):
    """Run programs in a process of its own; `user` None is who we are, else that user id."""

    def call(programs, *, user=None, refusal="nothing", before=(), python=None, **pool):
        if user is not None and os.geteuid() != 0:
            pytest.skip("only root can become somebody else")
        ordinary = user is not None and user != os.geteuid()
        python = python or (SYSTEM_PYTHON if ordinary else sys.executable)
        if ordinary and not Path(python).exists():
            pytest.skip(f"no {python}, which another user could run")
        settings = {"programs": programs, "pool": pool, "refused": REFUSALS[refusal]}
        identity = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
        found = subprocess.run(
            [*before, python, str(readable / "drive.py"), json.dumps(settings)],
            env={"PATH": os.defpath, "PYTHONPATH": str(readable), "SECRET_KEY": "of the caller"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd="/",
            **identity,
        )
        assert found.returncode == 0, found.stderr
        return json.loads(found.stdout)

    return call


def there(barrier):
    """Skip where this machine has no such barrier; a worker that breaks is no such machine."""
    with SandboxPool(workers=1, barriers=[barrier]) as pool:
        try:
            pool._choose_barrier()
        except UserError as error:
            assert "the canary got" not in str(error) and "a worker died" not in str(error)
            pytest.skip(str(error))
    return barrier


@pytest.fixture(params=["namespaces", "landlock"])
def barrier(request):
    """Each barrier of the kernel that this machine has."""
    return there(request.param)


@pytest.fixture(params=["namespaces", "landlock", "weak"])
def any_barrier(request):
    """The list of system calls alone, too."""
    return there(request.param)
