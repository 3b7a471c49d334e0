// SPDX-License-Identifier: BSD-2-Clause
/*
 * An entry is its three paths and what was made of them. A file is known by
 * a stamp: what stat(2) says of it, so a change of its mode counts too. When
 * files cannot be used, that is kept like an SSL_CTX: it is what checks are
 * told until the files change. What was good stays in use while files are
 * being replaced.
 *
 * Without a file of CAs those of the system are trusted, by OpenSSL's paths
 * and SSL_CERT_FILE, SSL_CERT_DIR. It looks certificates up in the directory
 * when it needs them for the first time.
 *
 * Sessions are not resumed: then the certificate would not be seen again.
 */
#include "registrar/net/tls_cache.h"

#include "registrar/lib/budget.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#define FILE_MAX (4 << 20) /* octets; Debian's CAs are 200 KiB */

/* The order of struct entry's paths and stamps. */
enum { CA, CERT, KEY, PATH_N };

static const char *const names[] = { "file of CAs", "certificate", "key" };

struct stamp {
	int error; /* errno of stat(2), 0: none */
	dev_t dev;
	ino_t ino;
	mode_t mode;
	off_t size;
	struct timespec modified, changed;
};

struct entry {
	TAILQ_ENTRY(entry) link;
	unsigned users; /* threads that are at it */
	/* whoever looks at its files; ctx and why are under the cache's */
	pthread_mutex_t looking;
	bool looked;
	char *paths[PATH_N];         /* NULL: none */
	struct stamp loaded[PATH_N]; /* of what ctx or why came from */
	struct stamp last[PATH_N];   /* of the last look */
	int64_t looked_ms;
	SSL_CTX *ctx; /* NULL: it cannot be made */
	int error;    /* -E..: why not */
	struct diag why;
};

TAILQ_HEAD(entry_list, entry);

struct tls_cache {
	pthread_mutex_t lock;
	unsigned refs;
	struct entry_list entries; /* the last one used comes first */
	unsigned n;
};

/* ---- files ------------------------------------------------------------ */

/* The system's certificates: its directory changes with each of them. */
static const char *system_path(void)
{
	const char *file = getenv(X509_get_default_cert_file_env());
	const char *dir = getenv(X509_get_default_cert_dir_env());

	return file ? file : dir ? dir : X509_get_default_cert_dir();
}

static void look(const struct entry *e, struct stamp ret_stamps[PATH_N])
{
	memset(ret_stamps, 0, PATH_N * sizeof(*ret_stamps));
	for (size_t i = 0; i < PATH_N; i++) {
		const char *path = e->paths[i];
		struct stamp *s = &ret_stamps[i];
		struct stat st;

		if (i == CA && !path)
			path = system_path();
		if (!path)
			continue;
		if (stat(path, &st) < 0) {
			s->error = errno;
			continue;
		}
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		s->mode = st.st_mode;
		s->size = st.st_size;
		s->modified = st.st_mtim;
		s->changed = st.st_ctim;
	}
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
	for (size_t i = 0; i < PATH_N; i++) {
		if (a[i].error != b[i].error || a[i].dev != b[i].dev ||
		    a[i].ino != b[i].ino || a[i].mode != b[i].mode ||
		    a[i].size != b[i].size ||
		    !same_time(&a[i].modified, &b[i].modified) ||
		    !same_time(&a[i].changed, &b[i].changed))
			return false;
	}
	return true;
}

/* OpenSSL would wait for somebody to write into a FIFO. */
static int check_file(const struct entry *e, size_t i, struct diag *reterr)
{
	const struct stamp *s = &e->loaded[i];

	if (!e->paths[i])
		return 0;
	if (s->error) {
		return diag_set(reterr, -s->error, "cannot use the %s '%s': %s",
		    names[i], e->paths[i], strerror(s->error));
	}
	if (!S_ISREG(s->mode) || s->size > FILE_MAX) {
		return diag_set(reterr, -EINVAL,
		    "cannot use the %s '%s': expected a file of at most %d MiB",
		    names[i], e->paths[i], FILE_MAX >> 20);
	}
	return 0;
}

/* ---- reading them ----------------------------------------------------- */

/* A key under a passphrase is an error: nobody is there to be asked. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	bool *asked = arg;

	(void)buf;
	(void)size;
	(void)writing;
	*asked = true;
	return -1;
}

static int fail(const struct entry *e, size_t i, struct diag *reterr)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);
	int r = -EINVAL;

	if (ERR_SYSTEM_ERROR(error)) {
		r = -ERR_GET_REASON(error);
		reason = strerror(-r);
	} else if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
		r = -ENOMEM;
	}
	ERR_clear_error();
	return diag_set(reterr, r, "cannot use the %s '%s': %s", names[i],
	    e->paths[i], reason ? reason : "it holds none");
}

static int load_own(SSL_CTX *ctx, const struct entry *e, struct diag *reterr)
{
	bool asked = false;

	if (!e->paths[CERT])
		return 0;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
	if (SSL_CTX_use_certificate_chain_file(ctx, e->paths[CERT]) != 1)
		return fail(e, CERT, reterr);
	int taken =
	    SSL_CTX_use_PrivateKey_file(ctx, e->paths[KEY], SSL_FILETYPE_PEM);

	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (taken != 1 && asked) {
		ERR_clear_error();
		return diag_set(reterr, -EINVAL,
		    "cannot use the key '%s': it needs a passphrase, expected "
		    "one without",
		    e->paths[KEY]);
	}
	/* does it fit the certificate, too? */
	return taken == 1 ? 0 : fail(e, KEY, reterr);
}

