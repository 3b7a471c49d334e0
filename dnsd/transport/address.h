// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * address - socket addresses as people write them: 127.0.0.1:53, [::1]:53.
 */
#include "dnsd/message/peer.h"
#include "schema/base/diag.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 64 };

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};

enum {
	ADDRESS_PORT_DNS = 53,
	ADDRESS_PORT_TLS = 853,
	ADDRESS_PORT_HTTP = 5380
};

/* port: where text names none. -EINVAL: what was found and is expected. */
int address_parse(const char *text, uint16_t port, struct address *ret_a,
    struct diag *reterr);
void address_to_text(const struct address *a, char ret_text[ADDRESS_TEXT_MAX]);

/* 0.0.0.0 or ::, where answers must name the address they leave from. */
bool address_is_wildcard(const struct address *a);

/*
 * Whether an interface has it. One that none has yet may be bound all the
 * same (IP_FREEBIND): it is answered on from when one has.
 */
bool address_is_here(const struct address *a);

/*
 * Whether whoever started us has bound it already (sd_listen_fds(3)). Such a
 * socket is shared by all who bind the address here, and outlives us.
 */
bool address_is_given(const struct address *a, int type);

/*
 * 0, or -EADDRINUSE: somebody else has it already. SO_REUSEPORT, which our
 * workers need, would let two programs of one user share its questions
 * unnoticed.
 */
int address_is_free(const struct address *a, int type, struct diag *reterr);

/*
 * The one that was given to us; else a bound, close-on-exec socket of that type
 * with SO_REUSEPORT; a stream one listens, and does not block. Returns the
 * descriptor or a negative errno.
 */
int address_bind(const struct address *a, int type, struct diag *reterr);
