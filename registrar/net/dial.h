// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * dial - non-blocking sockets to numeric addresses, for probes.
 *
 * -EADDRNOTAVAIL always means that this host has no local port left for it.
 * Where the kernel says so since no address of ours leads there, it is
 * -ENETUNREACH.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

union dial_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/*
 * Its length, or 0: the text is no address. Port 0 is fine. "localhost" is
 * 127.0.0.1 here; connections try ::1 as well where nobody accepts there.
 */
socklen_t dial_address(union dial_address *ret_a, const char *text, int port);

/*
 * A socket of that type (SOCK_STREAM, SOCK_DGRAM) that is connected, or is
 * about to be: then it becomes writable, and SO_ERROR says how it went.
 * -E..: it cannot be; -EINVAL: the text is no address.
 */
int dial(const char *address, int port, int type);

/*
 * TCP. 0: connected, as ports of this host are at once; -EINPROGRESS: it will
 * be writable, then dial_result() knows. Else no socket is left.
 *
 * With hold_ack the last ACK of the handshake waits for the first octets that
 * we send, so it is for those who speak first. And for those who never speak:
 * if the connection is reset instead, the program that listens is not woken.
 */
int dial_tcp(const char *address, int port, bool hold_ack, int *ret_fd);

/* Closes by a reset: nothing of it is left, here or there. */
void dial_reset(int fd);

/* SO_ERROR of a socket, 0 or -E... */
int dial_result(int fd);
