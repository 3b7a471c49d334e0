# SPDX-License-Identifier: BSD-2-Clause
"""Includes point down and never across programs.

    dnsd_core   registrar_core      libevent only here
        |            |
    dnsd_message     |              base alone
        |            |
        |   schema, conf, sandbox   sqlite3.h in schema, yaml.h in conf
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
    "openssl/": ("dnsd/transport/tls.c", "dnsd/forward/bridge.c", "tests/unit/dnsd_core/",
                 "registrar/net/tls_cache.", "registrar/mesh/ca/authority.c", "registrar/net/transport",
                 "registrar/http/token.c",
                 "tests/unit/registrar_core/", "tests/support/"),
    "nghttp2/": ("registrar/net/http2.c", "tests/unit/registrar_core/"),
    "pcre2.h": ("registrar/lib/match.c",),
    "libpq-fe.h": ("registrar/probe/probe_postgres.c",),
    "curses.h": ("registrar/top/",),
    "ldns/": ("registrar/net/dns_message.c", "registrar/exchange/import_zone.c",
              "dnsd/zonefile/zoneldns.c", "tests/"),
    "unbound": ("dnsd/forward/forwarder.c",),
    "seccomp.h": ("schema/sandbox/calls.c",),
    "cmocka.h": ("tests/",),
}
# Except that base includes none of them, and conf not the registry's.
FORBIDDEN = {
    "schema/base/": ("sqlite3.h", "yaml.h", "jansson.h", "event2/"),
    "schema/conf/": ("sqlite3.h",),
    "schema/sandbox/": ("sqlite3.h", "yaml.h", "jansson.h", "event2/"),
}
# Folder: what its own includes may begin with.
OWN_HEADERS = {
    "schema/base/": ("schema/base/",),
    "schema/conf/": ("schema/base/", "schema/conf/"),
    "schema/sandbox/": ("schema/base/", "schema/sandbox/"),
    "schema/": ("schema/",),
    "dnsd/": ("dnsd/", "schema/"),
    "registrar/": ("registrar/", "schema/"),
}
# Folders of a folder, each with those below it that it may include. What
# stands beside them wires them and may include all.
FOLDERS = {
    "dnsd": {
        "message": (),
        "forward": ("later", "message", "transport"),
        "later": ("message",),
        "metrics": ("forward", "message", "registry", "transport"),
        "publication": ("message",),
        "registry": ("message", "zonefile"),
        "transport": ("later", "message"),
        "zonefile": ("message", "transport"),
    },
    "dnsd/message": {
        "wire": (),
        "data": ("wire",),
        "answer": ("data", "wire"),
        "respond": ("answer", "data", "wire"),
        "screen": ("respond", "wire"),
    },
    "registrar": {
        "cluster": ("keeper", "lib", "net"),
        "keeper": (),
        "lib": (),
        "net": ("lib",),
        "health": ("definition",),
        "exec": ("lib",),
        "consul": (),
        "definition": ("consul", "exec", "lib", "net"),
        "watchdir": ("lib",),
        "container": ("lib", "net"),
        "process": ("container", "definition", "lib"),
        "probe": ("definition", "exec", "health", "lib", "net"),
        "store": ("lib", "probe"),
        "instance": ("definition", "exec", "health", "lib", "probe",
                     "process", "store"),
        "discovery": ("container", "definition", "instance", "lib",
                      "process"),
        "report": ("lib",),
        "top": ("lib", "report"),
        "watch": ("lib", "report"),
        "exchange": ("consul", "lib", "report"),
        "http": ("command", "consul", "definition", "exchange", "keeper", "lib", "probe",
                 "report"),
        "mesh": ("definition", "keeper", "lib", "net"),
    },
}
# Of the headers beside them, what every folder may include.
SHARED = ("dnsd/options.h", "registrar/lock.h", "registrar/options.h", "dnsd/message/stats.h")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


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


def check_folder(findings, path, line, header):
    """Within a folder, includes point to folders that are below."""
    file = style.name(path)
    for top, folders in FOLDERS.items():
        if not file.startswith(top + "/") or \
                not header.startswith(top + "/") or header in SHARED:
            continue
        own, wanted = (name[len(top) + 1:].split("/")[0]
                       for name in (file, header))
        if own in folders and wanted not in (own, *folders[own]):
            findings.add(path, line, f"{top}/{own}/ does not know {header}")


def main():
    findings = style.Findings()
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
                check_folder(findings, path, line, header)
            if style.name(path).startswith("dnsd/message/") and \
                    header.startswith(("event2/", "schema/registry")):
                findings.add(path, line,
                             f"dnsd_message does not know {header}")
    findings.end()


main()
