// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * query - a request as the server sees it: header, question, EDNS.
 *
 * RFC 1035 section 4.1, RFC 6891, RFC 9619 (one question). Pure: reads the
 * octets it is given and nothing else.
 */
#include "dnsd/message/wire/dname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of a request, decided before any look-up. */
enum query_status {
	QUERY_OK,
	QUERY_DROP, /* too short, or an answer: never answered */
	QUERY_FORMERR,
	QUERY_NOTIMP,  /* an opcode other than QUERY */
	QUERY_BADVERS, /* EDNS version above 0, RFC 6891 section 6.1.3 */
	/* no question but a cookie, RFC 7873 section 5.4; else FORMERR */
	QUERY_COOKIE_ONLY,
};

struct edns {
	bool present;
	bool dnssec_ok; /* DO, RFC 3225 */
	bool nsid;      /* asked for the server's name, RFC 5001 */
	bool keepalive; /* asked how long it may stay, RFC 7828 */
	bool padding;   /* asked for padding, RFC 7830 */
	uint8_t version;
	uint16_t udp_len; /* what the client can take, at least 512 */
	/* of the first COOKIE option's data in msg, RFC 7873; 0: none */
	uint16_t cookie_at, cookie_len;
};

struct query {
	uint16_t id;
	uint8_t flags[2];     /* octets 2 and 3 of the header */
	uint16_t type, class; /* of the question */
	/*
	 * Octets of the question in msg, from WIRE_HEADER_LEN on; 0: there is
	 * none to echo.
	 */
	uint16_t question_len;
	const uint8_t *msg; /* borrowed */
	struct edns edns;
	struct dname name; /* hashes are left for dname_hash() */
};

/* Borrows msg as long as the query is used. */
enum query_status query_parse(
    struct query *ret_q, const uint8_t *msg, size_t len);
