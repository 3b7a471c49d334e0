// SPDX-License-Identifier: BSD-2-Clause
/*
 * DNS over TLS (RFC 7858) with OpenSSL as the client, over real sockets.
 */
#include "tests/unit/dnsd_core/support_tls.h"

/* ---- those that behave ------------------------------------------------ */

static void test_pipelined(void **state)
{
	static const struct {
		const char *why, *question;
		int version, requests, step;
		unsigned answer_n;
	} cases[] = {
		{ "1.3, many to a record", "web.svc.test A", TLS1_3_VERSION,
		    3000, 300, 1 },
		{ "1.2, many to a record", "web.svc.test A", TLS1_2_VERSION,
		    3000, 300, 1 },
		{ "a record each", "web.svc.test A", TLS1_3_VERSION, 3000, 1,
		    1 },
		{ "answers of several records", "_big._tcp.svc.test SRV",
		    TLS1_3_VERSION, 300, 100, BIG_N },
		{ "the same, 1.2", "_big._tcp.svc.test SRV", TLS1_2_VERSION,
		    300, 100, BIG_N },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		SSL *ssl = start(&f);
		int asked = 0;

		print_message("%s\n", cases[k].why);
		SSL_set_max_proto_version(ssl, cases[k].version);
		while (asked < cases[k].requests) {
			struct script s = { 0 };

			for (int i = 0; i < cases[k].step; i++) {
				script_ask(
				    &s, cases[k].question, (uint16_t)asked++);
			}
			tls_say(ssl, &s);
			script_free(&s);
		}
		assert_int_equal(SSL_version(ssl), cases[k].version);
		for (int i = 0; i < asked; i++)
			assert_tls_heard(ssl, (uint16_t)i, cases[k].answer_n);
		leave(ssl);
	}
	fixture_release(&f);
}

/* close_notify ends what the client says, not what it is told. */
static void test_half_closed(void **state)
{
	enum { REQUESTS = 300 };
	struct script s = { 0 };
	struct fixture f;
	uint8_t octet;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	SSL *ssl = start(&f);
	for (int i = 0; i < REQUESTS; i++)
		script_ask(&s, "_big._tcp.svc.test SRV", (uint16_t)i);
	tls_say(ssl, &s);
	(void)SSL_shutdown(ssl);
	for (int i = 0; i < REQUESTS; i++)
		assert_tls_heard(ssl, (uint16_t)i, BIG_N);
	int n = SSL_read(ssl, &octet, 1);
	assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
	leave(ssl);
	script_free(&s);
	fixture_release(&f);
}

/* Every record comes in pieces, each octet on its own. */
static void test_octet_by_octet(void **state)
{
	struct fixture f;
	BIO *inner, *outer;
	uint8_t octets[4096];

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	SSL *ssl = SSL_new(f.client);
	scoped_fd int fd = client_new(f.site);
	assert_int_equal(BIO_new_bio_pair(&inner, 0, &outer, 0), 1);
	SSL_set_bio(ssl, inner, inner);
	SSL_set_connect_state(ssl);
	while (SSL_do_handshake(ssl) != 1) {
		int n = BIO_read(outer, octets, sizeof(octets));

		for (int i = 0; i < n; i++)
			assert_int_equal(send(fd, octets + i, 1, 0), 1);
		if (n <= 0) {
			ssize_t got = recv(fd, octets, sizeof(octets), 0);

			assert_true(got > 0);
			BIO_write(outer, octets, (int)got);
		}
	}
	int n = BIO_read(outer, octets, sizeof(octets));
	for (int i = 0; i < n; i++)
		assert_int_equal(send(fd, octets + i, 1, 0), 1);
	wait_count(f.site, STAT_TLS_CONNECTIONS, 1);
	SSL_free(ssl);
	BIO_free(outer);
	fixture_release(&f);
}

