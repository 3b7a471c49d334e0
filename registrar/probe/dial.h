// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * dial - non-blocking sockets to numeric addresses, for probes.
 */
#include <netinet/in.h>
#include <sys/socket.h>

union dial_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Its length, or 0: the text is no address. Port 0 is fine. */
socklen_t dial_address(union dial_address *ret_a, const char *text, int port);

/*
 * A socket of that type (SOCK_STREAM, SOCK_DGRAM) that is connected, or is
 * about to be: then it becomes writable, and SO_ERROR says how it went.
 * -E..: it cannot be; -EINVAL: the text is no address.
 */
int dial(const char *address, int port, int type);

/* SO_ERROR of a socket, 0 or -E... */
int dial_result(int fd);
