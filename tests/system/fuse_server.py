#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Serves BACKING read-only at MOUNT, and keeps nothing in any cache: while it
is stopped, whoever touches what is below MOUNT waits. While there is a file
BACKING.fault, the number in it is the error that everything gets."""

import os
import sys

import fusepy as fuse

BACKING, MOUNT = sys.argv[1:]
KEYS = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_mtime",
        "st_ctime", "st_ino")


def fault():
    try:
        with open(BACKING + ".fault", encoding="ascii") as f:
            raise fuse.FuseOSError(int(f.read()))
    except FileNotFoundError:
        pass


class Files(fuse.Operations):
    def __call__(self, op, *args):
        if op in ("getattr", "readdir", "readlink", "open", "read"):
            fault()
        return super().__call__(op, *args)

    def getattr(self, path, fh=None):
        try:
            st = os.lstat(BACKING + path)
        except OSError as e:
            raise fuse.FuseOSError(e.errno) from e
        return {key: getattr(st, key) for key in KEYS}

    def readdir(self, path, fh):
        return [".", "..", *((e.name, {"st_mode": e.stat(
            follow_symlinks=False).st_mode}, 0)
                             for e in os.scandir(BACKING + path))]

    def readlink(self, path):
        return os.readlink(BACKING + path)

    def read(self, path, size, offset, fh):
        with open(BACKING + path, "rb") as f:
            f.seek(offset)
            return f.read(size)


fuse.FUSE(Files(), MOUNT, foreground=True, direct_io=True, attr_timeout=0,
          entry_timeout=0, nothreads=True, allow_other=True)
