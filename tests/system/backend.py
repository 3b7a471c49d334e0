# SPDX-License-Identifier: BSD-2-Clause
"""A web server whose health a test turns as it likes."""

import contextlib
import http.server
import socketserver
import threading
import time


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that hang up are not our news


class Backend:
    """Serves until close(); status, body and delay_s hold at once."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.status, self.body, self.delay_s = 200, "fine", 0.0
        self.hits = 0
        self._server = None
        self.open()

    def open(self):
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                backend.hits += 1
                time.sleep(backend.delay_s)
                with contextlib.suppress(OSError):
                    self.send_response(backend.status)
                    self.end_headers()
                    self.wfile.write(backend.body.encode())

            def log_message(self, *_):
                pass

        self._server = _Server((self.host, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,),
                         daemon=True).start()

    def close(self):
        """Nobody listens any more: connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
