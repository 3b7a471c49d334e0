# SPDX-License-Identifier: BSD-2-Clause
"""A program on a terminal of its own, and keys typed at it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from rollcall import PATIENCE_S

SEQUENCE = re.compile(r"\x1b(\[[0-9;?>=]*[A-Za-z]|\][^\x07]*\x07|[=>78]"
                      r"|\([A-Z0-9])")


class Terminal:
    def __init__(self, *args, env=None, columns=80, rows=24):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.settings = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            list(map(str, args)), stdin=slave, stdout=slave, stderr=slave,
            env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave
        self.raw = ""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, keys):
        os.write(self.master, keys.encode())

    def pump(self, seconds=0.05):
        if select.select([self.master], [], [], seconds)[0]:
            self.raw += os.read(self.master, 65536).decode(errors="replace")

    def text(self, start=0):
        """What was written, without what steers the terminal."""
        return SEQUENCE.sub("", self.raw[start:])

    def wait(self, pattern, start=0):
        """Until the output from raw[start:] on has it; the match."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = re.search(pattern, self.text(start))
            if found:
                return found
            assert time.monotonic() < end, \
                f"/{pattern}/ not seen in:\n{self.text(start)}"
            self.pump()

    def end(self):
        """The status of a program that ends by itself."""
        limit = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < limit, f"still runs:\n{self.text()}"
            self.pump()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
