# SPDX-License-Identifier: BSD-2-Clause
"""A program in a tmux of its own, and what stands on its screen."""

import itertools
import os
import shlex
import subprocess

from rollcall import until


_numbers = itertools.count(1)


class Tmux:
    """One window of a server that nobody else uses."""

    def __init__(self, folder, *args, env=None, columns=80, rows=24):
        # a new one each time: the server of another may still be ending
        self.socket = folder / f"tmux-{next(_numbers)}"
        self.ended = self.socket.with_suffix(".ended")
        self.env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"],
                    "TERM": "xterm-256color", "HOME": str(folder),
                    "SHELL": "/bin/sh"}
        setting = "".join(f"{k}={shlex.quote(v)} "
                          for k, v in (env or {}).items())
        line = " ".join(shlex.quote(str(a)) for a in args)
        # the status of the program, and what is left on the terminal
        script = (f"stty -g >{folder}/stty-before; {setting}{line}; "
                  f"echo $? >{self.ended}; stty -g >{folder}/stty-after; "
                  f"echo BACK; sleep 1000")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "t",
                  "-x", str(columns), "-y", str(rows), script)
        self.folder = folder

    def tmux(self, *args):
        return subprocess.run(
            ["tmux", "-S", str(self.socket), *args], text=True, check=True,
            capture_output=True, env=self.env).stdout

    def screen(self, escapes=False):
        """The lines, without blanks at their ends."""
        more = ["-e"] if escapes else []
        text = self.tmux("capture-pane", "-p", "-t", "t", *more)
        return [line.rstrip() for line in text.split("\n")]

    def wait(self, what, check):
        """Until check, given the lines, says so; the lines."""
        lines = []

        def look():
            lines[:] = self.screen()
            return check(lines)
        try:
            until(what, look)
        except AssertionError as e:
            raise AssertionError(f"{e}:\n" + "\n".join(lines)) from None
        return lines

    def wait_text(self, text):
        return self.wait(f"'{text}'", lambda s: any(text in x for x in s))

    def send(self, *keys):
        self.tmux("send-keys", "-t", "t", *keys)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", "t", "-x", str(columns),
                  "-y", str(rows))

    def pid_of(self, name):
        """Of the program, a child of the shell in the window."""
        shell = self.tmux("list-panes", "-t", "t", "-F",
                          "#{pane_pid}").strip()
        return int(until(f"{name} runs", lambda: subprocess.run(
            ["pgrep", "-P", shell, name], text=True, check=False,
            stdout=subprocess.PIPE).stdout.split()[:1])[0])

    def status(self):
        until("the program ends", self.ended.exists)
        until("its status is told", lambda: self.ended.read_text().strip())
        return int(self.ended.read_text())

    def restored(self):
        """Is the terminal as it was?"""
        self.wait_text("BACK")
        return ((self.folder / "stty-before").read_text() ==
                (self.folder / "stty-after").read_text() and
                self.tmux("display-message", "-p", "-t", "t",
                          "#{alternate_on} #{cursor_flag}").strip() == "0 1")

    def close(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"],
                       check=False, capture_output=True, env=self.env)
