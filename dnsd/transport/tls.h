// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tls - octets on the wire to plain text and back (RFC 8446, RFC 7858).
 *
 * The only file that knows OpenSSL. No socket here: what arrived is given to
 * tls_receive(), and what is to be sent comes to lie in the buffer of the
 * thread, whole flights and many records to a system call. A session that
 * waits holds no buffer.
 *
 * TLS 1.2 and 1.3, no renegotiation, no early data, tickets for resumption,
 * ALPN "dot". Ciphers and groups are those of the system's OpenSSL.
 */
#include "schema/base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls; /* one connection */

/* ---- certificate and key, for all threads ----------------------------- */

struct tls_context;

/* -EINVAL: reterr says which file is bad, and why. */
int tls_context_new(const char *cert_path, const char *key_path,
    struct tls_context **ret_c, struct diag *reterr);
/* No session may be left. NULL is ignored. */
void tls_context_free(struct tls_context *c);
/*
 * Takes new files; sessions that are open keep what they have. On an error
 * the files before stay in force. Any thread. Tickets are sealed with a key
 * of the context: what was handed out before is no longer taken.
 */
int tls_context_load(struct tls_context *c, const char *cert_path,
    const char *key_path, struct diag *reterr);

/* ---- one thread ------------------------------------------------------- */

struct tls_thread;

struct tls_thread *tls_thread_new(struct tls_context *c);
void tls_thread_free(struct tls_thread *t);

/* What is to be sent now; valid and unsent until tls_sent(). */
const uint8_t *tls_output(const struct tls_thread *t, size_t *ret_len);
void tls_sent(struct tls_thread *t);

/* ---- one connection --------------------------------------------------- */

enum {
	/* Plain text of a record at most; what was held back by tls_receive()
	 * is less. */
	TLS_RECORD_MAX = 16384,
	/* Plain text for tls_send() at most. */
	TLS_SEND_MAX = 128 << 10,
};

enum tls_state {
	TLS_SHAKING,
	TLS_OPEN,
	TLS_ENDED, /* the peer sends no more; it may still be answered */
	TLS_BROKEN,
};

/* NULL: out of memory. */
struct tls *tls_new(struct tls_thread *t);
void tls_free(struct tls *s);

/*
 * Deciphers all of wire into plain, whose room is len + TLS_RECORD_MAX.
 * Returns the octets of plain text. Afterwards there may be output, also of a
 * session that is broken.
 */
size_t tls_receive(struct tls *s, const uint8_t *wire, size_t len,
    uint8_t *plain, enum tls_state *ret_state);
/* Enciphers len octets, at most TLS_SEND_MAX. False: the session is broken. */
bool tls_send(struct tls *s, const uint8_t *plain, size_t len);
/* Says that nothing more is sent. */
void tls_end(struct tls *s);

/* Whether the handshake took up an earlier session. */
bool tls_resumed(const struct tls *s);
