// SPDX-License-Identifier: BSD-2-Clause
/* Texts, matches, and what the kernel says of sockets of this program. */
#include "registrar/lib/sockets.h"
#include "support.h"

#include <errno.h>
#include <sys/socket.h>

// clang-format off
static const struct {
	const char *why, *text;
	int r, low, high, family;
	bool udp;
} texts[] = {
	{ "a port", "8080", 0, 8080, 8080, AF_UNSPEC, false },
	{ "a range", "8000-8100", 0, 8000, 8100, AF_UNSPEC, false },
	{ "UDP", "53/udp", 0, 53, 53, AF_UNSPEC, true },
	{ "TCP, said aloud", "53/tcp", 0, 53, 53, AF_UNSPEC, false },
	{ "an address", "127.0.0.1:80", 0, 80, 80, AF_INET, false },
	{ "of IPv6", "[::1]:80-81/udp", 0, 80, 81, AF_INET6, true },
	{ "nothing", "", -EINVAL, 0, 0, 0, false },
	{ "zero", "0", -EINVAL, 0, 0, 0, false },
	{ "too large", "65536", -EINVAL, 0, 0, 0, false },
	{ "much too large", "99999999999999999999", -EINVAL, 0, 0, 0, false },
	{ "a word", "http", -EINVAL, 0, 0, 0, false },
	{ "more behind it", "80x", -EINVAL, 0, 0, 0, false },
	{ "backwards", "81-80", -EINVAL, 0, 0, 0, false },
	{ "half a range", "80-", -EINVAL, 0, 0, 0, false },
	{ "IPv6 without brackets", "::1:80", -EINVAL, 0, 0, 0, false },
	{ "no port", "127.0.0.1:", -EINVAL, 0, 0, 0, false },
	{ "a name", "localhost:80", -EINVAL, 0, 0, 0, false },
	{ "an open bracket", "[::1:80", -EINVAL, 0, 0, 0, false },
	{ "no colon", "[::1]80", -EINVAL, 0, 0, 0, false },
	{ "another protocol", "80/sctp", -EINVAL, 0, 0, 0, false },
};

static const struct {
	const char *why, *text, *address;
	int port;
	bool udp, matches;
} matches[] = {
	{ "any address", "80", "192.0.2.1", 80, false, true },
	{ "any address of IPv6", "80", "2001:db8::1", 80, false, true },
	{ "another port", "80", "192.0.2.1", 81, false, false },
	{ "in the range", "80-82", "0.0.0.0", 82, false, true },
	{ "another protocol", "80", "0.0.0.0", 80, true, false },
	{ "the address", "192.0.2.1:80", "192.0.2.1", 80, false, true },
	{ "another address", "192.0.2.1:80", "192.0.2.2", 80, false, false },
	{ "all of IPv4", "192.0.2.1:80", "0.0.0.0", 80, false, true },
	{ ":: takes IPv4 as well", "192.0.2.1:80", "::", 80, false, true },
	{ "mapped", "192.0.2.1:80", "::ffff:192.0.2.1", 80, false, true },
	{ "mapped, another", "192.0.2.1:80", "::ffff:192.0.2.2", 80, false, false },
	{ "IPv4 takes no IPv6", "[::1]:80", "0.0.0.0", 80, false, false },
	{ "all of IPv6", "[::1]:80", "::", 80, false, true },
	{ "another of IPv6", "[::1]:80", "::2", 80, false, false },
};
// clang-format on

static void texts_are_read(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		struct socket_spec s = { 0 };
		int r = socket_spec_parse(texts[n].text, &s);

		if (r != texts[n].r || s.low != texts[n].low ||
		    s.high != texts[n].high || s.family != texts[n].family ||
		    s.udp != texts[n].udp)
			fail_msg("%s: '%s'", texts[n].why, texts[n].text);
	}
}

