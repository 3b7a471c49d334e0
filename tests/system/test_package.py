# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages of contrib/package on a machine with a real systemd:
installed over an older version, used, and removed, in this order."""

import fcntl
import os
import re
import shutil
import subprocess

import machine as machines
import pytest

from rollcall import BUILD, TREE, until

pytestmark = [pytest.mark.slow, pytest.mark.release]

OLD = "0.0.9"
DNSD, REGISTRAR = "rollcall-dnsd.service", "rollcall-registrar.service"
NET_BIND_SERVICE = 1 << 10
WEB = """[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep 1000
"""
DEFINITION = """service: web
port: 80
instances: [{name: one, address: 127.0.0.1}]
process: {unit: web.service}
"""


def build_type():
    cache = BUILD / "CMakeCache.txt"
    got = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache.read_text(), re.M)
    return got.group(1)


@pytest.fixture(name="packages", scope="module")
def packages_of_this_build(tmp_path_factory):
    if build_type() != "Release":
        pytest.skip("packages are made of a release build")
    if not shutil.which("dh"):
        pytest.skip("debhelper is not installed")
    # once for all who run these tests side by side
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    out = base / "packages"
    with open(base / "packages.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "made").exists():
            done = subprocess.run(
                [TREE / "contrib/package/build", "--built", BUILD, "--out",
                 out], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, check=False, timeout=400)
            assert done.returncode == 0, done.stdout
            (out / "made").touch()
    return out


def names(folder):
    return sorted(path for path in folder.glob("*.deb")
                  if "dbgsym" not in path.name)


def make_older(packages, folder):
    """The same, with a version from before."""
    folder.mkdir()
    for deb in names(packages):
        tree = folder / deb.stem
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        version = re.search(r"^Version: (.*)$", control.read_text(), re.M)
        control.write_text(control.read_text().replace(
            version.group(1), OLD))
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b",
                        tree, folder], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)


@pytest.fixture(name="machine", scope="module")
def machine_with_packages(packages):
    reason = machines.why_not()
    if reason:
        pytest.skip(f"no machine with systemd: {reason}")
    make_older(packages, packages / "old")
    try:
        made = machines.Machine()
    except machines.CannotStart as e:
        pytest.skip(f"no machine with systemd: {e}")
    made.outside("cp", "-R", packages, made.root / "debs")
    yield made
    made.close()


def install(machine, folder):
    return machine.run(
        "sh", "-c", "DEBIAN_FRONTEND=noninteractive dpkg -i "
        f"$(ls /debs/{folder}/*.deb | grep -v dbgsym)", seconds=120)


def version(machine, package="rollcall-dnsd"):
    return machine.run("dpkg-query", "-W", "-f", "${Version}",
                       package).strip()


def dig(machine, *question):
    return machine.run("dig", "@127.0.0.1", "+short", "+tries=1", "+time=2",
                       *question, check=False).strip()


def is_served(machine):
    return dig(machine, "web.svc.internal", "A") == "127.0.0.1"


def active(machine, unit):
    return machine.show(unit, "ActiveState") == "active"


def capabilities(machine, unit):
    status = machine.run("cat", f"/proc/{machine.pid(unit)}/status")
    return int(re.search(r"^CapEff:\s+(\w+)$", status, re.M).group(1), 16)


def test_lintian_has_nothing_to_say(packages):
    """The command fails if it has."""
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    kinds = {path.name.split("_")[0] for path in names(packages)}
    assert kinds == {"rollcall", "rollcall-common", "rollcall-dnsd",
                     "rollcall-registrar"}
    assert list(packages.glob("*.dsc"))


def test_installed_it_runs(machine):
    install(machine, "old")
    assert version(machine) == OLD
    for unit in DNSD, REGISTRAR:
        until(f"{unit} is active", lambda unit=unit: active(machine, unit))
        assert machine.show(unit, "UnitFileState") == "enabled"
    machine.put("/etc/systemd/system/web.service", WEB)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "web")
    machine.put("/etc/rollcall/services.d/web.yaml", DEFINITION)
    until("web is served", lambda: is_served(machine))


def test_an_upgrade_keeps_registry_and_configuration(machine):
    before = {unit: machine.pid(unit) for unit in (DNSD, REGISTRAR)}
    machine.run("sh", "-c", "echo '# mine' >>/etc/rollcall/rollcall.yaml")
    machine.run("registrar", "maintenance", "web/one", "--force")
    install(machine, ".")
    assert version(machine) != OLD
    for unit, pid in before.items():
        until(f"{unit} is active", lambda unit=unit: active(machine, unit))
        assert machine.pid(unit) != pid, "the new program runs"
    assert "# mine" in machine.run("cat", "/etc/rollcall/rollcall.yaml")
    assert dig(machine, "web.svc.internal", "A") == ""
    machine.run("registrar", "resume", "web/one")
    until("web is served", lambda: is_served(machine))


def test_only_this_host_is_served(machine):
    assert "\n  outside: forward\n" in machine.run(
        "cat", "/etc/rollcall/rollcall.yaml")
    lines = machine.run("ss", "-Hlntup").splitlines()
    ours = [line.split()[4] for line in lines if '"dnsd"' in line]
    assert ours and all(where in ("127.0.0.1:53", "[::1]:53")
                        for where in ours), lines


@pytest.mark.parametrize("unit, may", [
    (DNSD, NET_BIND_SERVICE), (REGISTRAR, 0)])
def test_units_are_hardened(machine, unit, may):
    out = machine.run("systemd-analyze", "security", "--no-pager", unit)
    exposure = float(re.search(r"exposure level.*?: ([\d.]+)", out).group(1))
    assert exposure < 2.0, out
    assert capabilities(machine, unit) == may
    user = machine.run("stat", "-c", "%U", f"/proc/{machine.pid(unit)}")
    assert user.strip() == "rollcall"


def test_a_unit_that_is_watched_restarts_five_times(machine):
    for turn in range(5):
        pid = machine.pid("web.service")
        machine.run("systemctl", "restart", "web")
        assert machine.pid("web.service") != pid
        until(f"it is back, {turn}", lambda: is_served(machine))
    machine.run("systemctl", "stop", "web")
    until("it is gone", lambda: dig(machine, "web.svc.internal", "A") == "")
    machine.run("systemctl", "start", "web")
    until("it is back", lambda: is_served(machine))


@pytest.mark.parametrize("unit", [DNSD, REGISTRAR])
def test_reload_and_restart_after_a_kill(machine, unit):
    pid = machine.pid(unit)
    machine.run("systemctl", "reload", unit)
    assert (machine.pid(unit), active(machine, unit)) == (pid, True)
    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL",
                unit)
    until("another one runs", lambda: machine.pid(unit) not in (0, pid) and
          active(machine, unit))
    until("web is served", lambda: is_served(machine))
    assert int(machine.show(unit, "NRestarts")) >= 1


def test_the_watchdog_ends_a_registrar_that_hangs(machine):
    machine.put(f"/etc/systemd/system/{REGISTRAR}.d/watchdog.conf",
                "[Service]\nWatchdogSec=2s\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", REGISTRAR)
    pid = machine.pid(REGISTRAR)
    machine.run("kill", "-STOP", str(pid))
    until("another one runs", lambda: machine.pid(REGISTRAR) not in (0, pid)
          and active(machine, REGISTRAR), 30)
    assert "Watchdog timeout" in machine.journal(REGISTRAR)


def test_with_sockets_of_systemd_no_right_is_needed(machine):
    machine.put(f"/etc/systemd/system/{DNSD}.d/none.conf",
                "[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "stop", DNSD)
    machine.run("systemctl", "enable", "--now", "rollcall-dnsd.socket")
    # the question starts it
    until("web is served", lambda: is_served(machine))
    assert active(machine, DNSD)
    assert capabilities(machine, DNSD) == 0
    machine.run("systemctl", "restart", DNSD)
    assert is_served(machine)
    assert dig(machine, "+tcp", "web.svc.internal", "A") == "127.0.0.1"


def test_removed_it_leaves_what_is_the_administrators(machine):
    packages = ["rollcall", "rollcall-dnsd", "rollcall-registrar",
                "rollcall-common"]
    machine.run("dpkg", "-r", *packages)
    kept = ["/etc/rollcall/rollcall.yaml", "/etc/rollcall/services.d/web.yaml",
            "/var/lib/rollcall/registry.db"]
    machine.run("ls", *kept)
    assert not machine.run("sh", "-c", "pgrep -x 'dnsd|registrar' || true")
    machine.run("dpkg", "-P", *packages)
    left = machine.run("ls", "-d", "/etc/rollcall", "/var/lib/rollcall",
                       "/usr/sbin/dnsd", "/usr/sbin/registrar", check=False)
    assert "\n/" not in f"\n{left}", left
