#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Serves BACKING read-only at MOUNT, and keeps nothing in any cache: while it
is stopped, whoever touches what is below MOUNT waits."""

import os
import sys

import fusepy as fuse

BACKING, MOUNT = sys.argv[1:]
KEYS = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_mtime",
        "st_ctime", "st_ino")


class Files(fuse.Operations):
    def getattr(self, path, fh=None):
        try:
            st = os.lstat(BACKING + path)
        except OSError as e:
            raise fuse.FuseOSError(e.errno) from e
        return {key: getattr(st, key) for key in KEYS}

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(BACKING + path)]

    def readlink(self, path):
        return os.readlink(BACKING + path)

    def read(self, path, size, offset, fh):
        with open(BACKING + path, "rb") as f:
            f.seek(offset)
            return f.read(size)


fuse.FUSE(Files(), MOUNT, foreground=True, direct_io=True, attr_timeout=0,
          entry_timeout=0, nothreads=True, allow_other=True)
