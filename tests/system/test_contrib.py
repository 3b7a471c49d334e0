# SPDX-License-Identifier: BSD-2-Clause
"""The demo, the README's commands and the examples do what they say."""

import configparser
import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

from rollcall import BUILD, TREE, until

DEMO = TREE / "contrib/demo"
CONTRIB = TREE / "contrib"


def environment(folder):
    return {**os.environ, "ROLLCALL_BUILD": str(BUILD),
            "TMPDIR": str(folder), "TERM": "dumb"}


def processes_of(folder):
    """Those that have a path in folder among their arguments."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    if str(folder).encode() in f.read():
                        found.append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def test_demo_once(tmp_path):
    done = subprocess.run([DEMO, "--once"], env=environment(tmp_path),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    assert re.search(r"0 700 \d+ large\.web\.svc\.internal\.", out)
    assert re.search(r"large is out of the answer [\d.]+ ms", out)
    assert len(re.findall(r"large\.web", out)) == 2, \
        "in the first and the last answer, not in that between"
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert not os.listdir(tmp_path)
    assert not processes_of(tmp_path)


@pytest.mark.parametrize("number, status", [
    (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_demo_stays_until_it_is_ended_and_leaves_nothing(
        tmp_path, number, status):
    log = tmp_path / "log"
    folder = tmp_path / "demo"
    folder.mkdir()
    with log.open("wb") as f:
        demo = subprocess.Popen(
            [DEMO], env=environment(folder), stdin=subprocess.DEVNULL,
            stdout=f, stderr=f, start_new_session=True,
            # a shell that started us in the background has it ignored, and
            # what is ignored at the start cannot be trapped
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        until("it stays up", lambda: "Ctrl-C" in log.read_text() or
              demo.poll() is not None, 60)
        assert demo.poll() is None, log.read_text()
        assert len(processes_of(folder)) >= 2
        demo.send_signal(number)
        assert demo.wait(20) == status
    finally:
        if demo.poll() is None:
            demo.kill()
    until("all of it is gone", lambda: not processes_of(folder))
    if number != signal.SIGKILL:
        assert not os.listdir(folder)


@pytest.mark.parametrize("program", ["dnsd", "registrar"])
def test_units_never_give_up(program):
    """Five failures in a row are not the end; a limit belongs to [Unit]."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(TREE / f"contrib/systemd/rollcall-{program}.service.in")
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Service"]["Restart"] == "always"


def test_the_readme_works_as_printed(tmp_path):
    """Its first block of commands, in a network of its own."""
    text = (TREE / "README.md").read_text()
    block = re.search(r"```sh\n(# Ten lines.*?)```", text, re.DOTALL).group(1)
    lines = [line for line in block.splitlines()
             if not line.startswith("contrib/")]  # it is built already
    script = "\n".join(lines).replace("build/release", str(BUILD)) \
        .replace(f"$PWD/{BUILD}", str(BUILD))
    own_network = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*own_network, "ip", "link", "set", "lo", "up"],
                      check=False, capture_output=True).returncode:
        own_network = []
    else:
        script = f"ip link set lo up\n{script}"
    (tmp_path / "script").write_text(script)
    log = tmp_path / "output"
    with log.open("wb") as f:
        shell = subprocess.Popen(
            [*own_network, "bash", "-ex", tmp_path / "script"], cwd=tmp_path,
            env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=f,
            stderr=f, start_new_session=True)
    try:
        status = shell.wait(60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
    out = log.read_text()
    assert status == 0, out
    assert re.findall(r"^\d.* one\.web.*$", out, re.MULTILINE) == \
        ["0 100 8080 one.web.svc.internal."], out


@pytest.mark.parametrize("command, conf", [
    (["haproxy", "-c", "-f"], "haproxy/haproxy.cfg"),
    (["dnsmasq", "--test", "-C"], "resolvers/dnsmasq.conf"),
    (["unbound-checkconf"], "resolvers/unbound.conf"),
    (["promtool", "check", "config"], "resolvers/prometheus.yml"),
])
def test_resolver_examples(tmp_path, command, conf):
    program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        pytest.skip(f"{command[0]} is not installed")
    copy = tmp_path / "conf"
    # unbound wants to go where Debian has its folder
    extra = f'server: directory: "{tmp_path}"\n' if "unbound" in conf else ""
    copy.write_text(extra + (CONTRIB / conf).read_text())
    done = subprocess.run([program, *command[1:], copy], text=True,
                          check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_nginx_example(tmp_path):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        pytest.skip("nginx is not installed")
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{ }}\n"
                    f"http {{ access_log off;\n"
                    f"include {CONTRIB}/nginx/nginx.conf; }}\n")
    done = subprocess.run([program, "-t", "-e", "stderr", "-c", conf],
                          text=True, check=False, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr


def test_install_build_deps_finds_everything_here():
    done = subprocess.run(
        [TREE / "contrib/install-build-deps", "build", "test", "package"],
        env={**os.environ, "DRY_RUN": "1"}, text=True, capture_output=True,
        check=False)
    assert (done.returncode, done.stdout) == (0, "")
    wrong = subprocess.run([TREE / "contrib/install-build-deps", "all"],
                           capture_output=True, check=False)
    assert wrong.returncode == 2


def test_example_configuration_is_right(site):
    text = (TREE / "contrib/rollcall.yaml.in").read_text()
    conf = site.folder / "rollcall.yaml"
    conf.write_text(text.replace("@CMAKE_INSTALL_FULL_SYSCONFDIR@", "/etc"))
    done = site.command("--check", "--config", conf, program="dnsd")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("files", [
    "services.d/*", "haproxy/web.yaml", "nginx/web.yaml"])
def test_example_definitions_are_right(site, files):
    # a checkout has the modes that the umask of whoever made it allows
    for file in CONTRIB.glob(files):
        shutil.copyfile(file, site.watch / file.name)
        (site.watch / file.name).chmod(0o644)
    done = site.command("check", site.watch)
    assert done.returncode == 0, done.stderr
