// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * The thread of support_stream.h with TLS, a certificate made for the test,
 * and OpenSSL as the client.
 */
#include "dnsd/transport/tls.h"
#include "tests/unit/dnsd_core/support_stream.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

/* ---- certificates ----------------------------------------------------- */

struct files {
	char dir[64], cert[96], key[96];
};

static inline void write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (cert)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	if (key) {
		assert_int_equal(
		    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	}
	assert_int_equal(fclose(f), 0);
}

static inline X509 *make_certificate(EVP_PKEY *key, const char *name)
{
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, subject);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

/* A new certificate and key over whatever was there. */
static inline void files_write(const struct files *f, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key, name);

	write_pem(f->cert, cert, NULL);
	write_pem(f->key, NULL, key);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static inline void files_init(struct files *f)
{
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/test_tls.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->cert, sizeof(f->cert), "%s/cert.pem", f->dir);
	(void)snprintf(f->key, sizeof(f->key), "%s/key.pem", f->dir);
	files_write(f, "first");
}

static inline void files_release(const struct files *f)
{
	(void)unlink(f->cert);
	(void)unlink(f->key);
	(void)rmdir(f->dir);
}

/* What every test needs. */
struct fixture {
	struct files files;
	struct tls_context *tls;
	struct site *site;
	SSL_CTX *client;
};

static inline void fixture_init(struct fixture *f, int64_t idle_ms)
{
	struct diag diag;

	files_init(&f->files);
	assert_int_equal(
	    tls_context_new(f->files.cert, f->files.key, &f->tls, &diag), 0);
	f->site = site_new_tls(idle_ms, CONNECTIONS, f->tls);
	f->client = SSL_CTX_new(TLS_client_method());
	assert_non_null(f->client);
}

static inline void fixture_release(struct fixture *f)
{
	SSL_CTX_free(f->client);
	site_free(f->site);
	tls_context_free(f->tls);
	files_release(&f->files);
}

/* ---- a client --------------------------------------------------------- */

/* Owns its socket. The handshake is not done yet. */
static inline SSL *start(const struct fixture *f)
{
	SSL *ssl = SSL_new(f->client);

	assert_non_null(ssl);
	assert_int_equal(SSL_set_fd(ssl, client_new(f->site)), 1);
	SSL_set_connect_state(ssl);
	return ssl;
}

static inline void leave(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
}

static inline void tls_say(SSL *ssl, const struct script *s)
{
	assert_int_equal(SSL_write(ssl, s->octets, (int)s->len), (int)s->len);
}

static inline bool tls_read_all(SSL *ssl, uint8_t *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (!SSL_read_ex(ssl, p, len, &n))
			return false;
	}
	return true;
}

static inline void assert_tls_heard(SSL *ssl, uint16_t id, unsigned answer_n)
{
	static uint8_t msg[WIRE_MESSAGE_MAX];
	uint8_t frame[FRAME_LEN];

	assert_true(tls_read_all(ssl, frame, sizeof(frame)));
	assert_true(tls_read_all(ssl, msg, wire_get16(frame)));
	assert_int_equal(wire_get16(msg), id);
	assert_int_equal(msg[3] & WIRE_RCODE, RCODE_NOERROR);
	assert_int_equal(wire_get16(msg + 6), answer_n);
}

static inline void ask_over(SSL *ssl, uint16_t id)
{
	struct script s = { 0 };

	script_ask(&s, "web.svc.test A", id);
	tls_say(ssl, &s);
	script_free(&s);
	assert_tls_heard(ssl, id, 1);
}

static inline void peer_name(const SSL *ssl, char ret_name[32])
{
	X509 *cert = SSL_get1_peer_certificate(ssl);

	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(cert), NID_commonName, ret_name, 32);
	X509_free(cert);
}
