// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/tls_cache.h"
#include "registrar/net/transport.h"
#include "tls_support.h"

#define ANSWER "well, hello there\n"

static struct tls_world world;

struct talk {
	struct transport *t;
	struct loop *loop;
	bool done;
	bool speaks_h2, asked;
	char got[64];
	char end[DIAG_MAX]; /* "ended", or why it failed */
	const char *waiting;
	const char *says;
};

static void on_open(void *arg)
{
	struct talk *k = arg;

	k->speaks_h2 = transport_speaks(k->t, "h2");
	k->asked = transport_was_asked(k->t);
	if (!k->says) {
		(void)snprintf(k->end, sizeof(k->end), "open");
		k->done = true;
		return;
	}
	(void)bufferevent_write(
	    transport_bufferevent(k->t), k->says, strlen(k->says));
}

static void on_readable(void *arg)
{
	struct talk *k = arg;
	size_t len = strlen(k->got);

	(void)evbuffer_remove(
	    bufferevent_get_input(transport_bufferevent(k->t)), k->got + len,
	    sizeof(k->got) - 1 - len);
}

static void on_ended(void *arg)
{
	struct talk *k = arg;

	(void)snprintf(k->end, sizeof(k->end), "ended");
	k->done = true;
	transport_close(k->t);
	k->t = NULL;
}

static void on_failed(void *arg, int error, const char *why)
{
	struct talk *k = arg;

	(void)error;
	(void)snprintf(k->end, sizeof(k->end), "%s", why);
	k->done = true;
	transport_abort(k->t);
	k->t = NULL;
}

static const struct transport_ops ops = { .open = on_open,
	.readable = on_readable,
	.ended = on_ended,
	.failed = on_failed };

/* Until it is open (says NULL), ended or failed, or for 300 ms. */
static struct talk talk(struct loop *l, struct prober *pr,
    const struct transport_to *to, const char *says)
{
	struct talk k = { .loop = l, .says = says, .waiting = "" };
	struct diag why;

	if (to->tls)
		tls_cache_refresh(pr->net.tls, to->tls, 0);
	if (transport_open(&pr->net, to, &ops, &k, &k.t, &why) < 0) {
		(void)snprintf(k.end, sizeof(k.end), "%s", why.text);
		return k;
	}
	(void)loop_until(l, &k.done, 300);
	if (k.t)
		k.waiting = transport_waiting(k.t);
	transport_abort(k.t);
	loop_for(l, 10); /* let servers see the end */
	return k;
}

// clang-format off
static const struct {
	const char *why;
	const char *server; /* its certificate; NULL: no TLS */
	const char *name;   /* NULL: 127.0.0.1; "": no TLS */
	const char *client; /* our certificate, or NULL */
	const char *ca;     /* "ca.pem" is right */
	const char *end;    /* as it begins */
	const char *got;
	enum manner manner;
	bool wants_client, unverified, is_v6;
} cases[] = {
	{ "plain", NULL, "", NULL, NULL,
	  "ended", ANSWER, SERVER_ANSWERS, false, false, false },
	{ "IPv6", NULL, "", NULL, NULL,
	  "ended", ANSWER, SERVER_ANSWERS, false, false, true },
	{ "plain, closed at once", NULL, "", NULL, NULL,
	  "", "", SERVER_CLOSES, false, false, false },
	{ "the right address", "good", NULL, NULL, "ca.pem",
	  "ended", ANSWER, SERVER_ANSWERS, false, false, false },
	{ "the right name", "good", "api.example", NULL, "ca.pem",
	  "ended", ANSWER, SERVER_ANSWERS, false, false, false },
	{ "expired", "expired", NULL, NULL, "ca.pem",
	  "TLS handshake: certificate has expired", "", SERVER_ANSWERS, false, false, false },
	{ "the wrong name", "wrong", "api.example", NULL, "ca.pem",
	  "TLS handshake: hostname mismatch", "", SERVER_ANSWERS, false, false, false },
	{ "a common name alone", "api.example", "api.example", NULL, "ca.pem",
	  "TLS handshake: hostname mismatch", "", SERVER_ANSWERS, false, false, false },
	{ "the wrong address", "wrong", NULL, NULL, "ca.pem",
	  "TLS handshake: IP address mismatch", "", SERVER_ANSWERS, false, false, false },
	{ "an unknown authority", "unknown", NULL, NULL, "ca.pem",
	  "TLS handshake: unable to get local issuer certificate", "", SERVER_ANSWERS, false, false, false },
	{ "not of the system's", "good", NULL, NULL, NULL,
	  "TLS handshake: unable to get local issuer certificate", "", SERVER_ANSWERS, false, false, false },
	{ "whatever, as nobody looks", "expired", "other", NULL, NULL,
	  "ended", ANSWER, SERVER_ANSWERS, false, true, false },
	{ "a client's certificate", "good", NULL, "client", "ca.pem",
	  "ended", ANSWER, SERVER_ANSWERS, true, false, false },
	{ "that is missing", "good", NULL, NULL, "ca.pem",
	  "connection broke: tlsv13 alert certificate required", "", SERVER_ANSWERS, true, false, false },
	{ "or of a stranger", "good", NULL, "stranger", "ca.pem",
	  "connection broke: tlsv1 alert unknown ca", "", SERVER_ANSWERS, true, false, false },
	{ "no TLS there", NULL, NULL, NULL, "ca.pem",
	  "TLS handshake: wrong version number", "", SERVER_ANSWERS, false, false, false },
	{ "closed at once", NULL, NULL, NULL, "ca.pem",
	  "TLS handshake: ", "", SERVER_CLOSES, false, false, false },
	{ "silence", NULL, NULL, NULL, "ca.pem",
	  "", "", SERVER_HANGS, false, false, false },
	{ "no such CAs", "good", NULL, NULL, "none.pem",
	  "TLS: cannot use the file of CAs '", "", SERVER_ANSWERS, false, false, false },
	{ "a key for CAs", "good", NULL, NULL, "good.key",
	  "TLS: cannot use the file of CAs '", "", SERVER_ANSWERS, false, false, false },
	{ "a folder for CAs", "good", NULL, NULL, "",
	  "TLS: cannot use the file of CAs '", "", SERVER_ANSWERS, false, false, false },
};
// clang-format on

