// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/ca/authority.h"

#include "schema/base/replace.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/conf/node.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ROOT_YEARS 10
#define BACK_MS 300000 /* clocks of others may be late */
#define SERIAL_OCTETS 16

struct authority {
	EVP_PKEY *key;
	X509 *own;
	char *chain; /* PEM of own and those above it, if it is no root */
	char *roots;
};

static int failed(struct diag *reterr, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return diag_set(reterr, -EINVAL, "%s: %s", what, text);
}

static char *bio_text(BIO *b)
{
	char *data;
	long len = BIO_get_mem_data(b, &data);
	char *text = xmalloc((size_t)len + 1);

	memcpy(text, data, (size_t)len);
	text[len] = '\0';
	return text;
}

static BIO *bio_new(void)
{
	BIO *b = BIO_new(BIO_s_mem());

	if (!b)
		abort(); /* out of memory */
	return b;
}

static BIO *bio_of(const char *text)
{
	BIO *b = BIO_new_mem_buf(text, -1);

	if (!b)
		abort(); /* out of memory */
	return b;
}

static char *key_text(EVP_PKEY *key)
{
	BIO *b = bio_new();

	if (!PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL))
		abort();
	char *text = bio_text(b);

	BIO_free(b);
	return text;
}

static char *cert_text(X509 *x)
{
	BIO *b = bio_new();

	if (!PEM_write_bio_X509(b, x))
		abort();
	char *text = bio_text(b);

	BIO_free(b);
	return text;
}

/* ---- a certificate ----------------------------------------------------- */

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = e && X509_add_ext(x, e, -1);

	X509_EXTENSION_free(e);
	return ok;
}

static bool set_serial(X509 *x, char hex[static 2 * SERIAL_OCTETS + 1])
{
	unsigned char raw[SERIAL_OCTETS];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return false;
	raw[0] = (raw[0] & 0x7f) | 0x40; /* positive, and of one length */
	for (unsigned i = 0; i < SERIAL_OCTETS; i++)
		(void)snprintf(hex + (size_t)2 * i, 3, "%02x", raw[i]);
	BIGNUM *n = BN_bin2bn(raw, sizeof(raw), NULL);
	bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));

	BN_free(n);
	return ok;
}

static bool set_times(X509 *x, int64_t from_ms, int64_t until_ms)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), from_ms / 1000) &&
	       ASN1_TIME_set(X509_getm_notAfter(x), until_ms / 1000);
}

static bool set_name(X509_NAME *n, const char *text)
{
	return X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0);
}

/* ---- the authority's own ----------------------------------------------- */

