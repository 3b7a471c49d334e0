# SPDX-License-Identifier: BSD-2-Clause
"""Every file: a licence line, no path of somebody's machine, a size to
feel at home in, no link to a file that is not there."""

import re

import style

LONG = 600
CODE = (".c", ".h", ".py", ".sql", ".sh", ".cmake", ".in", ".8", ".5", ".1")
# One idea that reads better whole: file and why.
LONG_BUT_WHOLE = {
    "registrar/options.c": "one table of the flags of all commands",
}
PATHS = re.compile(r"/(?:home|Users)/[a-z]|/work/|/root/|/tmp/wt\b")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
# Files that are data: nothing in them is ours to word.
DATA = ("tests/fuzz/corpus/",)


def is_code(path):
    if path.suffix in CODE or path.name == "CMakeLists.txt":
        return True
    with path.open("rb") as f:
        return f.read(2) == b"#!"


def main():
    findings = style.Findings()
    for path in style.tracked():
        file = style.name(path)
        if file.startswith(DATA):
            continue
        text = path.read_text(errors="replace")
        lines = text.splitlines()
        if is_code(path) and not any(
                "SPDX-License-Identifier: BSD-2-Clause" in line
                for line in lines[:3]):
            findings.add(path, 1, "no SPDX line among the first three")
        if path.suffix in (".c", ".h") and len(lines) > LONG and \
                file not in LONG_BUT_WHOLE:
            findings.add(path, len(lines),
                         f"longer than {LONG} lines: is it one idea?")
        for number, line in enumerate(lines, 1):
            if PATHS.search(line) and "check_files" not in file:
                findings.add(path, number, "a path of one machine")
            if path.suffix == ".md":
                for link in LINK.findall(line):
                    if not (path.parent / link).exists():
                        findings.add(path, number, f"no file '{link}'")
    findings.end()


main()
