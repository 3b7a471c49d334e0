# SPDX-License-Identifier: BSD-2-Clause
"""Every test that tests/rfc.md and tests/bounds.md name exists, and every
standard that dnsd.8 claims has a row in the first."""

import ast
import re

import style

RFC = "tests/rfc.md"
BOUNDS = "tests/bounds.md"
FUZZ = re.compile(r"\bfuzz\.([a-z0-9_]+)")
TEST = re.compile(r"`([a-z0-9_]+):([^`]+)`")
ROW = re.compile(r"^\| (?!section|what \||---)")
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def texts_of_c(text):
    """String literals, neighbours joined as the compiler does."""
    text = re.sub(r'"\s*\n\s*"', "", text)
    yield from STRING.findall(text)
    yield from re.findall(r"\bvoid (\w+)\(void \*\*", text)


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


def check_page(findings, path, known):
    """Each row names what holds it, and that is there."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not ROW.match(line):
            continue
        tests, targets = TEST.findall(line), FUZZ.findall(line)
        if not tests:
            findings.add(path, number, "a requirement without a test")
        for module, what in tests:
            if not any(text.startswith(what) for text in
                       known.get(module, [])):
                findings.add(path, number, f"no '{what}' in {module}")
        for target in targets:
            if not list(style.SOURCE.glob(f"tests/fuzz/*/fuzz_{target}.c")):
                findings.add(path, number, f"no fuzz target {target}")


def main():
    findings = style.Findings()
    known = modules()
    for page in RFC, BOUNDS:
        check_page(findings, style.SOURCE / page, known)
    path = style.SOURCE / RFC
    rows = "\n".join(line for line in path.read_text().splitlines()
                     if line.startswith(("|", "## ")))
    for rfc in standards("dnsd/dnsd.8"):
        if rfc not in rows:
            findings.add(path, 1, f"RFC {rfc} of dnsd.8 has no row")
    targets = FUZZ.findall((style.SOURCE / BOUNDS).read_text())
    for target in sorted((style.SOURCE / "tests/fuzz").glob("*/fuzz_*.c")):
        if target.stem.removeprefix("fuzz_") not in targets:
            findings.add(target, 1, f"no row in {BOUNDS} names it")
    findings.end()


main()
