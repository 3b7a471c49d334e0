// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * sockets - who listens on which port, as the kernel tells.
 *
 * Sockets come from NETLINK_SOCK_DIAG, those of our own network namespace
 * alone; who holds them from /proc/PID/fd. Reads, keeps nothing. Returns 0
 * or a negative errno.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a watch asks for: "8080", "8000-8100", "[::1]:80", "53/udp". */
struct socket_spec {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: any address */
	uint8_t address[16];
	int low, high; /* both included */
	bool udp;
};

/* -EINVAL: it is none. */
int socket_spec_parse(const char *text, struct socket_spec *ret_s);

struct listener {
	uint64_t inode;
	int family;
	uint8_t address[16];
	int port;
	bool udp;
	bool v6_only; /* of IPv6: takes no IPv4 */
};

/* Bound to the address, or to all: that serves it as well. */
bool socket_spec_matches(const struct socket_spec *s, const struct listener *l);

/* One request; its cost grows with the sockets that listen. */
typedef void (*listener_fn)(void *arg, const struct listener *l);
int listeners_read(bool udp, listener_fn fn, void *arg);

/*
 * Calls fn with the number and the inode of each socket of a process.
 * -EACCES: it belongs to somebody else, or we are restricted: ask looker.h.
 * -ESRCH: it has ended.
 */
typedef void (*socket_fn)(void *arg, int fd, uint64_t inode);
int proc_see_sockets(pid_t pid, socket_fn fn, void *arg);

/* The inode of the socket that is this descriptor of it; 0: it is none. */
uint64_t proc_see_socket(pid_t pid, int fd);
