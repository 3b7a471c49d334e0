# SPDX-License-Identifier: BSD-2-Clause
"""Includes point down and never across programs.

    dnsd_core   registrar_core      libevent only here
        |            |
    dnsd_message     |              base alone
        |            |
        |   schema, conf            sqlite3.h in schema, yaml.h in conf
        |      |
        +---- base                  libc alone
"""

import re

import style

# Header of a library: the folders or files that may include it.
LIBRARY_HEADERS = {
    "sqlite3.h": ("schema/", "tests/unit/schema/",
                  "tests/unit/registrar_core/test_store.c", "tests/bench/"),
    "yaml.h": ("schema/conf/", "tests/unit/conf/"),
    "jansson.h": ("registrar/", "tests/unit/registrar_core/"),
    "event2/": ("dnsd/", "registrar/", "tests/unit/dnsd_core/",
                "tests/unit/registrar_core/"),
    "openssl/": ("dnsd/tls.c", "tests/unit/dnsd_core/"),
    "libpq-fe.h": ("registrar/probe_postgres.c",),
    "ldns/": ("registrar/dns_message.c", "registrar/import_zone.c",
              "dnsd/zoneldns.c", "tests/"),
    "cmocka.h": ("tests/",),
}
# Except that base includes none of them, and conf not the registry's.
FORBIDDEN = {
    "schema/base/": ("sqlite3.h", "yaml.h", "jansson.h", "event2/"),
    "schema/conf/": ("sqlite3.h",),
}
# Folder: what its own includes may begin with.
OWN_HEADERS = {
    "schema/base/": ("schema/base/",),
    "schema/conf/": ("schema/base/", "schema/conf/"),
    "schema/": ("schema/",),
    "dnsd/": ("dnsd/", "schema/"),
    "registrar/": ("registrar/", "schema/"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def message_sources():
    """What dnsd_message is made of, with its headers."""
    text = (style.SOURCE / "dnsd/CMakeLists.txt").read_text()
    found = re.search(r"add_library\(\s*dnsd_message\b([^)]*)\)", text)
    words = found.group(1).split() if found else []
    bases = {word[:-2] for word in words if word.endswith(".c")}
    return {f"dnsd/{base}{end}" for base in bases for end in (".c", ".h")}


def check_library(findings, path, line, header):
    file = style.name(path)
    for prefix, places in LIBRARY_HEADERS.items():
        if header.startswith(prefix) and not file.startswith(places):
            findings.add(path, line, f"<{header}> belongs to "
                         + ", ".join(places))
    for folder, headers in FORBIDDEN.items():
        if file.startswith(folder) and header.startswith(headers):
            findings.add(path, line, f"<{header}> is above {folder}")


def check_own(findings, path, line, header):
    file = style.name(path)
    if "/" not in header:
        # Made at build time, or beside a test.
        return
    folder = next((f for f in OWN_HEADERS if file.startswith(f)), None)
    if folder and not header.startswith(OWN_HEADERS[folder]):
        findings.add(path, line, f'"{header}" is not below {folder}')
    if not (style.SOURCE / header).exists() and \
            not (style.BUILD / header).exists():
        findings.add(path, line,
                     f'"{header}" is not written from the top of the tree')


def main():
    findings = style.Findings()
    message = message_sources()
    for path in style.c_files(*style.PROGRAMS, "tests"):
        for line, text in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(text)
            if not found:
                continue
            header = found.group(2)
            if found.group(1) == "<":
                check_library(findings, path, line, header)
            else:
                check_own(findings, path, line, header)
            if style.name(path) in message and \
                    header.startswith(("event2/", "schema/registry")):
                findings.add(path, line,
                             f"dnsd_message does not know {header}")
    findings.end()


main()
