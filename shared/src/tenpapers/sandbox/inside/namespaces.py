"""The strong barrier: namespaces of one's own and a file system that holds only what is needed.

Standard library only. Uses no call that is newer than Linux 4.6.
"""

import contextlib
import os
from pathlib import Path

from syscalls import check, libc, numbers  # type: ignore[import-not-found]
from view import DEVICES, View  # type: ignore[import-not-found]

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_DETACH = 2
# Flags of a mount that a user namespace may not take away, by their bit in statvfs.
_LOCKED = {1: 1, 2: 2, 4: 4, 8: 8, 1 << 10: 1024, 1 << 11: 2048, 1 << 21: 4096}


def enter_namespaces() -> None:
    """Leave the host's mounts, network, IPC and process table; the next fork is process 1.

    Raises
    ------
    OSError : the kernel or a container refuses.
    """
    flags = _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS
    user, group = os.getuid(), os.getgid()
    if user == 0 and libc.unshare(flags) == 0:
        return
    check(libc.unshare(flags | _NEWUSER), "user namespaces")
    with contextlib.suppress(FileNotFoundError):  # before Linux 3.19
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _mount(source: str | Path, target: str | Path, kind: str, flags: int, data: str = "") -> None:
    arguments = [os.fsencode(text) for text in (source, target, kind)]
    check(libc.mount(*arguments, flags, data.encode()), f"mount on {target}")


def seal_filesystem(home: str, view: View) -> None:
    """Change to a file system that has the view, read-only, three devices, /proc and `home`.

    Raises
    ------
    OSError : the kernel or a container refuses.
    """
    _mount("", "/", "", _RECURSIVE | _PRIVATE)
    root = Path(home)  # any folder serves to build upon
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=0755")
    for source in map(Path, view.visible):
        target = _inside(root, source)
        if source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.readlink())
        elif source.is_relative_to("/sys"):
            with contextlib.suppress(OSError):
                _bind(source, target)
        elif not source.is_relative_to("/proc"):
            _bind(source, target)
    for target in (_inside(root, Path(name)) for name in view.hidden):
        if target.is_dir():
            _mount("tmpfs", target, "tmpfs", _RDONLY | _NOSUID | _NODEV, "size=4k,mode=0755")
        elif target.exists():
            _mount("/dev/null", target, "", _BIND)
    for device in map(Path, DEVICES):
        _place(device, _inside(root, device))
        _mount(device, _inside(root, device), "", _BIND)
    (root / "proc").mkdir(parents=True)
    flags = _RDONLY | _NOSUID | _NODEV | _NOEXEC
    with contextlib.suppress(OSError):  # a container that hides parts of /proc: none of it, then
        _mount("proc", root / "proc", "proc", flags)
    _inside(root, root).mkdir(parents=True, exist_ok=True)
    os.chdir(root)
    check(libc.syscall(numbers("ours")["pivot_root"], b".", b"."), "pivot_root")
    check(libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")
    _mount("", "/", "", _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    options = f"size=64m,nr_inodes=4096,mode=0700,uid={os.getuid()},gid={os.getgid()}"
    _mount("tmpfs", home, "tmpfs", _NOSUID | _NODEV, options)


def _inside(root: Path, name: Path) -> Path:
    return root / name.relative_to("/")


def _place(source: Path, target: Path) -> None:
    """Make what a mount needs to lie upon."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def _bind(source: Path, target: Path) -> None:
    """Show a file or folder, read-only, with whatever is mounted below it."""
    _place(source, target)
    _mount(source, target, "", _BIND | _RECURSIVE)
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    for point in (p for p in points if Path(p).is_relative_to(target)):
        have = os.statvfs(point).f_flag
        kept = sum(flag for flag, bit in _LOCKED.items() if have & bit)
        _mount("", point, "", _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | kept)