static void sockets_match(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(matches) / sizeof(matches[0]); n++) {
		bool is_v6 = strchr(matches[n].address, ':');
		struct listener l = { .inode = 1,
			.family = is_v6 ? AF_INET6 : AF_INET,
			.port = matches[n].port,
			.udp = matches[n].udp };
		struct socket_spec s;

		assert_int_equal(0, socket_spec_parse(matches[n].text, &s));
		assert_int_equal(
		    1, inet_pton(l.family, matches[n].address, l.address));
		if (socket_spec_matches(&s, &l) != matches[n].matches)
			fail_msg("%s", matches[n].why);
	}
}

struct seen {
	int port;
	uint64_t inode;
	int fd;
	bool v6_only;
};

static void see_listener(void *arg, const struct listener *l)
{
	struct seen *s = arg;

	if (l->port != s->port)
		return;
	s->inode = l->inode;
	s->v6_only = l->v6_only;
}

static void see_socket(void *arg, int fd, uint64_t inode)
{
	struct seen *s = arg;

	if (inode == s->inode)
		s->fd = fd;
}

static void the_kernel_tells(void **state)
{
	(void)state;
	for (int n = 0; n < 4; n++) {
		bool udp = n & 1, is_v6 = n & 2;
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
			.sin6_addr = IN6ADDR_LOOPBACK_INIT };
		struct sockaddr_in v4 = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		struct sockaddr *at =
		    is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
		socklen_t len = is_v6 ? sizeof(v6) : sizeof(v4);
		int fd = socket(is_v6 ? AF_INET6 : AF_INET,
		    (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

		assert_int_equal(0, bind(fd, at, len));
		assert_true(udp || listen(fd, 1) == 0);
		assert_int_equal(0, getsockname(fd, at, &len));
		struct seen seen = { .port = ntohs(
			                 is_v6 ? v6.sin6_port : v4.sin_port),
			.fd = -1 };

		assert_int_equal(0, listeners_read(udp, see_listener, &seen));
		assert_true(seen.inode != 0);
		assert_int_equal(
		    0, proc_see_sockets(getpid(), see_socket, &seen));
		assert_int_equal(fd, seen.fd);
		assert_true(proc_see_socket(getpid(), fd) == seen.inode);
		close(fd);
		assert_false(proc_see_socket(getpid(), fd) == seen.inode);
	}
	assert_int_equal(
	    -ESRCH, proc_see_sockets(0x7ffffff0, see_socket, NULL));
}

/* One of IPv6 for all addresses takes IPv4, unless it was told not to. */
static void who_takes_ipv4_is_known(void **state)
{
	(void)state;
	for (int n = 0; n < 4; n++) {
		bool udp = n & 1;
		int only = n >> 1;
		struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
		socklen_t len = sizeof(any);
		int fd = socket(AF_INET6,
		    (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

		assert_int_equal(0, setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
		                        &only, sizeof(only)));
		assert_int_equal(0, bind(fd, (struct sockaddr *)&any, len));
		assert_true(udp || listen(fd, 1) == 0);
		assert_int_equal(
		    0, getsockname(fd, (struct sockaddr *)&any, &len));
		struct seen seen = { .port = ntohs(any.sin6_port) };

		assert_int_equal(0, listeners_read(udp, see_listener, &seen));
		assert_true(seen.inode != 0);
		assert_int_equal(seen.v6_only, only);
		close(fd);
	}
	const struct listener l = {
		.inode = 1, .family = AF_INET6, .port = 80, .v6_only = true
	};
	struct socket_spec s;

	assert_int_equal(0, socket_spec_parse("127.0.0.1:80", &s));
	assert_false(socket_spec_matches(&s, &l));
	assert_int_equal(0, socket_spec_parse("[::1]:80", &s));
	assert_true(socket_spec_matches(&s, &l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read),
		cmocka_unit_test(sockets_match),
		cmocka_unit_test(the_kernel_tells),
		cmocka_unit_test(who_takes_ipv4_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
