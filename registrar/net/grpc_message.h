// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * grpc_message - what grpc.health.v1.Health/Check says, octet by octet.
 *
 * A message of gRPC over HTTP/2 is five octets (compressed or not, length)
 * and a message of protobuf. Both messages here have one field:
 *
 *	message HealthCheckRequest { string service = 1; }
 *	message HealthCheckResponse { ServingStatus status = 1; }
 *
 * Plain data, any thread, no I/O.
 */
#include <stddef.h>
#include <stdint.h>

#define GRPC_SERVICE_MAX 1024 /* octets of its name */
#define GRPC_REQUEST_MAX (5 + 3 + GRPC_SERVICE_MAX)

/* "": the server as a whole. Returns the length. */
size_t grpc_request_write(
    const char *service, uint8_t ret_msg[GRPC_REQUEST_MAX]);

enum grpc_health {
	GRPC_UNKNOWN,
	GRPC_SERVING,
	GRPC_NOT_SERVING,
	GRPC_SERVICE_UNKNOWN,
};
/* NULL: there is none of that number. */
const char *grpc_health_name(uint64_t h);

/*
 * The status in the whole body of an answer, a number that may be none of
 * enum grpc_health. -EINVAL: *ret_why says what is wrong with it.
 */
int grpc_answer_read(const uint8_t *data, size_t len, uint64_t *ret_status,
    const char **ret_why);

/* The code in a grpc-status; -EINVAL: it is none. */
int grpc_status_parse(const char *text);
/* "UNAVAILABLE" ...; NULL: there is none of that number. */
const char *grpc_status_name(int code);

/* A grpc-message is percent-encoded; in place. May give any octets but NUL. */
void grpc_percent_decode(char *text);
