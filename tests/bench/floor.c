// SPDX-License-Identifier: BSD-2-Clause
/*
 * floor - what loopback UDP itself costs: every datagram is answered with the
 * same octets and its own id, 64 in a system call. No DNS.
 *
 *	floor 127.0.0.1:PORT [OCTETS]
 */
#include "tests/bench/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, ROOM = 2048 };

static uint8_t request[BATCH][ROOM], response[BATCH][ROOM];
static struct sockaddr_in peer[BATCH];
static struct mmsghdr in[BATCH], out[BATCH];
static struct iovec in_iov[BATCH], out_iov[BATCH];

static void lay_out(size_t octets)
{
	for (unsigned i = 0; i < BATCH; i++) {
		memset(response[i] + 12, 0x55, octets - 12);
		response[i][2] = 0x84; /* a response, authoritative */
		in_iov[i] = (struct iovec){ request[i], ROOM };
		out_iov[i] = (struct iovec){ response[i], octets };
		in[i].msg_hdr = (struct msghdr){ .msg_name = &peer[i],
			.msg_iov = &in_iov[i],
			.msg_iovlen = 1 };
		out[i].msg_hdr = (struct msghdr){ .msg_name = &peer[i],
			.msg_namelen = sizeof(peer[i]),
			.msg_iov = &out_iov[i],
			.msg_iovlen = 1 };
	}
}

static _Noreturn void serve(int fd)
{
	for (;;) {
		for (unsigned i = 0; i < BATCH; i++)
			in[i].msg_hdr.msg_namelen = sizeof(peer[i]);
		int n = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			memcpy(response[i], request[i], 2);
		for (int done = 0, sent; done < n; done += sent) {
			sent =
			    sendmmsg(fd, out + done, (unsigned)(n - done), 0);
			if (sent <= 0)
				sent = 1; /* that client asks again */
		}
	}
}

int main(int argc, char *argv[])
{
	size_t octets = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int room = 4 << 20;

	if (argc < 2 || octets < 12 || octets > ROOM) {
		(void)fputs("usage: floor 127.0.0.1:PORT [OCTETS]\n", stderr);
		return 2;
	}
	struct sockaddr_in me = loopback_address(argv[1]);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (fd < 0 || bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0)
		die("bind");
	lay_out(octets);
	serve(fd);
}