static void run_case(struct loop *l, struct prober *pr, size_t n)
{
	struct server s = { .manner = cases[n].manner,
		.answer = ANSWER,
		.is_v6 = cases[n].is_v6,
		.eager = true };
	const char *name = cases[n].name ? cases[n].name : "127.0.0.1";
	char ca[128], cert[128], key[128], file[64];
	struct net_tls tls = { .on = *name,
		.verify = !cases[n].unverified,
		.server_name = name,
		.alpn = "h2" };
	struct transport_to to = { .address = s.is_v6 ? "::1" : "127.0.0.1",
		.tls = &tls };

	if (cases[n].ca)
		tls.ca_file = tls_path(&world, cases[n].ca, ca);
	if (cases[n].client) {
		(void)snprintf(file, sizeof(file), "%s.pem", cases[n].client);
		tls.cert_file = tls_path(&world, file, cert);
		(void)snprintf(file, sizeof(file), "%s.key", cases[n].client);
		tls.key_file = tls_path(&world, file, key);
	}
	if (cases[n].server) {
		s.tls =
		    tls_server(&world, cases[n].server, cases[n].wants_client);
	}
	server_start(&s, l);
	to.port = s.port;
	struct talk k = talk(l, pr, &to, "hello\n");

	if (strncmp(k.end, cases[n].end, strlen(cases[n].end)) != 0 ||
	    strcmp(k.got, cases[n].got) != 0) {
		fail_msg("%s: '%s', got '%s'", cases[n].why, k.end, k.got);
	}
	if (strcmp(k.end, "ended") == 0 && s.tls)
		assert_true(k.speaks_h2);
	if (cases[n].wants_client)
		assert_true(k.asked);
	if (s.manner == SERVER_HANGS)
		assert_string_equal(k.waiting, "TLS handshake");
	server_stop(&s);
	SSL_CTX_free(s.tls);
}

static void connections_end_as_they_should(void **state)
{
	struct prober pr;
	struct loop l;

	(void)state;
	loop_init(&l);
	prober_start(&pr, &l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
		run_case(&l, &pr, n);
	prober_release(&pr);
	loop_release(&l);
}

static void unix_sockets(void **state)
{
	struct net_tls tls = {
		.on = true, .verify = true, .server_name = "api.example"
	};
	char path[128], ca[128], deep[200];
	struct transport_to to = { .path = tls_path(&world, "sock", path) };
	struct server s = { .answer = ANSWER, .eager = true, .path = to.path };
	struct prober pr;
	struct loop l;

	(void)state;
	tls.ca_file = tls_path(&world, "ca.pem", ca);
	loop_init(&l);
	prober_start(&pr, &l);
	assert_string_equal(talk(&l, &pr, &to, "x").end,
	    "cannot connect: No such file or directory");
	server_start(&s, &l);
	struct talk k = talk(&l, &pr, &to, "x");
	assert_string_equal(k.end, "ended");
	assert_string_equal(k.got, ANSWER);
	s.tls = tls_server(&world, "good", false);
	to.tls = &tls;
	k = talk(&l, &pr, &to, "x");
	assert_string_equal(k.end, "ended");
	assert_string_equal(k.got, ANSWER);
	server_stop(&s);
	SSL_CTX_free(s.tls);

	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	to.path = deep;
	k = talk(&l, &pr, &to, "x");
	assert_non_null(strstr(k.end, "found a path of 199 octets"));
	prober_release(&pr);
	loop_release(&l);
}

/* A backlog that is full is waited for. */
static void a_busy_unix_socket(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct transport_to to = { .path = un.sun_path };
	struct prober pr;
	struct loop l;
	int filler[4];

	(void)state;
	loop_init(&l);
	prober_start(&pr, &l);
	(void)snprintf(
	    un.sun_path, sizeof(un.sun_path), "%s/busy", world.folder);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < 4; i++) {
		filler[i] = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(filler[i], (struct sockaddr *)&un, sizeof(un));
	}
	struct talk k = talk(&l, &pr, &to, NULL);

	assert_string_equal(k.end, "");
	assert_string_equal(k.waiting, "connecting");
	close(accept(fd, NULL, NULL));
	k = talk(&l, &pr, &to, NULL);
	assert_string_equal(k.end, "open");
	for (size_t i = 0; i < 4; i++)
		close(filler[i]);
	close(fd);
	(void)unlink(un.sun_path);
	prober_release(&pr);
	loop_release(&l);
}

