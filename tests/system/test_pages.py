# SPDX-License-Identifier: BSD-2-Clause
"""Commands of the manual pages work as printed, and the page of the registry
has all of the schema and nothing else."""

import contextlib
import doctest
import os
import re
import signal
import subprocess
import time

import pytest

from rollcall import BUILD, PATIENCE_S, TREE, until

REGISTRY = "/var/lib/rollcall/registry.db"
# of a reader, who has the programs installed
PATH = f"{BUILD}/dnsd:{BUILD}/registrar:{os.environ['PATH']}"
# Of the schema, but nobody's interface: triggers put rows into them.
INNER = {"words", "port_list", "service_other", "instance_other",
         "service_settle", "instance_settle", "owner_change", "overwritten",
         "wish"}


def section(page, heading):
    text = (TREE / page).read_text()
    body = re.search(rf"^\.Sh {heading}\n(.*?)(?=^\.Sh |\Z)", text,
                     re.MULTILINE | re.DOTALL).group(1)
    return body.replace("\\e", "\\").replace("\\&", "")


def blocks(page, heading):
    return re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", section(page, heading),
                      re.MULTILINE | re.DOTALL)


def session(text):
    """[(command, [line that it prints])]: `$ `, and `> ` for what goes on."""
    steps = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif line.startswith("> "):
            steps[-1] = (steps[-1][0] + "\n" + line[2:], [])
        else:
            steps[-1][1].append(line)
    return steps


def script_of(steps):
    """Each command, and a line behind what it prints."""
    return "".join(f"{command}\necho '=== {at}'\n"
                   for at, (command, _) in enumerate(steps))


def compare(steps, output):
    printed = re.split(r"^=== \d+\n", output, flags=re.MULTILINE)
    assert len(printed) == len(steps) + 1, output
    for (command, lines), got in zip(steps, printed):
        assert got.splitlines() == lines, f"{command}\n{output}"


# ---- registry(5) --------------------------------------------------------

PAGE = "schema/registry.5"


