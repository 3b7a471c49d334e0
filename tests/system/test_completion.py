# SPDX-License-Identifier: BSD-2-Clause
"""Completion in the shells themselves: keys typed at bash, zsh and fish."""

import os
import shutil
import subprocess

import pytest

from rollcall import BUILD, TREE
from terminal import Terminal

FILES = TREE / "contrib/completion"
# Where there is no such package; the files themselves are always there.
needs = {shell: pytest.mark.skipif(not shutil.which(shell),
                                   reason=f"no {shell}")
         for shell in ("bash", "zsh", "fish")}

# How each shell is started so that nobody's settings matter, and told of
# our file; afterwards its prompt is READY.
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "bind 'set bell-style none'; bind 'set enable-bracketed-paste "
             "off'; . {files}/registrar.bash; PS1='REA''DY '"),
    "zsh": (["zsh", "-f", "-i"],
            "unsetopt PROMPT_SP ZLE BEEP; setopt ZLE NO_BEEP; fpath=({files} "
            "$fpath); autoload -Uz compinit; compinit -D; PS1='REA''DY '"),
}

# typed before the key TAB, what the line is then: each is the only one
CASES = [
    ("a command", "dra", "drain"),
    ("an instance", "drain --registry {db} web/i-2",
     "drain --registry {db} web/i-23"),
    ("one of another zone", "drain --registry {db} mail.lan/",
     "drain --registry {db} mail.lan/m"),
    ("a service alone for status", "status --registry {db} w",
     "status --registry {db} web"),
    ("a flag of the command", "drain --wa", "drain --wait"),
    ("a value of a flag", "run --log-level w", "run --log-level warn"),
    ("a path for a flag", "status --config {folder}/con",
     "status --config {folder}/conf.yaml"),
    ("a file to import", "import {folder}/in.j", "import {folder}/in.jsonl"),
]


@pytest.fixture
def place(site):
    """A registry, and a `registrar` in PATH that says how it was called."""
    lines = site.folder / "in.jsonl"
    lines.write_text(
        '{"service":"web","id":"i-1","address":"192.0.2.1"}\n'
        '{"service":"web","id":"i-23","address":"192.0.2.2"}\n')
    site.run("import", lines, "--registry", site.registry)
    lines.write_text('{"service":"mail","id":"m","address":"192.0.2.3"}\n')
    site.run("import", lines, "--registry", site.registry, "--zone", "lan")
    (site.folder / "conf.yaml").write_text("")
    program = site.folder / "bin/registrar"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$1" != complete ] || exec {BUILD}/registrar/registrar "$@"\n'
        'printf "CALLED %s.\\n" "$*"\n')
    program.chmod(0o755)
    return site


def environment(site):
    return {"PATH": f"{site.folder}/bin:/usr/bin:/bin", "TERM": "dumb",
            "HOME": str(site.folder), "LC_ALL": "C.UTF-8",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}


def fill(text, site):
    return text.format(db=site.registry, folder=site.folder, files=FILES)


@pytest.mark.parametrize("shell", [
    pytest.param(shell, marks=needs[shell]) for shell in START])
def test_the_key_tab(place, shell):
    command, prepare = START[shell]
    term = Terminal(*command, env=environment(place), columns=250)
    try:
        term.send(fill(prepare, place) + "\r")
        term.wait("READY ")
        for why, typed, expected in CASES:
            start = len(term.raw)
            # a line is done when the program has been called with it
            term.send("registrar " + fill(typed, place) + "\t\r")
            got = term.wait(r"CALLED ([^\n]*)\.\r", start).group(1)
            assert got.strip() == fill(expected, place), why
            term.wait("READY ", start)
        start = len(term.raw)
        term.send(fill("registrar drain --registry {db} web\t\t", place))
        for name in ("web/i-1", "web/i-23"):
            term.wait(name, start)
    finally:
        term.close()


def fish_completes(site, line):
    done = subprocess.run(
        ["fish", "--no-config", "-c",
         f"source {FILES}/registrar.fish; complete -C $argv[1]",
         f"registrar {line}"], env=environment(site), text=True,
        capture_output=True, check=False, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [text.split("\t")[0] for text in done.stdout.splitlines()]


@needs["fish"]
def test_fish(place):
    for why, typed, expected in CASES:
        got = fish_completes(place, fill(typed, place))
        assert got == fill(expected, place).split()[-1:], why
    assert fish_completes(place, f"drain --registry {place.registry} web") \
        == ["web", "web/i-1", "web/i-23"]
    assert fish_completes(place, "complet") == [], "the hidden one is hidden"
    assert fish_completes(
        place, f"drain --registry {place.folder}/nix.db w") == []
