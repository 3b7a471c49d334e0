# SPDX-License-Identifier: BSD-2-Clause
"""A directory whose file system can be stopped."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

SERVER = pathlib.Path(__file__).with_name("fuse_server.py")


class Hanging:
    """What is put into `backing` is seen in `folder`."""

    def __init__(self, folder, backing, server):
        self.folder = folder
        self.backing = backing
        self.server = server

    def stop(self):
        self.server.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.server.send_signal(signal.SIGCONT)

    def fail(self, error):
        """0: not any more."""
        file = self.backing.with_name(self.backing.name + ".fault")
        if error:
            file.with_suffix(".new").write_text(f"{error}")
            file.with_suffix(".new").rename(file)
        else:
            file.unlink(missing_ok=True)


def mounted(top):
    """To be used by a fixture: yields one Hanging."""
    probe = subprocess.run(["/usr/bin/python3", "-c", "import fusepy"],
                           check=False, capture_output=True)
    if probe.returncode or not os.path.exists("/dev/fuse") or os.geteuid():
        pytest.skip("needs root, /dev/fuse and python3-fusepy")
    folder, backing = top / "fuse", top / "backing"
    folder.mkdir()
    backing.mkdir()
    with subprocess.Popen(["/usr/bin/python3", SERVER, backing, folder],
                          stderr=sys.stderr) as server:
        try:
            for _ in range(200):
                if os.path.ismount(folder):
                    break
                time.sleep(0.05)
            else:
                pytest.skip("cannot mount a FUSE file system here")
            yield Hanging(folder, backing, server)
        finally:
            server.send_signal(signal.SIGCONT)
            subprocess.run(["umount", "-l", folder], check=False)
            server.kill()
