# SPDX-License-Identifier: BSD-2-Clause
"""No mutable variable at file scope but the log sink: state has an owner.

Reads the sections of the objects, so that `static` inside functions counts
and constant tables do not.
"""

import re
import subprocess
import sys

import style

ALLOWED = {
    ("log.c", "sink"),
    # A handler of signals has no argument.
    ("fault.c", "depth"), ("fault.c", "replaced_n"),
}
MUTABLE = re.compile(r"^\.(data|bss|tdata|tbss)(?!\.rel\.ro)")
# What compilers add for sanitizers and coverage.
ADDED = re.compile(r"^(__|\.L|_?\.?gcov|_*odr|str\.|sanitizer|\*\.LC)")


def objects():
    for folder in style.PROGRAMS:
        for path in sorted((style.BUILD / folder).rglob("*.c.o")):
            yield path


def main():
    findings = []
    n = 0
    for path in objects():
        n += 1
        if path.read_bytes().find(b".gnu.lto_") >= 0:
            print("objects of link-time optimisation tell nothing")
            return
        out = subprocess.run(["objdump", "-t", path], text=True, check=True,
                             capture_output=True).stdout
        for line in out.splitlines():
            # value, seven flags, section, size, name
            found = re.match(r"^[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+\s+(\S+)$",
                             line)
            if not found or "d" in found.group(1):
                continue
            section, symbol = found.group(2), found.group(3)
            file = path.name[:-2]
            if MUTABLE.match(section) and not ADDED.match(symbol) and \
                    (file, symbol.split(".")[0]) not in ALLOWED:
                findings.append(f"{file}: '{symbol}' can change and has no "
                                f"owner (section {section})")
    for text in findings:
        print(text)
    if not n:
        print(f"no objects below {style.BUILD}")
    sys.exit(1 if findings or not n else 0)


main()
