# SPDX-License-Identifier: BSD-2-Clause
"""Every test that tests/rfc.md names exists, and every standard that dnsd.8
claims has a row there."""

import ast
import re

import style

PAGE = "tests/rfc.md"
TEST = re.compile(r"`([a-z0-9_]+):([^`]+)`")
ROW = re.compile(r"^\| (?!section|---)")
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def texts_of_c(text):
    """String literals, neighbours joined as the compiler does."""
    text = re.sub(r'"\s*\n\s*"', "", text)
    yield from STRING.findall(text)
    yield from re.findall(r"\bvoid (test_\w+)\(", text)


def texts_of_python(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def modules():
    """{module: what can be referred to}"""
    found = {}
    for path in sorted((style.SOURCE / "tests").glob("*/**/test_*.*")):
        if path.suffix not in (".c", ".py"):
            continue
        texts = texts_of_c if path.suffix == ".c" else texts_of_python
        found.setdefault(path.stem, []).extend(texts(path.read_text()))
    return found


def standards(page):
    """The numbers in dnsd.8's list."""
    text = (style.SOURCE / page).read_text()
    section = text.split(".Sh STANDARDS")[1].split("\n.Sh")[0]
    return re.findall(r"\b(\d{4})\b", section)


def main():
    findings = style.Findings()
    path = style.SOURCE / PAGE
    known = modules()
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        tests = TEST.findall(line)
        if ROW.match(line) and not tests:
            findings.add(path, number, "a requirement without a test")
        for module, what in tests if ROW.match(line) else ():
            if not any(text.startswith(what) for text in
                       known.get(module, [])):
                findings.add(path, number, f"no '{what}' in {module}")
    rows = "\n".join(line for line in lines if line.startswith(("|", "## ")))
    for rfc in standards("dnsd/dnsd.8"):
        if rfc not in rows:
            findings.add(path, 1, f"RFC {rfc} of dnsd.8 has no row")
    findings.end()


main()