static void test_resumed(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct fixture f;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	for (size_t k = 0; k < 2; k++) {
		SSL *ssl = start(&f);

		SSL_set_max_proto_version(ssl, versions[k]);
		ask_over(ssl, 1);
		assert_false(SSL_session_reused(ssl));
		SSL_SESSION *session = SSL_get1_session(ssl);
		SSL_shutdown(ssl);
		leave(ssl);
		ssl = start(&f);
		SSL_set_max_proto_version(ssl, versions[k]);
		assert_int_equal(SSL_set_session(ssl, session), 1);
		ask_over(ssl, 2);
		assert_true(SSL_session_reused(ssl));
		leave(ssl);
		SSL_SESSION_free(session);
		wait_count(f.site, STAT_TLS_RESUMED, k + 1);
	}
	fixture_release(&f);
}

static void test_alpn(void **state)
{
	static const struct {
		const char *why;
		const char *offer;
		unsigned len;
		bool accepted;
	} cases[] = {
		{ "none offered", "", 0, true },
		{ "dot", "\3dot", 4, true },
		{ "dot among others", "\2h2\3dot", 7, true },
		{ "no dot: another protocol's client", "\2h2", 3, false },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		SSL *ssl = start(&f);
		const unsigned char *got;
		unsigned len;

		print_message("%s\n", cases[k].why);
		SSL_set_alpn_protos(
		    ssl, (const void *)cases[k].offer, cases[k].len);
		assert_int_equal(SSL_do_handshake(ssl) == 1, cases[k].accepted);
		SSL_get0_alpn_selected(ssl, &got, &len);
		assert_int_equal(
		    len, cases[k].accepted && cases[k].len ? 3 : 0);
		leave(ssl);
	}
	fixture_release(&f);
}

static void test_old_versions(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	SSL *ssl = start(&f);
	SSL_set_security_level(ssl, 0);
	SSL_set_min_proto_version(ssl, TLS1_VERSION);
	SSL_set_max_proto_version(ssl, TLS1_1_VERSION);
	assert_int_not_equal(SSL_do_handshake(ssl), 1);
	leave(ssl);
	wait_count(f.site, STAT_TLS_FAILED, 1);
	fixture_release(&f);
}

/* ---- those that do not ------------------------------------------------ */

static void test_no_tls_at_all(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	scoped_fd int fd = client_new(f.site);
	ask_one(fd, "web.svc.test A", 1);
	for (uint8_t octet; recv(fd, &octet, 1, 0) == 1;)
		; /* the alert */
	wait_count(f.site, STAT_TLS_FAILED, 1);
	fixture_release(&f);
}

/* A record that was tampered with ends the connection. */
static void test_broken_record(void **state)
{
	static const uint8_t record[] = { 23, 3, 3, 0, 32, 1, 2, 3, 4, 5, 6, 7,
		8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
		24, 25, 26, 27, 28, 29, 30, 31, 32 };
	struct fixture f;
	uint8_t octet;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	SSL *ssl = start(&f);
	ask_over(ssl, 1);
	assert_int_equal(send(SSL_get_fd(ssl), record, sizeof(record), 0),
	    (ssize_t)sizeof(record));
	assert_true(SSL_read(ssl, &octet, 1) <= 0);
	wait_count(f.site, STAT_TLS_FAILED, 1);
	leave(ssl);
	fixture_release(&f);
}

/* A handshake that does not come to an end is an idle connection. */
static void test_slow_handshake(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 300);
	scoped_fd int fd = client_new(f.site);
	assert_int_equal(send(fd, "\x16\3\1\2", 4, 0), 4);
	assert_true(is_closed(fd, PATIENCE_MS));
	wait_count(f.site, STAT_TCP_EXPIRED, 1);
	fixture_release(&f);
}

/* An idle client is told that it is not cut off by somebody else. */
static void test_idle_is_told(void **state)
{
	struct fixture f;
	uint8_t octet;

	(void)state;
	fixture_init(&f, 300);
	SSL *ssl = start(&f);
	ask_over(ssl, 1);
	int n = SSL_read(ssl, &octet, 1);
	assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
	leave(ssl);
	fixture_release(&f);
}

