// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * reply - a response as somebody else reads it: decoded by ldns.
 */
#include "dnsd/message/respond/respond.h"

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reply_section { REPLY_ANSWER, REPLY_AUTHORITY, REPLY_ADDITIONAL };

struct reply {
	uint16_t id;
	unsigned opcode, rcode; /* with the upper bits from OPT */
	bool qr, aa, tc, rd, ra, z, ad, cd;
	size_t question_n, question_len;
	ldns_rr_list *section[3]; /* without OPT */
	unsigned opt_n;
	uint16_t opt_udp_len, opt_flags;
	uint8_t opt_version;
	const uint8_t *opt_rdata; /* borrowed from the message */
	size_t opt_rdata_len;
};

enum { REPLY_REASON_MAX = 256 };

/*
 * Decodes every record; false and a reason when ldns cannot, or when octets
 * are left over. Free ret_r in either case.
 */
bool reply_parse(struct reply *ret_r, const uint8_t *msg, size_t len,
    char ret_reason[REPLY_REASON_MAX]);
void reply_release(struct reply *r);

/* Records of one type in a section. */
unsigned reply_count(
    const struct reply *r, enum reply_section s, ldns_rr_type type);

/*
 * What holds for every response to that request (response_len 0: none),
 * whatever it asks: id, opcode, RD and CD, question echoed octet for octet,
 * limits of size, OPT if and only if asked for. False and a reason.
 */
bool reply_matches(const uint8_t *request, size_t request_len,
    const uint8_t *response, size_t response_len, enum transport via,
    size_t udp_len_max, char ret_reason[REPLY_REASON_MAX]);

/*
 * "NOERROR aa rd ra", then a line for each record, "an ", "ns " or "ar " and
 * its presentation format without "IN", sorted within its section; last "opt
 * 1232" with do and the options. The caller frees. A message that cannot be
 * decoded reads "BROKEN: " and why.
 */
char *reply_text(const uint8_t *msg, size_t len);
