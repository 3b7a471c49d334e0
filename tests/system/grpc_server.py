# SPDX-License-Identifier: BSD-2-Clause
"""A server of gRPC whose health a test turns as it likes.

    grpc_server.py ADDRESS STATE [CERT KEY]

STATE is a file of JSON, read for each call: a map of services to the names
of what their health is, to {"code": 14, "details": "..."}, or to one of

    hang    no answer while the call lasts
    big     10 MB
    junk    a message that is no protobuf

"health": false leaves the health service away.
"""

import concurrent.futures
import json
import pathlib
import sys
import threading

import grpc

METHOD = "/grpc.health.v1.Health/Check"
STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
CODES = {code.value[0]: code for code in grpc.StatusCode}


def service_of(request):
    """HealthCheckRequest: field 1, octets."""
    if not request:
        return ""
    assert request[:1] == b"\x0a" and request[1] == len(request) - 2
    return request[2:].decode()


class Health(grpc.GenericRpcHandler):
    def __init__(self, state):
        self.state = pathlib.Path(state)

    def read(self):
        return json.loads(self.state.read_text())

    def service(self, handler_call_details):
        if handler_call_details.method != METHOD or \
                not self.read().get("health", True):
            return None
        return grpc.unary_unary_rpc_method_handler(self.check)

    def check(self, request, context):
        name = service_of(request)
        answer = self.read().get(name)
        if answer is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        if isinstance(answer, dict):
            context.abort(CODES[answer["code"]], answer["details"])
        if answer == "hang":
            over = threading.Event()
            context.add_callback(over.set)
            over.wait(30)
        if answer == "big":
            return b"\x12\x80\xad\xe2\x04" + bytes(10000000) + b"\x08\x01"
        if answer == "junk":
            return b"\xff\xff\xff"
        code = STATUS.index(answer) if answer in STATUS else 0
        return bytes([8, code]) if code else b""


def main():
    address, state, *tls = sys.argv[1:]
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(4),
        options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Health(state),))
    if tls:
        cert, key = (pathlib.Path(file).read_bytes() for file in tls)
        server.add_secure_port(
            address, grpc.ssl_server_credentials([(key, cert)]))
    else:
        server.add_insecure_port(address)
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


main()
