// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/tls_cache.h"
#include "tls_support.h"

#include <sys/stat.h>

static struct tls_world world;

static void copy(const char *from, const char *to)
{
	char a[128], b[128], c[128], text[8192];
	FILE *in = fopen(tls_path(&world, from, a), "r");
	FILE *out = tls_create(&world, "new");

	assert_non_null(in);
	size_t n = fread(text, 1, sizeof(text), in);

	assert_int_equal(fwrite(text, 1, n, out), n);
	(void)fclose(in);
	(void)fclose(out);
	assert_int_equal(
	    rename(tls_path(&world, "new", b), tls_path(&world, to, c)), 0);
}

/* The common name of the certificate that a session would show; or why not. */
static const char *ask(
    struct tls_cache *tc, const struct net_tls *tls, int64_t now_ms)
{
	static char name[DIAG_MAX];
	struct diag why;
	SSL *ssl;

	tls_cache_refresh(tc, tls, now_ms);
	if (tls_cache_session(tc, tls, &ssl, &why) < 0) {
		(void)snprintf(name, sizeof(name), "%s", why.text);
		return name;
	}
	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(SSL_get_certificate(ssl)), NID_commonName,
	    name, sizeof(name));
	SSL_free(ssl);
	return name;
}

static void files_are_read_again(void **state)
{
	char cert[128], key[128];
	const struct net_tls tls = { .on = true,
		.verify = true,
		.server_name = "api.example",
		.cert_file = tls_path(&world, "new.pem", cert),
		.key_file = tls_path(&world, "new.key", key) };
	struct tls_cache *tc = tls_cache_new();

	(void)state;
	assert_non_null(
	    strstr(ask(tc, &tls, 0), "/new.pem': No such file or directory"));
	copy("client.pem", "new.pem");
	copy("client.key", "new.key");
	/* not before they were seen twice */
	assert_non_null(strstr(ask(tc, &tls, 999), "cannot use"));
	assert_non_null(strstr(ask(tc, &tls, 1000), "cannot use"));
	assert_non_null(strstr(ask(tc, &tls, 1999), "cannot use"));
	assert_string_equal(ask(tc, &tls, 2000), "client");

	/* the old ones are good until the new ones are both there */
	copy("stranger.pem", "new.pem");
	assert_string_equal(ask(tc, &tls, 3000), "client");
	copy("stranger.key", "new.key");
	assert_string_equal(ask(tc, &tls, 4000), "client");
	assert_string_equal(ask(tc, &tls, 5000), "stranger");

	/* one that stays alone is no good */
	copy("client.pem", "new.pem");
	assert_string_equal(ask(tc, &tls, 6000), "stranger");
	assert_non_null(strstr(ask(tc, &tls, 7000), "key values mismatch"));
	assert_non_null(strstr(ask(tc, &tls, 8000), "key values mismatch"));
	copy("client.key", "new.key");
	assert_non_null(strstr(ask(tc, &tls, 9000), "key values mismatch"));
	assert_string_equal(ask(tc, &tls, 10000), "client");

	assert_int_equal(chmod(key, 0640), 0);
	assert_int_equal(unlink(key), 0);
	assert_string_equal(ask(tc, &tls, 11000), "client");
	assert_non_null(strstr(ask(tc, &tls, 12000), "No such file"));
	tls_cache_free(tc);
}

static void keys_without_anybody_to_ask(void **state)
{
	char cert[128], key[128], path[128];
	const struct net_tls tls = { .on = true,
		.server_name = "x",
		.cert_file = tls_path(&world, "client.pem", cert),
		.key_file = tls_path(&world, "new.key", key) };
	struct tls_cache *tc = tls_cache_new();
	FILE *in = fopen(tls_path(&world, "client.key", path), "r");
	EVP_PKEY *pkey = PEM_read_PrivateKey(in, NULL, NULL, NULL);
	FILE *out = tls_create(&world, "new.key");

	(void)state;
	(void)fclose(in);
	assert_int_equal(PEM_write_PrivateKey(out, pkey, EVP_aes_128_cbc(),
	                     (const unsigned char *)"1234", 4, NULL, NULL),
	    1);
	(void)fclose(out);
	EVP_PKEY_free(pkey);
	assert_non_null(strstr(ask(tc, &tls, 0), "it needs a passphrase"));
	tls_cache_free(tc);
}

/* Of many the one unused for the longest gives way. */
static void there_is_an_end_to_them(void **state)
{
	char cert[128], key[128], ca[128];
	struct net_tls tls = { .on = true,
		.server_name = "x",
		.cert_file = tls_path(&world, "client.pem", cert),
		.key_file = tls_path(&world, "client.key", key) };
	struct tls_cache *tc = tls_cache_new();

	(void)state;
	for (int i = 0; i < TLS_CACHE_MAX + 10; i++) {
		(void)snprintf(ca, sizeof(ca), "%s/none-%d", world.folder, i);
		tls.ca_file = ca;
		assert_non_null(strstr(ask(tc, &tls, 0), "No such file"));
		tls.ca_file = NULL;
		assert_string_equal(ask(tc, &tls, 0), "client");
	}
	tls_cache_free(tc);
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
		cmocka_unit_test(files_are_read_again),
		cmocka_unit_test(keys_without_anybody_to_ask),
		cmocka_unit_test(there_is_an_end_to_them),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