static void test_never_reads(void **state)
{
	struct script s = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f, 1500);
	SSL *ssl = start(&f);
	for (uint16_t i = 0; i < 400; i++)
		script_ask(&s, "_big._tcp.svc.test SRV", i);
	tls_say(ssl, &s);
	wait_count(f.site, STAT_TCP_EXPIRED, 1);
	/* as many as the sockets hold, not all that were asked for */
	assert_true(counted(f.site, STAT_TLS_REQUESTS) < 400);
	leave(ssl);
	script_free(&s);
	fixture_release(&f);
}

static void test_drain(void **state)
{
	/* several turns of output, and little of STREAM_DRAIN_MS */
	enum { REQUESTS = 40 };
	struct script s = { 0 };
	struct fixture f;
	uint8_t octet;

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	SSL *ssl = start(&f);
	for (int i = 0; i < REQUESTS; i++)
		script_ask(&s, "_big._tcp.svc.test SRV", (uint16_t)i);
	tls_say(ssl, &s);
	wait_count(f.site, STAT_TLS_REQUESTS, 1);
	stream_drain(f.site->stream);
	for (int i = 0; i < REQUESTS; i++)
		assert_tls_heard(ssl, (uint16_t)i, BIG_N);
	int n = SSL_read(ssl, &octet, 1);
	assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
	leave(ssl);
	script_free(&s);
	fixture_release(&f);
}

/* ---- certificates that change ----------------------------------------- */

static void test_reload(void **state)
{
	struct fixture f;
	struct diag diag;
	char name[32];

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	SSL *before = start(&f);
	ask_over(before, 1);
	peer_name(before, name);
	assert_string_equal(name, "first");
	files_write(&f.files, "second");
	assert_int_equal(
	    tls_context_load(f.tls, f.files.cert, f.files.key, &diag), 0);
	SSL *after = start(&f);
	ask_over(after, 2);
	peer_name(after, name);
	assert_string_equal(name, "second");
	ask_over(before, 3); /* it goes on with what it has */
	leave(before);
	leave(after);
	fixture_release(&f);
}

static void test_bad_files(void **state)
{
	enum damage { ABSENT_CERT, ABSENT_KEY, NO_PEM, OTHER_KEY, SECRET };
	static const struct {
		enum damage damage;
		const char *expected;
	} cases[] = {
		{ ABSENT_CERT, "cannot use the certificate '" },
		{ ABSENT_KEY, "key.pem': No such file or directory" },
		{ NO_PEM, "cert.pem': no start line" },
		{ OTHER_KEY, "key.pem': key values mismatch" },
		{ SECRET, "key.pem': it needs a passphrase" },
	};
	struct fixture f;
	struct diag diag;
	char name[32];

	(void)state;
	fixture_init(&f, IDLE_LONG_MS);
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		FILE *file;

		files_write(&f.files, "bad");
		switch (cases[k].damage) {
		case ABSENT_CERT:
			(void)unlink(f.files.cert);
			break;
		case ABSENT_KEY:
			(void)unlink(f.files.key);
			break;
		case NO_PEM:
			assert_int_equal(truncate(f.files.cert, 5), 0);
			break;
		case OTHER_KEY:
			write_pem(f.files.key, NULL, key);
			break;
		case SECRET:
			file = fopen(f.files.key, "w");
			PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(),
			    (const unsigned char *)"x", 1, NULL, NULL);
			(void)fclose(file);
		}
		EVP_PKEY_free(key);
		diag.text[0] = '\0';
		assert_int_equal(
		    tls_context_load(f.tls, f.files.cert, f.files.key, &diag),
		    -EINVAL);
		print_message("%s\n", diag.text);
		assert_non_null(strstr(diag.text, cases[k].expected));
	}
	SSL *ssl = start(&f);
	ask_over(ssl, 1);
	peer_name(ssl, name);
	assert_string_equal(name, "first");
	leave(ssl);
	fixture_release(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_octet_by_octet),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_no_tls_at_all),
		cmocka_unit_test(test_broken_record),
		cmocka_unit_test(test_slow_handshake),
		cmocka_unit_test(test_idle_is_told),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_bad_files),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without asking */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
