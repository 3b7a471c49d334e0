# SPDX-License-Identifier: BSD-2-Clause
"""What happens to programs, disks, clocks and files. Each is a generator: it
makes the fault, yields while that is there, and takes it away again. The name
of the function is the kind."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

FAULTS = []
LEFT_OUT = {}  # kind: why it cannot be had here


def fault(fn):
    FAULTS.append(fn)
    return fn


def on_registry(fn):
    """Puts rows of others back: they are in doubt until all is calm."""
    fn.is_on_registry = True
    return fault(fn)


def left_out(world):
    """{kind: why}"""
    reasons = {}
    if not world.is_mounted:
        why = "needs root, to mount a small tmpfs"
        reasons |= {"full_disk": why, "read_only_disk": why,
                    "directory_mounted_over": why}
    if not world.clock:
        why = "needs libfaketime, and a build without sanitizers"
        reasons |= {"clock_ahead": why, "clock_behind": why}
    if world.has_sanitizers:
        reasons["no_memory_registrar"] = reasons["no_memory_dnsd"] = \
            "sanitizers map terabytes: it takes a build without"
    return reasons


# -- programs

@fault
def kill_dnsd(world):
    with world.truth.impeded(deaf=True):
        world.dnsd.signal(signal.SIGKILL)
        yield


@fault
def kill_registrar(world):
    with world.truth.impeded():
        world.registrar.is_down = world.rng.randrange(2) == 1
        world.registrar.signal(signal.SIGKILL)
        yield
        world.registrar.is_down = False


@fault
def kill_both(world):
    with world.truth.impeded(deaf=True):
        world.registrar.signal(signal.SIGKILL)
        world.dnsd.signal(signal.SIGKILL)
        yield


@fault
def kill_helper(world):
    """The registrar ends then, to be started anew."""
    helpers = world.registrar.helpers()
    with world.truth.impeded():
        world.registrar.excused |= {1}
        for pid in helpers[:1 + world.rng.randrange(2)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        yield
    world.registrar.excused -= {1}


@fault
def kill_often(world):
    with world.truth.impeded():
        for _ in range(5):
            world.registrar.signal(signal.SIGKILL)
            time.sleep(world.rng.uniform(0.05, 0.4))
        yield


def stop(world, program, deaf):
    with world.truth.impeded(deaf=deaf):
        program.signal(signal.SIGSTOP)
        yield
        program.signal(signal.SIGCONT)


@fault
def stop_dnsd(world):
    yield from stop(world, world.dnsd, True)


@fault
def stop_registrar(world):
    yield from stop(world, world.registrar, False)


@fault
def stop_helper(world):
    helpers = world.registrar.helpers()
    with world.truth.impeded():
        world.registrar.excused |= {1}
        for pid in helpers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield
        for pid in helpers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    world.registrar.excused -= {1}


@fault
def hang_up(world):
    world.registrar.signal(signal.SIGHUP)
    world.dnsd.signal(signal.SIGHUP)
    yield


# -- what they are short of

def limited(pid, kind, number):
    """Puts the limit, and gives back the old one; None: it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        old = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (number, old[1]))
        return old
    return None


def short_of(world, program, kind, number):
    pid = program.pid
    old = limited(pid, kind, number) if pid else None
    with world.truth.impeded():
        yield
        if old and program.pid == pid:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, kind, old)


def open_files(program):
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{program.pid}/fd"))
    return 20


@fault
def no_descriptors_registrar(world):
    n = open_files(world.registrar) + world.rng.randrange(3)
    yield from short_of(world, world.registrar, resource.RLIMIT_NOFILE, n)


@fault
def no_descriptors_dnsd(world):
    n = open_files(world.dnsd) + world.rng.randrange(3)
    yield from short_of(world, world.dnsd, resource.RLIMIT_NOFILE, n)


def mapped(program):
    with contextlib.suppress(OSError, IndexError):
        pages = int(pathlib.Path(
            f"/proc/{program.pid}/statm").read_text().split()[0])
        return pages * resource.getpagesize()
    return 1 << 30


@fault
def no_memory_registrar(world):
    """It may end, by abort(), and is started anew."""
    world.registrar.excused |= {-6}
    yield from short_of(world, world.registrar, resource.RLIMIT_AS,
                        mapped(world.registrar))
    world.registrar.excused -= {-6}


@fault
def no_memory_dnsd(world):
    yield from short_of(world, world.dnsd, resource.RLIMIT_AS,
                        mapped(world.dnsd))
    end = time.monotonic() + 10
    while time.monotonic() < end and any(
            "\ntrouble registry" in status.read_text() and
            "no memory" in status.read_text()
            for status in world.disk.glob("*.status")):
        time.sleep(0.1)  # it reads all again after a second, or some


# -- disks and directories

@fault
def full_disk(world):
    world.registrar.excused |= {1}
    with world.truth.impeded():
        filler = world.disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", 0) as f:
            while True:
                f.write(b"x" * 4096)
        yield
        filler.unlink()
    world.registrar.excused -= {1}