/* ---- without a bufferevent -------------------------------------------- */

#define LARGE ((size_t)8 << 20) /* more than any socket takes at once */

/* Reads all of it, some at a time, then answers and closes. */
struct reader {
	struct event *event;
	size_t got;
};

static void on_request(evutil_socket_t fd, short what, void *arg)
{
	struct reader *r = arg;
	static char data[65536];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	(void)what;
	assert_true(n > 0);
	r->got += (size_t)n;
	if (r->got < LARGE)
		return;
	assert_int_equal(send(fd, ANSWER, strlen(ANSWER), MSG_NOSIGNAL),
	    (ssize_t)strlen(ANSWER));
	event_free(r->event);
	r->event = NULL;
	close(fd);
}

static void on_visitor(evutil_socket_t fd, short what, void *arg)
{
	struct reader *r = arg;
	int visitor = accept4(fd, NULL, NULL, SOCK_NONBLOCK);

	(void)what;
	assert_true(visitor >= 0);
	r->event = event_new(event_get_base(r->event), visitor,
	    EV_READ | EV_PERSIST, on_request, r);
	assert_int_equal(event_add(r->event, NULL), 0);
}

static char *large;

static void simple_open(void *arg)
{
	struct talk *k = arg;

	assert_null(transport_bufferevent(k->t));
	transport_write(k->t, large, LARGE);
}

static void simple_readable(void *arg)
{
	struct talk *k = arg;

	while (transport_read(k->t, k->got + strlen(k->got), 5) > 0)
		;
}

static const struct transport_ops simple_ops = { .open = simple_open,
	.readable = simple_readable,
	.ended = on_ended,
	.failed = on_failed };

static void a_simple_one_writes_all_and_reads_all(void **state)
{
	struct sockaddr_in me = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(me);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct reader reader = { 0 };
	struct prober pr;
	struct loop l;
	struct diag why;

	(void)state;
	large = calloc(1, LARGE);
	assert_non_null(large);
	loop_init(&l);
	prober_start(&pr, &l);
	assert_int_equal(bind(fd, (struct sockaddr *)&me, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&me, &len), 0);
	struct event *listening =
	    event_new(l.base, fd, EV_READ, on_visitor, &reader);

	reader.event = listening;
	assert_int_equal(event_add(listening, NULL), 0);
	struct talk k = { .loop = &l };
	const struct transport_to to = { .address = "127.0.0.1",
		.port = ntohs(me.sin_port),
		.speaks_first = true,
		.simple = true };

	assert_int_equal(
	    transport_open(&pr.net, &to, &simple_ops, &k, &k.t, &why), 0);
	assert_true(loop_until(&l, &k.done, 10000));
	assert_string_equal(k.end, "ended");
	assert_string_equal(k.got, ANSWER);
	assert_int_equal(reader.got, LARGE);
	event_free(listening);
	close(fd);
	free(large);
	prober_release(&pr);
	loop_release(&l);
}

static void nobody_listens(void **state)
{
	struct server s = { .manner = SERVER_HANGS };
	struct transport_to to = { .address = "127.0.0.1" };
	struct prober pr;
	struct loop l;

	(void)state;
	loop_init(&l);
	prober_start(&pr, &l);
	server_start(&s, &l);
	server_stop(&s);
	to.port = s.port;
	assert_string_equal(
	    talk(&l, &pr, &to, "x").end, "cannot connect: Connection refused");
	to.address = "nowhere";
	assert_string_equal(
	    talk(&l, &pr, &to, "x").end, "cannot connect: Invalid argument");
	prober_release(&pr);
	loop_release(&l);
}

static int make_world(void **state)
{
	(void)state;
	tls_world_init(&world);
	return 0;
}

static int remove_world(void **state)
{
	(void)state;
	tls_world_release(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_end_as_they_should),
		cmocka_unit_test(unix_sockets),
		cmocka_unit_test(a_busy_unix_socket),
		cmocka_unit_test(a_simple_one_writes_all_and_reads_all),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
