// SPDX-License-Identifier: BSD-2-Clause
/* tcp and http checks against servers with TLS, right and wrong. */
#include "tls_support.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define ANY "HTTP/1.1 200 OK\r\n\r\n" /* up to the end */
/* 120 octets more, so 2.4 s in dribs */
#define LONG                                                                   \
	"HTTP/1.1 200 OK\r\nX-Long: "                                          \
	"........................................"                             \
	"........................................"                             \
	"........................................\r\n"                         \
	"Content-Length: 0\r\n\r\n"
#define TIMEOUT_MS 800

static struct tls_world world;
static const struct check_range ok_range = { 200, 299 };

enum what { HTTP, TALK, SHAKE }; /* an http check, a tcp check, without words */

// clang-format off
static const struct {
	const char *why;
	const char *server; /* its certificate; NULL: no TLS */
	const char *name;   /* NULL: 127.0.0.1 */
	const char *client; /* our certificate, or NULL */
	const char *answer;
	const char *details[3]; /* how each begins; NULL: as the one before */
	enum verdict verdict;
	enum manner manner;
	size_t filler_len;
	bool wants_client;
} cases[] = {
	{ "all is well", "good", NULL, NULL, OK,
	  { "200 OK", "40 octets: HTTP", "connected with TLS" }, VERDICT_PASS, SERVER_ANSWERS, 0, false },
	{ "by name too", "good", "api.example", NULL, OK,
	  { "200 OK", "40 octets: HTTP", "connected with TLS" }, VERDICT_PASS, SERVER_ANSWERS, 0, false },
	{ "up to an end without close_notify", "good", NULL, NULL, ANY,
	  { "200 OK", "19 octets: HTTP", "connected with TLS" }, VERDICT_PASS, SERVER_ANSWERS, 0, false },
	{ "10 MB", "good", NULL, NULL, ANY,
	  { "200 OK", "", "connected with TLS" }, VERDICT_PASS, SERVER_ANSWERS, 10000000, false },
	{ "expired", "expired", NULL, NULL, OK,
	  { "TLS handshake: certificate has expired", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, false },
	{ "the wrong name", "wrong", "api.example", NULL, OK,
	  { "TLS handshake: hostname mismatch", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, false },
	{ "the wrong address", "wrong", NULL, NULL, OK,
	  { "TLS handshake: IP address mismatch", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, false },
	{ "an unknown authority", "unknown", NULL, NULL, OK,
	  { "TLS handshake: unable to get local issuer", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, false },
	{ "a client's certificate", "good", NULL, "client", OK,
	  { "200 OK", "40 octets: HTTP", "connected with TLS" }, VERDICT_PASS, SERVER_ANSWERS, 0, true },
	{ "is missing", "good", NULL, NULL, OK,
	  { "connection broke: tlsv13 alert certificate required", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, true },
	{ "is of a stranger", "good", NULL, "stranger", OK,
	  { "connection broke: tlsv1 alert unknown ca", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, true },
	{ "plain text", NULL, NULL, NULL, OK,
	  { "TLS handshake: wrong version number", NULL, NULL }, VERDICT_FAIL, SERVER_ANSWERS, 0, false },
	{ "closed at once", "good", NULL, NULL, NULL,
	  { "TLS handshake: ", NULL, NULL }, VERDICT_FAIL, SERVER_CLOSES, 0, false },
	{ "no TLS, no word", NULL, NULL, NULL, NULL,
	  { "timed out after 800 ms, TLS handshake", NULL, NULL }, VERDICT_FAIL, SERVER_HANGS, 0, false },
	{ "garbage within", "good", NULL, NULL, "what?\r\n\r\n",
	  { "the answer is not HTTP", "closed after 9 octets that do not match", "" }, VERDICT_FAIL, SERVER_ANSWERS, 0, false },
	{ "dribs", "good", NULL, NULL, LONG,
	  { "timed out after 800 ms, ", NULL, "" }, VERDICT_FAIL, SERVER_DRIBBLES, 0, false },
	{ "silence", "good", NULL, NULL, NULL,
	  { "timed out after 800 ms, no answer", NULL, "" }, VERDICT_FAIL, SERVER_HANGS, 0, false },
};
// clang-format on

struct paths {
	char ca[128], cert[128], key[128];
};

static struct net_tls make_tls(
    const char *name, const char *client, struct paths *p)
{
	struct net_tls tls = { .on = true,
		.verify = true,
		.server_name = name ? name : "127.0.0.1",
		.ca_file = tls_path(&world, "ca.pem", p->ca) };
	char file[64];

	if (client) {
		(void)snprintf(file, sizeof(file), "%s.pem", client);
		tls.cert_file = tls_path(&world, file, p->cert);
		(void)snprintf(file, sizeof(file), "%s.key", client);
		tls.key_file = tls_path(&world, file, p->key);
	}
	return tls;
}

static struct check_spec make_spec(
    enum what what, int port, const struct net_tls *tls)
{
	static const char request[] = "hello\r\n\r\n";
	struct check_spec spec = { .name = "x-1",
		.kind = what == HTTP ? CHECK_HTTP : CHECK_TCP,
		.interval_ms = 1000,
		.timeout_ms = TIMEOUT_MS,
		.rise = 1,
		.fall = 1 };

	if (what == HTTP) {
		spec.http = (struct check_http){ .url = "",
			.address = "127.0.0.1",
			.port = port,
			.host = "api.example",
			.target = "/",
			.method = "GET",
			.status = { &ok_range, 1 },
			.tls = *tls };
		return spec;
	}
	spec.tcp = (struct check_tcp){
		.to = "", .address = "127.0.0.1", .port = port, .tls = *tls
	};
	if (what == TALK) {
		spec.tcp.send =
		    (struct check_payload){ request, sizeof(request) - 1 };
		spec.tcp.expect = "^HTTP/1.1 200 OK\r\n.*(hi|\r\n)";
	}
	return spec;
}

static const char *expected_detail(size_t n, enum what what)
{
	const char *const *all = cases[n].details;
	const char *detail = all[HTTP];

	if (what != HTTP && all[TALK])
		detail = all[TALK];
	if (what == SHAKE && all[SHAKE])
		detail = all[SHAKE];
	return detail;
}

static void run_case(struct loop *l, size_t n, enum what what)
{
	struct server s = { .manner = cases[n].manner,
		.answer = cases[n].answer,
		.filler_len = cases[n].filler_len,
		.eager = !cases[n].server };
	const char *detail = expected_detail(n, what);
	struct paths paths;
	int64_t took_ms;

	if (what == SHAKE && !*detail)
		return; /* it has no words to be judged */
	struct net_tls tls = make_tls(cases[n].name, cases[n].client, &paths);

	if (cases[n].server) {
		s.tls =
		    tls_server(&world, cases[n].server, cases[n].wants_client);
	}
	server_start(&s, l);
	struct check_spec spec = make_spec(what, s.port, &tls);
	bool late = strstr(detail, "timed out");

	/* the others have the time that a busy machine takes */
	spec.timeout_ms = late ? TIMEOUT_MS : 8000;
	struct outcome o = probe_once(l, &spec, &took_ms);

	if (o.verdict != cases[n].verdict ||
	    strncmp(o.detail, detail, strlen(detail)) != 0) {
		fail_msg("%s (%d): verdict %d, '%s'", cases[n].why, (int)what,
		    (int)o.verdict, o.detail);
	}
	if (late && (took_ms < TIMEOUT_MS || took_ms > TIMEOUT_MS + 1100)) {
		fail_msg("%s (%d): took %lld ms", cases[n].why, (int)what,
		    (long long)took_ms);
	}
	server_stop(&s);
	SSL_CTX_free(s.tls);
}

static void servers_are_judged(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		run_case(&l, n, HTTP);
		run_case(&l, n, TALK);
		run_case(&l, n, SHAKE);
	}
	loop_release(&l);
}

static const char *seen_name; /* by SNI; of the last connection */

static int on_name(SSL *ssl, int *alert, void *arg)
{
	(void)alert;
	(void)arg;
	seen_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
	                ? "a name"
	                : NULL;
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 6066 section 3: no addresses in SNI. */
static void names_alone_are_told(void **state)
{
	static const char *const names[] = { NULL, "api.example" };
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t i = 0; i < 2; i++) {
		struct server s = { .answer = OK,
			.tls = tls_server(&world, "good", false) };
		struct paths paths;
		struct net_tls tls = make_tls(names[i], NULL, &paths);

		SSL_CTX_set_tlsext_servername_callback(s.tls, on_name);
		server_start(&s, &l);
		struct check_spec spec = make_spec(HTTP, s.port, &tls);

		seen_name = "nothing yet";
		assert_int_equal(
		    probe_once(&l, &spec, NULL).verdict, VERDICT_PASS);
		if (names[i]) {
			assert_string_equal(seen_name, "a name");
		} else {
			assert_null(seen_name);
		}
		server_stop(&s);
		SSL_CTX_free(s.tls);
	}
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
		cmocka_unit_test(servers_are_judged),
		cmocka_unit_test(names_alone_are_told),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
