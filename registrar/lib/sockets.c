// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/sockets.h"

#include "schema/base/scoped.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 64

/* ---- what is asked for ------------------------------------------------ */

/* A port from 1 to 65535; moves *text behind it. */
static bool take_port(const char **text, int *ret_port)
{
	int port = 0;
	const char *p = *text;

	while (isdigit((unsigned char)*p) && port <= 65535)
		port = port * 10 + (*p++ - '0');
	if (p == *text || port < 1 || port > 65535)
		return false;
	*text = p;
	*ret_port = port;
	return true;
}

/* The address before the port; moves *text behind the colon. */
static bool take_address(const char **text, struct socket_spec *s)
{
	char host[ADDRESS_TEXT_MAX];
	const char *start = *text, *end;

	if (*start == '[') {
		s->family = AF_INET6;
		end = strchr(++start, ']');
	} else {
		s->family = AF_INET;
		end = strrchr(start, ':');
	}
	if (!end || end - start >= ADDRESS_TEXT_MAX)
		return false;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	end += s->family == AF_INET6;
	*text = end + 1;
	return *end == ':' && inet_pton(s->family, host, s->address) == 1;
}

int socket_spec_parse(const char *text, struct socket_spec *ret_s)
{
	struct socket_spec s = { .family = AF_UNSPEC };

	if (strchr(text, ':') && !take_address(&text, &s))
		return -EINVAL;
	if (!take_port(&text, &s.low))
		return -EINVAL;
	s.high = s.low;
	if (*text == '-') {
		text++;
		if (!take_port(&text, &s.high) || s.high < s.low)
			return -EINVAL;
	}
	s.udp = strcmp(text, "/udp") == 0;
	if (*text && !s.udp && strcmp(text, "/tcp") != 0)
		return -EINVAL;
	*ret_s = s;
	return 0;
}

static bool is_any(const struct listener *l)
{
	static const uint8_t none[16];

	return !memcmp(l->address, none, l->family == AF_INET ? 4 : 16);
}

/* A socket of IPv6 bound to ::ffff:a.b.c.d serves a.b.c.d. */
static const uint8_t *mapped(const struct listener *l)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(l->address, prefix, 12) ? NULL : l->address + 12;
}

bool socket_spec_matches(const struct socket_spec *s, const struct listener *l)
{
	if (l->udp != s->udp || l->port < s->low || l->port > s->high)
		return false;
	if (s->family == AF_UNSPEC)
		return true;
	if (is_any(l)) { /* :: takes IPv4 as well, unless it was told not to */
		return l->family == s->family ||
		       (l->family == AF_INET6 && !l->v6_only);
	}
	if (s->family == l->family) {
		return !memcmp(
		    s->address, l->address, s->family == AF_INET ? 4 : 16);
	}
	const uint8_t *v4 = l->family == AF_INET6 ? mapped(l) : NULL;

	return v4 && s->family == AF_INET && !memcmp(s->address, v4, 4);
}

/* ---- sock_diag(7) ----------------------------------------------------- */

static int ask(int fd, int family, bool udp)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} msg = {
		.head = { .nlmsg_len = sizeof(msg),
		    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = (uint8_t)family,
		    .sdiag_protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
		    /* a socket of UDP that is not connected is "closed" */
		    .idiag_states = 1U << (udp ? TCP_CLOSE : TCP_LISTEN) },
	};

	return send(fd, &msg, sizeof(msg), 0) < 0 ? -errno : 0;
}

/* An attribute of one octet; 0 if it is not there. */
static uint8_t attribute(const char *at, size_t left, unsigned short type)
{
	struct nlattr a;

	while (left >= sizeof(a)) {
		memcpy(&a, at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > left)
			break;
		if (a.nla_type == type && a.nla_len > sizeof(a))
			return (uint8_t)at[sizeof(a)];
		size_t len = ((size_t)a.nla_len + 3) & ~(size_t)3;

		at += len;
		left -= len < left ? len : left;
	}
	return 0;
}

/* len: of the body, attributes included. */
static void tell(
    const char *body, size_t len, bool udp, listener_fn fn, void *arg)
{
	struct inet_diag_msg m;
	const size_t head = NLMSG_ALIGN(sizeof(m));

	memcpy(&m, body, sizeof(m));
	struct listener l = { .inode = m.idiag_inode,
		.family = m.idiag_family,
		.port = ntohs(m.id.idiag_sport),
		.udp = udp };

	if (l.family == AF_INET6 && len > head) {
		l.v6_only =
		    attribute(body + head, len - head, INET_DIAG_SKV6ONLY);
	}

	memcpy(l.address, m.id.idiag_src, sizeof(l.address));
	if (l.inode && l.port)
		fn(arg, &l);
}

/* 1: there is more to come; 0: that was all. */
static int take_part(
    const char *buf, size_t left, bool udp, listener_fn fn, void *arg)
{
	while (left >= NLMSG_HDRLEN) {
		struct nlmsghdr h;
		const char *body = buf + NLMSG_HDRLEN;

		memcpy(&h, buf, sizeof(h));
		if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > left)
			return -EIO;
		if (h.nlmsg_type == NLMSG_DONE)
			return 0;
		if (h.nlmsg_type == NLMSG_ERROR) {
			struct nlmsgerr e = { .error = -EIO };

			if (h.nlmsg_len >= NLMSG_LENGTH(sizeof(e)))
				memcpy(&e, body, sizeof(e));
			return e.error;
		}
		if (h.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		    h.nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			tell(body, h.nlmsg_len - NLMSG_HDRLEN, udp, fn, arg);
		size_t len = NLMSG_ALIGN(h.nlmsg_len);

		buf += len;
		left -= len < left ? len : left;
	}
	return 1;
}

static int read_family(int fd, int family, bool udp, listener_fn fn, void *arg)
{
	char buf[32768];
	int r = ask(fd, family, udp);

	if (r < 0)
		return r;
	do {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		r = take_part(buf, (size_t)n, udp, fn, arg);
	} while (r > 0);
	return r;
}

int listeners_read(bool udp, listener_fn fn, void *arg)
{
	scoped_fd int fd =
	    socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	const struct timeval patience = { .tv_sec = 1 };

	if (fd < 0)
		return -errno;
	/* the kernel has each part ready; the loop must not hang on a bug */
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	int r = read_family(fd, AF_INET, udp, fn, arg);

	return r < 0 ? r : read_family(fd, AF_INET6, udp, fn, arg);
}

/* ---- /proc/PID/fd ----------------------------------------------------- */

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* 0: no socket. */
static uint64_t parse_link(const char *text)
{
	static const char prefix[] = "socket:[";
	const size_t len = sizeof(prefix) - 1;

	return strncmp(text, prefix, len) ? 0 : strtoull(text + len, NULL, 10);
}

static uint64_t socket_at(int dir, const char *leaf)
{
	char text[64];
	ssize_t n = readlinkat(dir, leaf, text, sizeof(text) - 1);

	if (n < 0)
		return 0;
	text[n] = '\0';
	return parse_link(text);
}

int proc_see_sockets(pid_t pid, socket_fn fn, void *arg)
{
	char path[64];
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	__attribute__((cleanup(close_dir))) DIR *dir = opendir(path);

	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		uint64_t inode = socket_at(dirfd(dir), e->d_name);

		if (inode)
			fn(arg, (int)strtol(e->d_name, NULL, 10), inode);
	}
	return 0;
}

uint64_t proc_see_socket(pid_t pid, int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	return socket_at(AT_FDCWD, path);
}
