# SPDX-License-Identifier: BSD-2-Clause
"""What the query path calls: no allocation, no lock, no system call.

Every symbol that an object of dnsd_message takes from outside of it must be
listed here. test_purity.c shows the same at run time.
"""

import re
import subprocess
import sys

import style

# Any object may use these: they touch the octets they are given.
EVERYWHERE = {"memcpy", "memcmp", "memset", "memmove", "memchr", "strnlen",
              "strchr", "strcmp"}
# By object: what is for the control thread, at start and at the end. The
# functions that the query path calls in them are shown pure at run time.
CONTROL = {
    "address_tree.c": {"xcalloc", "free", "__assert_fail"},
    "catalog.c": {"xcalloc", "xreallocarray", "aligned_alloc", "free", "abort",
                  "__assert_fail"},
    "front.c": {"xcalloc", "free"},
    "zone.c": {"xcalloc", "free"},
    "zone_build.c": {"xcalloc", "xreallocarray", "free", "diag_set"},
    "zone_compile.c": {"xcalloc", "xreallocarray", "free", "qsort",
                       "diag_set"},
    "zone_image.c": {"free"},
    "zone_table.c": {"xcalloc", "free"},
    "reclaim.c": {"aligned_alloc", "xreallocarray", "free", "abort"},
    "handle.c": {"aligned_alloc", "free", "abort", "rng_seed"},
    "limit.c": {"xcalloc", "free", "rng_seed", "rng_refill"},
    "networks.c": {"xcalloc", "xreallocarray", "free", "abort", "qsort",
                   "inet_pton", "strtoul", "strcspn"},
    "part.c": {"rng_refill", "rng_seed_fixed", "logf", "expf"},
    "pick.c": {"rng_refill"},
    "pool.c": {"xcalloc", "free"},
    "respond_browse.c": {"rng_refill"},
    "respond_service.c": {"rng_refill"},
    "reverse.c": {"xcalloc", "free"},
    "tally.c": {"xcalloc", "mmap", "munmap", "free", "abort", "__assert_fail"},
}
# What compilers add: position independence, stack protection, sanitizers,
# coverage, fuzzing.
ADDED = re.compile(r"^(_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__.*_chk"
                   r"|__[atu][a-z]*san_.*|__sanitizer_.*|__gcov_.*"
                   r"|__sancov_.*|__start___.*|__stop___.*|__llvm_.*"
                   r"|___asan_.*|__tls_get_addr)$")


def symbols(path):
    out = subprocess.run(["nm", path], text=True, check=True,
                         capture_output=True).stdout
    defined, undefined = set(), set()
    for line in out.splitlines():
        words = line.split()
        (undefined if words[-2] == "U" else defined).add(words[-1])
    return defined, undefined


def main():
    folder = style.BUILD / "dnsd/message/CMakeFiles/dnsd_message.dir"
    objects = sorted(folder.rglob("*.c.o"))
    if not objects:
        print(f"no objects below {folder}")
        sys.exit(1)
    if any(path.read_bytes().find(b".gnu.lto_") >= 0 for path in objects):
        print("objects of link-time optimisation tell nothing")
        return
    found = {path.name[:-2]: symbols(path) for path in objects}
    own = set().union(*(defined for defined, _ in found.values()))
    findings = [
        f"{file} calls {name}"
        for file, (_, undefined) in found.items()
        for name in sorted(undefined - own - EVERYWHERE
                           - CONTROL.get(file, set()))
        if not ADDED.match(name)]
    for text in findings:
        print(text)
    sys.exit(1 if findings else 0)


main()