def test_statements_in_shell(site):
    site.create_registry()
    text = "".join(blocks(PAGE, "STATEMENTS IN SHELL"))
    steps = session(text.replace(REGISTRY, str(site.registry)))
    assert len(steps) > 10
    done = subprocess.run(["bash", "-e"], input=script_of(steps), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    compare(steps, done.stdout)


def python_of_the_page():
    names = {}
    exec(blocks(PAGE, "STATEMENTS IN PYTHON")[0], names)  # pylint: disable=W0122
    return names


def test_statements_in_python(site):
    site.create_registry()
    text = blocks(PAGE, "STATEMENTS IN PYTHON")[1]
    test = doctest.DocTestParser().get_doctest(
        text.replace(REGISTRY, str(site.registry)), python_of_the_page(),
        PAGE, PAGE, 0)
    said = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(
        test, out=said.append, clear_globs=False)
    assert result.attempted > 8
    assert not result.failed, "".join(said)


def test_eligible_in_python_is_what_dnsd_answers(dnsd, site):
    """Every health, mode, lease, ramp."""
    site.put("web", *((f"i{n}", f"10.0.0.{n}") for n in range(1, 12)))
    for n, what in enumerate((
            "health = 'starting'", "health = 'warning'",
            "health = 'warning', weight_warning = 7", "health = 'critical'",
            "health = 'dead'", "mode = 'maintenance'", "ramp_percent = 30",
            "ramp_percent = 1, weight = 9", "lease_until_wall_ms = 1e12",
            "lease_until_wall_ms = 4e12, priority = 3, port = 81",
            "weight_override = 12"), 1):
        site.sql(f"UPDATE instance SET {what} WHERE name = 'i{n}'")
    page = python_of_the_page()
    with contextlib.closing(page["connect"](site.registry)) as db:
        wanted = [(priority, weight, port, f"{name}.web")
                  for name, _, port, priority, weight
                  in page["eligible"](db, "web")]
    assert len(wanted) == 6

    def answered():
        return sorted(dnsd.ask("_web._tcp", "SRV", tcp=True).srv(),
                      key=lambda srv: srv[3])
    until(f"dnsd answers {wanted}",
          lambda: answered() == sorted(wanted, key=lambda srv: srv[3]))


def tables_of_the_page():
    found = {}
    for part in section(PAGE, "TABLES").split("\n.Ss ")[1:]:
        table = part.split("\n", 1)[0]
        items = re.findall(r"^\.It Ic (.*)", part, re.MULTILINE)
        found[table] = {column for item in items for column in item.split(" , ")}
    return found


def test_tables_and_columns_are_those_of_the_schema(site):
    site.create_registry()
    names = {name for name, in site.sql(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite%'")} - INNER
    schema = {name: {row[1] for row in
                     site.sql(f"PRAGMA table_xinfo('{name}')")}
              for name in names}
    assert tables_of_the_page() == schema


def test_what_triggers_refuse_is_all_of_it(site):
    site.create_registry()
    said = {text.replace("''", "'") for sql, in site.sql(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger'")
        for text in re.findall(r"RAISE\(ABORT, '((?:[^']|'')*)'\)", sql)}
    listed = re.findall(r"^\.It\n(.*)", section(PAGE, "WHAT IS REFUSED"),
                        re.MULTILINE)
    assert set(listed) == said


# ---- rollcall.yaml(5) ---------------------------------------------------

def test_the_configuration_of_the_page_is_right(tmp_path, site):
    conf = tmp_path / "rollcall.yaml"
    conf.write_text(blocks("schema/rollcall.yaml.5", "EXAMPLES")[0])
    done = site.command("--check", "--config", conf, program="dnsd")
    assert done.returncode == 0, done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    done = site.command("check", "--config", conf, empty)
    assert done.returncode == 0, done.stderr


# ---- rollcall(7) --------------------------------------------------------

def plain(command, lines):
    """Without what differs from run to run: the order of records, times."""
    lines = [line.rstrip() for line in lines]
    if command.startswith("dig"):
        return sorted(lines)
    return [re.sub(r" +", " ", re.sub(r"\d+", "N", line)).replace(
        "command/alice", "command/root") for line in lines]


def own_network():
    """The tutorial has fixed ports."""
    command = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*command, "ip", "link", "set", "lo", "up"],
                      check=False, capture_output=True).returncode:
        pytest.skip("no network namespace can be made")
    return command


class Shell:
    """One shell that does a command after the other, as a reader would."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [*own_network(), "bash", "--norc"], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "PATH": PATH, "USER": "root"})
        self.do("ip link set lo up")

    def do(self, command):
        self.process.stdin.write(f"{command}\necho '=== end'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "=== end\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the shell ended at: {command}\n{lines}")

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def test_the_tutorial_works_as_printed(tmp_path):
    """What only asks is asked again until the programs have seen it."""
    steps = session("".join(blocks("schema/rollcall.7", "TUTORIAL")))
    assert len(steps) > 15
    shell = Shell(tmp_path)
    try:
        for command, lines in steps:
            wanted = plain(command, lines)
            got = shell.do(command)
            end = time.monotonic() + PATIENCE_S
            while command.startswith(("dig", "registrar status", "sqlite3")) \
                    and plain(command, [line for line in got if "Killed"
                                        not in line]) != wanted \
                    and time.monotonic() < end:
                time.sleep(0.1)
                got = shell.do(command)
            got = [line for line in got if "Killed" not in line]
            assert plain(command, got) == wanted, f"{command}\n{got}"
    finally:
        shell.end()


def test_backup_and_restore(dnsd, site, tmp_path):
    """Under a dnsd that answers."""
    (tmp_path / "backups").mkdir()
    text = "".join(blocks("schema/rollcall.7", "OPERATIONS"))
    backup, restore = (
        line[2:].replace("/var/backups", str(tmp_path / "backups"))
        + f" --registry {site.registry}"
        for line in text.splitlines() if line.startswith("$ "))
    site.put("web", ("one", "10.0.0.1"))
    dnsd.wait_addresses("web", ["10.0.0.1"])
    env = {**os.environ, "PATH": PATH}
    subprocess.run(backup, shell=True, check=True, timeout=60, env=env)
    site.sql("UPDATE instance SET address = '10.0.0.2'")
    dnsd.wait_addresses("web", ["10.0.0.2"])
    said = subprocess.run(restore, shell=True, check=False, timeout=60, env=env,
                          stderr=subprocess.PIPE, text=True)
    assert said.returncode == 2
    assert "what was done since goes, of 'web.svc.internal'" in said.stderr
    subprocess.run(f"{restore} --force", shell=True, check=True, timeout=60,
                   env=env)
    dnsd.wait_addresses("web", ["10.0.0.1"])
