// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tls_support - two authorities, and certificates of all the wrong kinds.
 *
 * Made anew for each program, in a folder of its own that it removes.
 */
#include "support.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define TLS_DAY_S 86400L

struct tls_world {
	char folder[64];
	EVP_PKEY *ca_key, *other_key;
	X509 *ca, *other;
};

static inline const char *tls_path(
    const struct tls_world *w, const char *name, char buf[128])
{
	(void)snprintf(buf, 128, "%s/%s", w->folder, name);
	return buf;
}

static inline void tls_extension(X509 *x, X509 *issuer, int nid, const char *v)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, v);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* issuer NULL: it is an authority, signed by itself. names NULL: none. */
static inline X509 *tls_certificate(EVP_PKEY *key, const char *common,
    const char *names, long from_s, long until_s, X509 *issuer,
    EVP_PKEY *issuer_key)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	assert_int_equal(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), until_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
	tls_extension(x, issuer ? issuer : x, NID_basic_constraints,
	    issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (names)
		tls_extension(x, issuer, NID_subject_alt_name, names);
	assert_true(X509_sign(x, issuer ? issuer_key : key, EVP_sha256()) > 0);
	return x;
}

static inline FILE *tls_create(const struct tls_world *w, const char *name)
{
	char path[128];
	FILE *f = fopen(tls_path(w, name, path), "w");

	assert_non_null(f);
	return f;
}

/* NAME.pem and NAME.key; by the other authority, or by the one trusted. */
static inline void tls_issue(const struct tls_world *w, const char *name,
    const char *names, long from_s, long until_s, bool by_other)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = tls_certificate(key, name, names, from_s, until_s,
	    by_other ? w->other : w->ca, by_other ? w->other_key : w->ca_key);
	char file[64];

	(void)snprintf(file, sizeof(file), "%s.pem", name);
	FILE *f = tls_create(w, file);
	assert_int_equal(PEM_write_X509(f, x), 1);
	(void)fclose(f);
	(void)snprintf(file, sizeof(file), "%s.key", name);
	f = tls_create(w, file);
	assert_int_equal(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

static inline void tls_world_init(struct tls_world *w)
{
	(void)snprintf(
	    w->folder, sizeof(w->folder), "/tmp/rollcall-tls-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	w->ca_key = EVP_EC_gen("P-256");
	w->other_key = EVP_EC_gen("P-256");
	w->ca = tls_certificate(
	    w->ca_key, "Test CA", NULL, -TLS_DAY_S, 30 * TLS_DAY_S, NULL, NULL);
	w->other = tls_certificate(w->other_key, "Other CA", NULL, -TLS_DAY_S,
	    30 * TLS_DAY_S, NULL, NULL);
	FILE *f = tls_create(w, "ca.pem");

	assert_int_equal(PEM_write_X509(f, w->ca), 1);
	(void)fclose(f);
	tls_issue(w, "good", "DNS:api.example,IP:127.0.0.1", -TLS_DAY_S,
	    TLS_DAY_S, false);
	tls_issue(w, "expired", "DNS:api.example,IP:127.0.0.1", -2 * TLS_DAY_S,
	    -TLS_DAY_S, false);
	tls_issue(w, "wrong", "DNS:other.example,IP:192.0.2.1", -TLS_DAY_S,
	    TLS_DAY_S, false);
	tls_issue(w, "unknown", "DNS:api.example,IP:127.0.0.1", -TLS_DAY_S,
	    TLS_DAY_S, true);
	/* for those who look at common names */
	tls_issue(w, "api.example", NULL, -TLS_DAY_S, TLS_DAY_S, false);
	tls_issue(w, "client", NULL, -TLS_DAY_S, TLS_DAY_S, false);
	tls_issue(w, "stranger", NULL, -TLS_DAY_S, TLS_DAY_S, true);
}

static inline void tls_world_release(struct tls_world *w)
{
	static const char *const names[] = { "good", "expired", "wrong",
		"unknown", "api.example", "client", "stranger", "ca", "new" };
	static const char *const ends[] = { "pem", "key" };
	char name[64], path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		for (size_t k = 0; k < 2; k++) {
			(void)snprintf(
			    name, sizeof(name), "%s.%s", names[i], ends[k]);
			(void)unlink(tls_path(w, name, path));
		}
	}
	assert_int_equal(rmdir(w->folder), 0);
	X509_free(w->ca);
	X509_free(w->other);
	EVP_PKEY_free(w->ca_key);
	EVP_PKEY_free(w->other_key);
}

static inline int tls_take_h2(SSL *ssl, const unsigned char **ret_name,
    unsigned char *ret_len, const unsigned char *offered, unsigned len,
    void *arg)
{
	static const unsigned char h2[] = { 2, 'h', '2' };
	unsigned char *name = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&name, ret_len, h2, sizeof(h2), offered,
	        len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

/* For server.tls; of NAME.pem. wants_client: a certificate of ca.pem. */
static inline SSL_CTX *tls_server(
    const struct tls_world *w, const char *name, bool wants_client)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char file[64], path[128];

	assert_non_null(ctx);
	(void)snprintf(file, sizeof(file), "%s.pem", name);
	assert_int_equal(
	    SSL_CTX_use_certificate_chain_file(ctx, tls_path(w, file, path)),
	    1);
	(void)snprintf(file, sizeof(file), "%s.key", name);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(
	                     ctx, tls_path(w, file, path), SSL_FILETYPE_PEM),
	    1);
	SSL_CTX_set_alpn_select_cb(ctx, tls_take_h2, NULL);
	if (wants_client) {
		assert_int_equal(
		    SSL_CTX_load_verify_file(ctx, tls_path(w, "ca.pem", path)),
		    1);
		SSL_CTX_set_verify(ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return ctx;
}
