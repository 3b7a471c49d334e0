# SPDX-License-Identifier: BSD-2-Clause
"""What the style checks share: the files, and how a finding is told."""

import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()

PROGRAMS = ("schema", "dnsd", "registrar")


def c_files(*folders):
    """Sources and headers below the folders, sorted."""
    return sorted(path for folder in folders
                  for path in (SOURCE / folder).rglob("*.[ch]"))


def tracked():
    """Every file that is in the tree, or would be after `git add`."""
    out = subprocess.run(
        ["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        capture_output=True, check=False)
    if out.returncode == 0:
        names = out.stdout.decode().split("\0")[:-1]
        return [path for path in (SOURCE / n for n in names)
                if path.is_file()]
    skip = {".git", "build", "__pycache__"}
    return [path for path in SOURCE.rglob("*") if path.is_file() and
            not skip & set(path.relative_to(SOURCE).parts)]


def name(path):
    return str(path.relative_to(SOURCE))


class Findings:
    def __init__(self):
        self.texts = []

    def add(self, path, line, text):
        self.texts.append(f"{name(path)}:{line}: {text}")

    def end(self):
        for text in self.texts:
            print(text)
        sys.exit(1 if self.texts else 0)
