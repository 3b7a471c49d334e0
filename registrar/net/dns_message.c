// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/dns_message.h"

#include "schema/base/arena.h"
#include "schema/base/scoped.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LEN 12
#define EDNS_SIZE 1232
#define TEXT_ROOM 256 /* at first */

/* ---- text ------------------------------------------------------------- */

static ldns_rdf *parse_name(const char *text)
{
	return ldns_dname_new_frm_str(text);
}

bool dns_name_is_valid(const char *text)
{
	ldns_rdf *name = parse_name(text);

	ldns_rdf_deep_free(name);
	return name && *text;
}

uint16_t dns_type_parse(const char *text)
{
	return (uint16_t)ldns_get_rr_type_by_name(text);
}

/* The data of rr, which is made canonical: its fields joined by blanks. */
static const char *data_text(struct arena *a, ldns_rr *rr)
{
	ldns_buffer *b = ldns_buffer_new(TEXT_ROOM);

	if (!b)
		abort(); /* out of memory */
	ldns_rr2canonical(rr);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		if (i)
			(void)ldns_buffer_printf(b, " ");
		size_t at = ldns_buffer_position(b);

		if (ldns_rdf2buffer_str(b, ldns_rr_rdf(rr, i)) !=
		    LDNS_STATUS_OK) {
			ldns_buffer_set_position(b, at);
			(void)ldns_buffer_printf(b, "?");
		}
	}
	const char *text = arena_printf(a, "%.*s", (int)ldns_buffer_position(b),
	    (const char *)ldns_buffer_begin(b));

	ldns_buffer_free(b);
	return text;
}

const char *dns_data_canonical(struct arena *a, uint16_t type, const char *text)
{
	scoped_free char *word = ldns_rr_type2str((ldns_rr_type)type);
	const char *line = arena_printf(a, ". 0 IN %s %s", word, text);
	ldns_rr *rr = NULL;

	if (ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) != LDNS_STATUS_OK)
		return NULL;
	const char *canonical = data_text(a, rr);

	ldns_rr_free(rr);
	return canonical;
}

/* ---- questions -------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

size_t dns_question_write(
    const struct dns_question *q, uint8_t ret_msg[DNS_QUESTION_MAX])
{
	/* root, OPT, size; extended rcode, version, flags; no options */
	static const uint8_t opt[] = { 0, 0, LDNS_RR_TYPE_OPT, EDNS_SIZE >> 8,
		EDNS_SIZE & 0xff, 0, 0, 0, 0, 0, 0 };
	ldns_rdf *name = parse_name(q->name);
	uint8_t *p = ret_msg;

	if (!name)
		abort(); /* it was valid: out of memory */
	p = put16(p, q->id);
	p = put16(p, 0x0100); /* RD */
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, 0);
	p = put16(p, 1);
	memcpy(p, ldns_rdf_data(name), ldns_rdf_size(name));
	p += ldns_rdf_size(name);
	ldns_rdf_deep_free(name);
	p = put16(p, q->type);
	p = put16(p, LDNS_RR_CLASS_IN);
	memcpy(p, opt, sizeof(opt));
	return (size_t)(p - ret_msg) + sizeof(opt);
}

/* ---- answers ---------------------------------------------------------- */

/* An answer that cannot be understood may lack the question (RFC 1035 4.1). */
static bool echoes(const ldns_pkt *pkt, const struct dns_question *q)
{
	const ldns_rr_list *list = ldns_pkt_question(pkt);

	if (ldns_rr_list_rr_count(list) == 0)
		return ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR;
	const ldns_rr *rr = ldns_rr_list_rr(list, 0);
	ldns_rdf *name = parse_name(q->name);
	bool same = ldns_rr_get_type(rr) == (ldns_rr_type)q->type &&
	            ldns_dname_compare(ldns_rr_owner(rr), name) == 0;

	ldns_rdf_deep_free(name);
	return same;
}

static void take_data(
    struct arena *a, const ldns_pkt *pkt, uint16_t type, struct dns_answer *out)
{
	const ldns_rr_list *list = ldns_pkt_answer(pkt);
	size_t n = ldns_rr_list_rr_count(list);

	for (size_t i = 0; i < n && out->n < DNS_DATA_MAX; i++) {
		ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_type(rr) == (ldns_rr_type)type)
			out->data[out->n++] = data_text(a, rr);
	}
}

int dns_answer_read(struct arena *a, const struct dns_question *q,
    const uint8_t *msg, size_t len, struct dns_answer *ret_a,
    const char **ret_why)
{
	struct dns_answer out = { 0 };
	ldns_pkt *pkt = NULL;

	if (len < HEADER_LEN || (msg[0] << 8 | msg[1]) != q->id ||
	    !(msg[2] & 0x80))
		return -ENOMSG;
	if (len > DNS_ANSWER_MAX) {
		*ret_why = "it is larger than 4096 octets";
		return -EBADMSG;
	}
	ldns_status status = ldns_wire2pkt(&pkt, msg, len);

	if (status != LDNS_STATUS_OK) {
		*ret_why = ldns_get_errorstr_by_id(status);
		return -EBADMSG;
	}
	if (!echoes(pkt, q)) {
		ldns_pkt_free(pkt);
		return -ENOMSG;
	}
	out.rcode = (unsigned)ldns_pkt_get_rcode(pkt);
	out.truncated = ldns_pkt_tc(pkt);
	take_data(a, pkt, q->type, &out);
	ldns_pkt_free(pkt);
	*ret_a = out;
	return 0;
}