static int load_trusted(
    SSL_CTX *ctx, const struct entry *e, struct diag *reterr)
{
	if (!e->paths[CA]) {
		/* none at all is told by each verification */
		(void)SSL_CTX_set_default_verify_paths(ctx);
		ERR_clear_error();
		return 0;
	}
	if (SSL_CTX_load_verify_file(ctx, e->paths[CA]) != 1)
		return fail(e, CA, reterr);
	/* whatever is in the file is trusted, whoever issued it */
	X509_STORE_set_flags(
	    SSL_CTX_get_cert_store(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

static int load(const struct entry *e, SSL_CTX **ret_ctx, struct diag *reterr)
{
	int r = 0;

	for (size_t i = 0; i < PATH_N && r == 0; i++)
		r = check_file(e, i, reterr);
	if (r < 0)
		return r;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx)
		abort(); /* out of memory */
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	/* many close without a word; a length tells what is missing */
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	r = load_trusted(ctx, e, reterr);
	if (r == 0)
		r = load_own(ctx, e, reterr);
	if (r < 0) {
		SSL_CTX_free(ctx);
		return r;
	}
	*ret_ctx = ctx;
	return 0;
}

/* What there was stays while we are short of what it takes to read it. */
static void reload(struct tls_cache *tc, struct entry *e)
{
	SSL_CTX *ctx = NULL, *was = NULL;
	struct diag why;
	int error = load(e, &ctx, &why);

	pthread_mutex_lock(&tc->lock);
	e->error = error;
	if (error < 0)
		e->why = why;
	if (!budget_is_short(error) || !e->ctx) {
		was = e->ctx;
		e->ctx = ctx;
	}
	pthread_mutex_unlock(&tc->lock);
	SSL_CTX_free(was);
}

/* ---- entries ---------------------------------------------------------- */

static struct entry *entry_new(const struct net_tls *tls)
{
	const char *const paths[PATH_N] = { tls->ca_file, tls->cert_file,
		tls->key_file };
	struct entry *e = xcalloc(1, sizeof(*e));

	for (size_t i = 0; i < PATH_N; i++)
		e->paths[i] = paths[i] ? xstrdup(paths[i]) : NULL;
	(void)pthread_mutex_init(&e->looking, NULL);
	return e;
}

static void entry_free(struct entry *e)
{
	for (size_t i = 0; i < PATH_N; i++)
		free(e->paths[i]);
	SSL_CTX_free(e->ctx);
	pthread_mutex_destroy(&e->looking);
	free(e);
}

static bool same_path(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct entry *find(const struct tls_cache *tc, const struct net_tls *tls)
{
	struct entry *e;

	TAILQ_FOREACH (e, &tc->entries, link) {
		if (same_path(e->paths[CA], tls->ca_file) &&
		    same_path(e->paths[CERT], tls->cert_file) &&
		    same_path(e->paths[KEY], tls->key_file))
			return e;
	}
	return NULL;
}

/* Have its files changed, and are they at rest again? */
static void refresh(struct tls_cache *tc, struct entry *e, int64_t now_ms)
{
	struct stamp now[PATH_N];

	if (!e->looked) {
		e->looked = true;
		look(e, e->loaded);
		memcpy(e->last, e->loaded, sizeof(e->last));
		e->looked_ms = now_ms;
		reload(tc, e);
		return;
	}
	bool was_short = budget_is_short(e->error);

	if (now_ms - e->looked_ms < TLS_CACHE_LOOK_MS && (e->ctx || !was_short))
		return;
	e->looked_ms = now_ms;
	look(e, now);
	bool settled = same(now, e->last);

	memcpy(e->last, now, sizeof(e->last));
	/* what failed is tried again */
	if (settled && (!e->ctx || was_short || !same(now, e->loaded))) {
		memcpy(e->loaded, now, sizeof(e->loaded));
		reload(tc, e);
	}
}

/* One that nobody is at gives way. Under the lock. */
static void make_room(struct tls_cache *tc, const struct entry *keep)
{
	struct entry *e = TAILQ_LAST(&tc->entries, entry_list);

	while (e && tc->n > TLS_CACHE_MAX) {
		struct entry *before = TAILQ_PREV(e, entry_list, link);

		if (e != keep && !e->users) {
			TAILQ_REMOVE(&tc->entries, e, link);
			entry_free(e);
			tc->n--;
		}
		e = before;
	}
}

/* Under the lock. */
static struct entry *get(struct tls_cache *tc, const struct net_tls *tls)
{
	struct entry *e = find(tc, tls);

	if (e) {
		TAILQ_REMOVE(&tc->entries, e, link);
	} else {
		e = entry_new(tls);
		tc->n++;
	}
	TAILQ_INSERT_HEAD(&tc->entries, e, link);
	e->users++;
	make_room(tc, e);
	return e;
}

void tls_cache_refresh(
    struct tls_cache *tc, const struct net_tls *tls, int64_t now_ms)
{
	pthread_mutex_lock(&tc->lock);
	struct entry *e = get(tc, tls);

	pthread_mutex_unlock(&tc->lock);
	pthread_mutex_lock(&e->looking);
	refresh(tc, e, now_ms);
	pthread_mutex_unlock(&e->looking);
	pthread_mutex_lock(&tc->lock);
	e->users--;
	pthread_mutex_unlock(&tc->lock);
}

const char *tls_cache_path(const struct net_tls *tls)
{
	return tls->ca_file     ? tls->ca_file
	       : tls->cert_file ? tls->cert_file
	                        : system_path();
}

struct tls_cache *tls_cache_new(void)
{
	struct tls_cache *tc = xcalloc(1, sizeof(*tc));

	(void)pthread_mutex_init(&tc->lock, NULL);
	tc->refs = 1;
	TAILQ_INIT(&tc->entries);
	return tc;
}

struct tls_cache *tls_cache_ref(struct tls_cache *tc)
{
	pthread_mutex_lock(&tc->lock);
	tc->refs++;
	pthread_mutex_unlock(&tc->lock);
	return tc;
}

void tls_cache_free(struct tls_cache *tc)
{
	struct entry *e;

	if (!tc)
		return;
	pthread_mutex_lock(&tc->lock);
	bool last = --tc->refs == 0;

	pthread_mutex_unlock(&tc->lock);
	if (!last)
		return;
	while ((e = TAILQ_FIRST(&tc->entries))) {
		TAILQ_REMOVE(&tc->entries, e, link);
		entry_free(e);
	}
	pthread_mutex_destroy(&tc->lock);
	free(tc);
}

/* ---- one connection --------------------------------------------------- */

static bool is_address(const char *text)
{
	struct in6_addr raw;

	return inet_pton(AF_INET, text, &raw) == 1 ||
	       inet_pton(AF_INET6, text, &raw) == 1;
}

/* RFC 6066 section 3: names alone are told; RFC 9525: no common names. */
static bool set_name(SSL *ssl, const struct net_tls *tls)
{
	bool address = is_address(tls->server_name);
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	/* the macro for it casts const away */
	if (!address && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
	                    TLSEXT_NAMETYPE_host_name,
	                    (void *)(uintptr_t)tls->server_name) != 1)
		return false;
	if (!tls->verify)
		return true;
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return address
	           ? X509_VERIFY_PARAM_set1_ip_asc(param, tls->server_name) == 1
	           : X509_VERIFY_PARAM_set1_host(param, tls->server_name, 0) ==
	                 1;
}

/* RFC 7301: one protocol, behind its length. */
static bool set_alpn(SSL *ssl, const char *protocol)
{
	unsigned char list[256];
	size_t len = protocol ? strlen(protocol) : 0;

	if (!len)
		return true;
	if (len >= sizeof(list))
		return false;
	list[0] = (unsigned char)len;
	memcpy(list + 1, protocol, len);
	return SSL_set_alpn_protos(ssl, list, (unsigned)len + 1) == 0;
}

/* Under the lock. */
static int new_session(struct tls_cache *tc, const struct net_tls *tls,
    SSL **ret_ssl, struct diag *reterr)
{
	const struct entry *e = find(tc, tls);

	if (!e || (!e->ctx && !e->error)) {
		return diag_set(
		    reterr, -EAGAIN, "its files have not been read yet");
	}
	if (!e->ctx)
		return diag_set(reterr, e->error, "%s", e->why.text);
	*ret_ssl = SSL_new(e->ctx);
	if (!*ret_ssl)
		abort(); /* out of memory */
	return 0;
}

int tls_cache_session(struct tls_cache *tc, const struct net_tls *tls,
    SSL **ret_ssl, struct diag *reterr)
{
	SSL *ssl = NULL;

	pthread_mutex_lock(&tc->lock);
	int r = new_session(tc, tls, &ssl, reterr);

	pthread_mutex_unlock(&tc->lock);
	if (r < 0)
		return r;
	if (!set_name(ssl, tls) || !set_alpn(ssl, tls->alpn)) {
		SSL_free(ssl);
		ERR_clear_error();
		return diag_set(reterr, -EINVAL,
		    "found '%s' as the name of a TLS server, expected a host",
		    tls->server_name);
	}
	*ret_ssl = ssl;
	return 0;
}
