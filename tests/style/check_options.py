# SPDX-License-Identifier: BSD-2-Clause
"""Every flag that --help prints is in the manual page of its program, and
every flag of the page exists; so for commands."""

import re
import subprocess
import sys

import style

FLAG = re.compile(r"^  (--[a-z0-9-]+)", re.MULTILINE)
ITEM = re.compile(r"^\.It (.*)", re.MULTILINE)
PAGE_FLAG = re.compile(r"\bFl (?:Fl |-)([a-z0-9-]+)")
COMMAND = re.compile(r"^usage: registrar ([a-z]+)|^ +registrar ([a-z]+)",
                     re.MULTILINE)


def help_of(*command):
    program = style.BUILD / command[0] / command[0]
    done = subprocess.run([program, *command[1:], "--help"], text=True,
                          capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} --help: status {done.returncode}\n"
                 + done.stderr)
    return done.stdout


def compare(page, helps):
    text = (style.SOURCE / page).read_text()
    flags = {flag for one in helps for flag in FLAG.findall(one)}
    known = {f"--{flag}" for item in ITEM.findall(text)
             for flag in PAGE_FLAG.findall(item)}
    if not flags:
        yield f"{page}: --help lists no flag"
    for flag in sorted(flags - known):
        yield f"{page}: {flag} is not described"
    for flag in sorted(known - flags):
        yield f"{page}: {flag} does not exist"


def main():
    problems = list(compare("dnsd/dnsd.8", [help_of("dnsd")]))
    page = "registrar/registrar.8"
    commands = [a or b for a, b in COMMAND.findall(help_of("registrar"))]
    problems += compare(page, [help_of("registrar", command)
                               for command in commands])
    text = (style.SOURCE / page).read_text()
    for command in commands:
        if not re.search(rf"^\..*\b{command}\b", text, re.MULTILINE):
            problems.append(f"{page}: command {command} is not described")
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
