# SPDX-License-Identifier: BSD-2-Clause
"""Servers over real sockets that do what no server should.

A manner is what one does with a connection once it has seen a request, or,
for CLOSES and GARBAGE, before.
"""

import contextlib
import socket
import threading
import time

import rollcall

ANSWERS, HANGS, DRIBBLES, CLOSES, GARBAGE, FLOODS, HALF = range(7)
NOISE = bytes(range(256)) * 4
FLOOD = 10 << 20


class Tcp:
    """Serves until close(); each connection in a thread of its own."""

    def __init__(self, manner, answer=b"", context=None, path=None):
        self.manner, self.answer, self.context = manner, answer, context
        self.asked = []
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen(64)
        else:
            self.port = rollcall.free_port()
            self.listener = socket.create_server(
                (rollcall.HOST, self.port), backlog=64)
        self.open = set()
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while not self.closed.is_set():
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.open.add(peer)
            threading.Thread(target=self._talk, args=(peer,),
                             daemon=True).start()

    def _talk(self, peer):
        # whatever breaks here is what the check does: it hangs up
        with contextlib.suppress(OSError, ValueError), \
                contextlib.closing(peer):
            if self.manner == CLOSES:
                return
            peer.settimeout(30)
            talk = peer
            if self.context:
                talk = self.context.wrap_socket(peer, server_side=True)
                self.open.add(talk)
            if self.manner == GARBAGE:
                talk.sendall(NOISE)
            self.asked.append(talk.recv(4096))
            self._answer(talk)
            if self.context:
                talk.unwrap()
            talk.shutdown(socket.SHUT_RDWR)
            talk.close()

    def _answer(self, talk):
        if self.manner == ANSWERS:
            talk.sendall(self.answer)
        elif self.manner == HALF:
            talk.sendall(self.answer[:len(self.answer) // 2])
        elif self.manner == FLOODS:
            talk.sendall(self.answer)
            talk.sendall(b"x" * FLOOD)
        elif self.manner == DRIBBLES:
            for n in range(len(self.answer)):
                talk.sendall(self.answer[n:n + 1])
                if self.closed.wait(1):
                    return
        elif self.manner == HANGS:
            self.closed.wait(60)

    def close(self):
        self.closed.set()
        self.listener.close()
        for peer in list(self.open):
            with contextlib.suppress(OSError):
                peer.close()


class Udp:
    def __init__(self, manner, answer=b""):
        self.manner, self.answer = manner, answer
        self.port = rollcall.free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((rollcall.HOST, self.port))
        self.socket.settimeout(0.2)
        self.closed = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.closed:
            with contextlib.suppress(TimeoutError):
                _, peer = self.socket.recvfrom(4096)
                self._answer(peer)

    def _answer(self, peer):
        if self.manner == ANSWERS:
            self.socket.sendto(self.answer, peer)
        elif self.manner == GARBAGE:
            self.socket.sendto(NOISE, peer)
        elif self.manner == FLOODS:
            self.socket.sendto(self.answer + b"x" * 60000, peer)
        elif self.manner == DRIBBLES:
            time.sleep(1)
            self.socket.sendto(self.answer, peer)

    def close(self):
        self.closed = True
        self.thread.join()
        self.socket.close()
