// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * dns_message - questions and answers of DNS for checks (RFC 1035 4).
 *
 * The only file of checks that knows ldns. Data of records is compared as
 * text in canonical form (RFC 4034 6.2: names in lower case).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

bool dns_name_is_valid(const char *text);

/* "A", "TYPE65" ...; 0: there is none of that name. */
uint16_t dns_type_parse(const char *text);

/* Canonical text of the data of a record; NULL: it is none of that type. */
const char *dns_data_canonical(
    struct arena *a, uint16_t type, const char *text);

struct dns_question {
	const char *name; /* dns_name_is_valid() */
	uint16_t type, id;
};

#define DNS_QUESTION_MAX 300 /* octets of a message with one question */

/* With RD and EDNS (RFC 6891, 1232 octets). Returns its length. */
size_t dns_question_write(
    const struct dns_question *q, uint8_t ret_msg[DNS_QUESTION_MAX]);

/*
 * Octets of an answer that are looked at: more than three times what the
 * question allows. What names and strings in it cost grows with the square of
 * its length.
 */
#define DNS_ANSWER_MAX 4096
#define DNS_DATA_MAX 256 /* records that are looked at */

struct dns_answer {
	unsigned rcode; /* 0..15 */
	bool truncated;
	/* data of the records of the type asked for, in an arena */
	const char *data[DNS_DATA_MAX];
	unsigned n;
};

/*
 * 0; -ENOMSG: it is no answer to q; -EBADMSG: it is, but malformed, and
 * *ret_why, a static text, says how.
 */
int dns_answer_read(struct arena *a, const struct dns_question *q,
    const uint8_t *msg, size_t len, struct dns_answer *ret_a,
    const char **ret_why);
