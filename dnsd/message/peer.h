// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * peer - the address of a client: no larger than it has to be, for there are
 * many.
 */
#include <netinet/in.h>
#include <sys/socket.h>

union peer {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};