static X509 *make_root(EVP_PKEY *key)
{
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	char serial[2 * SERIAL_OCTETS + 1];
	X509 *x = X509_new();

	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x, serial) &&
	    set_times(x, now_ms - BACK_MS,
	        now_ms + ROOT_YEARS * INT64_C(31557600000)) &&
	    set_name(X509_get_subject_name(x), "Rollcall mesh") &&
	    X509_set_issuer_name(x, X509_get_subject_name(x)) &&
	    X509_set_pubkey(x, key) &&
	    add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_extension(
	        x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    add_extension(x, x, NID_subject_key_identifier, "hash") &&
	    X509_sign(x, key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

static int write_secret(int dir, const char *name, const char *text)
{
	mode_t before = umask(077);
	int r = replace_file(dir, name, text, strlen(text), REPLACE_SURE);

	(void)umask(before);
	return r;
}

static int make_own(struct authority *a, int dir, struct diag *reterr)
{
	a->key = EVP_EC_gen("P-256");
	a->own = a->key ? make_root(a->key) : NULL;
	if (!a->own)
		return failed(reterr, "cannot make a root");
	scoped_free char *key = key_text(a->key);
	scoped_free char *own = cert_text(a->own);
	int r = write_secret(dir, "ca.key", key);

	if (r == 0) {
		r = replace_file(dir, "ca.pem", own, strlen(own), REPLACE_SURE);
	}
	OPENSSL_cleanse(key, strlen(key));
	return r < 0 ? diag_set(reterr, r, "cannot write the authority's key")
	             : 0;
}

static char *read_text(const char *dir, const char *name)
{
	scoped_free char *path = xasprintf("%s/%s", dir, name);
	char *text = NULL;
	size_t len;

	return conf_read_file(path, CA_TEXT_MAX, &text, &len, NULL) < 0 ? NULL
	                                                                : text;
}

static int load_own(
    struct authority *a, const char *key, const char *own, struct diag *reterr)
{
	BIO *b = bio_of(key);

	a->key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	BIO_free(b);
	b = bio_of(own);
	a->own = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	if (!a->key || !a->own)
		return failed(reterr, "cannot read ca.key and ca.pem");
	if (!X509_check_private_key(a->own, a->key))
		return failed(reterr, "ca.key is not that of ca.pem");
	if (X509_check_ca(a->own) < 1) {
		return diag_set(reterr, -EINVAL,
		    "ca.pem is not a certificate of an authority");
	}
	return 0;
}

int authority_open(
    const char *dir, struct authority **ret_a, struct diag *reterr)
{
	struct authority *a = xcalloc(1, sizeof(*a));
	scoped_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_free char *key = read_text(dir, "ca.key");
	char *own = read_text(dir, "ca.pem");
	int r;

	if (fd < 0) {
		r = diag_set(reterr, -errno, "cannot open '%s': %s", dir,
		    strerror(errno));
	} else if (!key && !own) {
		r = make_own(a, fd, reterr);
	} else if (!key || !own) {
		r = diag_set(reterr, -EINVAL,
		    "found one of ca.key and ca.pem in '%s', expected both or "
		    "neither",
		    dir);
	} else {
		r = load_own(a, key, own, reterr);
	}
	if (key)
		OPENSSL_cleanse(key, strlen(key));
	if (r < 0) {
		free(own);
		authority_free(a);
		return r;
	}
	bool is_root = X509_self_signed(a->own, 0) == 1;

	a->roots = read_text(dir, "roots.pem");
	if (!a->roots)
		a->roots = own ? xstrdup(own) : cert_text(a->own);
	a->chain = is_root || !own ? xstrdup("") : xstrdup(own);
	free(own);
	*ret_a = a;
	return 0;
}

void authority_free(struct authority *a)
{
	if (!a)
		return;
	EVP_PKEY_free(a->key);
	X509_free(a->own);
	free(a->chain);
	free(a->roots);
	free(a);
}

const char *authority_roots(const struct authority *a)
{
	return a->roots;
}

/* ---- signing ----------------------------------------------------------- */

static EVP_PKEY *request_key(const char *pem, struct diag *reterr)
{
	char group[32] = "";
	BIO *b = bio_of(pem);
	X509_REQ *q = PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);
	EVP_PKEY *key = q ? X509_REQ_get_pubkey(q) : NULL;

	BIO_free(b);
	if (!key || X509_REQ_verify(q, key) != 1) {
		failed(reterr, "the request is none, or not signed by its key");
		EVP_PKEY_free(key);
		key = NULL;
	} else if (!EVP_PKEY_get_utf8_string_param(
	               key, "group", group, sizeof(group), NULL) ||
	           strcmp(group, "prime256v1") != 0) {
		diag_set(reterr, -EINVAL, "the key is not on P-256");
		EVP_PKEY_free(key);
		key = NULL;
	}
	X509_REQ_free(q);
	return key;
}

static bool fill(struct authority *a, X509 *x, const struct identity *who,
    struct arena *arena)
{
	const char *names =
	    arena_printf(arena, "URI:spiffe://%s/service/%s,DNS:%s.%s",
	        who->zone, who->service, who->service, who->zone);

	return set_name(X509_get_subject_name(x), who->instance) &&
	       X509_set_issuer_name(x, X509_get_subject_name(a->own)) &&
	       add_extension(
	           x, a->own, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(
	           x, a->own, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(
	           x, a->own, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(
	           x, a->own, NID_authority_key_identifier, "keyid:always") &&
	       add_extension(x, a->own, NID_subject_alt_name, names);
}

int authority_sign(struct authority *a, const char *request_pem,
    const struct identity *who, int64_t now_wall_ms, int64_t life_ms,
    struct arena *arena, struct issued *ret_i, struct diag *reterr)
{
	char serial[2 * SERIAL_OCTETS + 1];
	EVP_PKEY *key = request_key(request_pem, reterr);

	if (!key)
		return -EINVAL;
	X509 *x = X509_new();
	bool ok = x && X509_set_version(x, X509_VERSION_3) &&
	          set_serial(x, serial) &&
	          set_times(x, now_wall_ms - BACK_MS, now_wall_ms + life_ms) &&
	          X509_set_pubkey(x, key) && fill(a, x, who, arena) &&
	          X509_sign(x, a->key, EVP_sha256());

	EVP_PKEY_free(key);
	if (!ok) {
		X509_free(x);
		return failed(reterr, "cannot sign");
	}
	scoped_free char *text = cert_text(x);

	X509_free(x);
	*ret_i = (struct issued){
		.pem = arena_printf(arena, "%s%s", text, a->chain),
		.serial = arena_strdup(arena, serial),
		.until_wall_ms = now_wall_ms + life_ms,
	};
	return 0;
}

int authority_request(struct arena *a, const char **ret_key_pem,
    const char **ret_request_pem, struct diag *reterr)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *q = X509_REQ_new();
	BIO *b = bio_new();
	int r = 0;

	if (!key || !q || !X509_REQ_set_pubkey(q, key) ||
	    !X509_REQ_sign(q, key, EVP_sha256()) ||
	    !PEM_write_bio_X509_REQ(b, q)) {
		r = failed(reterr, "cannot make a request");
	} else {
		scoped_free char *request = bio_text(b);
		scoped_free char *secret = key_text(key);

		*ret_request_pem = arena_strdup(a, request);
		*ret_key_pem = arena_strdup(a, secret);
		OPENSSL_cleanse(secret, strlen(secret));
	}
	BIO_free(b);
	X509_REQ_free(q);
	EVP_PKEY_free(key);
	return r;
}

static int64_t wall_ms_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) * 1000 : 0;
}

int authority_read_times(
    const char *pem, int64_t *ret_from_wall_ms, int64_t *ret_until_wall_ms)
{
	BIO *b = bio_of(pem);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	BIO_free(b);
	if (!x) {
		ERR_clear_error();
		return -EINVAL;
	}
	*ret_from_wall_ms = wall_ms_of(X509_get0_notBefore(x)) + BACK_MS;
	*ret_until_wall_ms = wall_ms_of(X509_get0_notAfter(x));
	X509_free(x);
	return 0;
}
