// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tls_cache - certificates and keys of TLS clients, read once.
 *
 * Connections with the same files share an SSL_CTX. Files are looked at (not
 * read) once a second at most while they are asked for; new ones are read as
 * soon as two looks saw them alike, so certificate and key can be replaced one
 * after the other. TLS 1.2 and up; OpenSSL 3.
 */
#include "registrar/net/net.h"
#include "schema/base/diag.h"

#include <openssl/types.h>

struct tls_cache;

#define TLS_CACHE_LOOK_MS 1000
#define TLS_CACHE_MAX 256 /* the one unused for the longest gives way */

struct tls_cache *tls_cache_new(void);
/* One more who will call tls_cache_free(). */
struct tls_cache *tls_cache_ref(struct tls_cache *tc);
void tls_cache_free(struct tls_cache *tc);

/*
 * Look at the files, and read them if need be: whoever calls this waits for
 * their file systems. In any thread.
 */
void tls_cache_refresh(
    struct tls_cache *tc, const struct net_tls *tls, int64_t now_ms);
/* Where that looks first. */
const char *tls_cache_path(const struct net_tls *tls);

/*
 * A session for one connection, with its name, its verification and its ALPN
 * set; the caller's. Reads nothing: tls_cache_refresh() did before. -E..:
 * reterr says which file cannot be used, and why.
 */
int tls_cache_session(struct tls_cache *tc, const struct net_tls *tls,
    SSL **ret_ssl, struct diag *reterr);