def mounted(*args):
    return subprocess.run(["mount", *map(str, args)], capture_output=True,
                          check=False).returncode == 0


@fault
def read_only_disk(world):
    """A remount is refused while files are open: the directory is mounted
    over itself, and the programs are started anew."""
    world.registrar.excused |= {1}
    with world.truth.impeded(deaf=True):
        if mounted("--bind", world.disk, world.disk):
            mounted("-o", "remount,ro,bind", world.disk)
            world.registrar.signal(signal.SIGKILL)
            if world.rng.randrange(2):
                world.dnsd.signal(signal.SIGKILL)
            yield
            subprocess.run(["umount", "-l", world.disk], check=True)
            if world.rng.randrange(2):
                world.registrar.signal(signal.SIGKILL)
    world.registrar.excused -= {1}


@contextlib.contextmanager
def no_edits(world):
    """What is written to another directory would be lost with it."""
    with world.truth.lock:
        world.is_editable = False
    try:
        with world.truth.impeded():
            yield
    finally:
        world.is_editable = True


@fault
def directory_away(world):
    away = world.watch.with_name("services.away")
    with no_edits(world):
        world.watch.rename(away)
        if world.rng.randrange(3) == 0:
            world.registrar.signal(signal.SIGKILL)
        yield
        away.rename(world.watch)


@fault
def directory_mounted_over(world):
    with no_edits(world):
        empty = world.folder / "empty"
        empty.mkdir(exist_ok=True)
        if mounted("--bind", empty, world.watch):
            if world.rng.randrange(3) == 0:
                world.registrar.signal(signal.SIGKILL)
            yield
            subprocess.run(["umount", "-l", world.watch], check=True)


# -- clocks

def step(world, seconds):
    with world.truth.impeded():
        world.set_clock(seconds)
        if world.rng.randrange(2):
            world.registrar.signal(signal.SIGKILL)
        yield
        world.set_clock(0)
        if world.rng.randrange(2):
            world.registrar.signal(signal.SIGKILL)


@fault
def clock_ahead(world):
    yield from step(world, 3600)


@fault
def clock_behind(world):
    yield from step(world, -3600)


# -- the registry

@fault
def locked(world):
    with world.truth.impeded(), subprocess.Popen(
            ["sqlite3", "-batch", "-cmd", ".timeout 2000", world.registry],
            stdin=subprocess.PIPE, text=True) as shell:
        shell.stdin.write("BEGIN IMMEDIATE;\n")
        shell.stdin.flush()
        yield
        shell.stdin.close()


def backup(world):
    """Before something is done to the registry; None: it cannot be."""
    copy = world.folder / "backup.db"
    done = world.command("backup", copy)
    return copy if done.returncode == 0 else None


def restore(world, copy):
    done = world.command("restore", copy, "--force")
    if done.returncode and any(
            why in done.stderr for why in ("full", "is locked: another")):
        world.pending = copy  # as somebody would who makes room, or waits
    elif done.returncode:
        world.problem(f"restore: {done.returncode}, {done.stderr.strip()}")


@on_registry
def restored(world):
    """Of a moment ago, while everything runs."""
    copy = backup(world)
    with world.truth.impeded():
        yield
        world.truth.doubt()
        if copy:
            restore(world, copy)


@on_registry
def replaced(world):
    """By none: the registrar makes another one."""
    with world.truth.impeded():
        world.truth.doubt(own=False)
        away = world.folder / "away"
        away.mkdir(exist_ok=True)
        for file in sorted(world.disk.glob("registry.db*")):
            if not file.name.endswith(".lock"):
                with contextlib.suppress(OSError):
                    shutil.move(file, away / file.name)
        yield
        shutil.rmtree(away)


def damaged(world, damage):
    copy = backup(world)
    with world.truth.impeded():
        world.truth.doubt()
        if copy:
            with contextlib.suppress(OSError):
                damage()
        yield
        if copy:
            restore(world, copy)


@on_registry
def truncated(world):
    def damage():
        size = world.registry.stat().st_size
        os.truncate(world.registry, world.rng.randrange(size))
    yield from damaged(world, damage)


@on_registry
def truncated_log(world):
    def damage():
        which = world.rng.choice(["-wal", "-shm"])
        os.truncate(f"{world.registry}{which}", world.rng.choice([0, 4096]))
    yield from damaged(world, damage)


@on_registry
def removed_log(world):
    def damage():
        for which in world.rng.choice([["-wal"], ["-shm"], ["-wal", "-shm"]]):
            os.unlink(f"{world.registry}{which}")
    yield from damaged(world, damage)


@on_registry
def flipped_bits(world):
    def damage():
        size = world.registry.stat().st_size
        with world.registry.open("r+b") as f:
            for _ in range(1 + world.rng.randrange(8)):
                at = world.rng.randrange(size)
                f.seek(at)
                old = f.read(1)[0]
                f.seek(at)
                f.write(bytes([old ^ 1 << world.rng.randrange(8)]))
    yield from damaged(world, damage)
