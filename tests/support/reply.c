// SPDX-License-Identifier: BSD-2-Clause
/*
 * Records are decoded one by one, so that the end of the last is known, and
 * then once more as a packet: ldns must not see more than we do.
 */
#include "tests/support/reply.h"

#include "schema/base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_NSID = 3, OPTION_KEEPALIVE = 11, OPTION_PADDING = 12 };

static bool fail(char ret_reason[REPLY_REASON_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(char ret_reason[REPLY_REASON_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ret_reason, REPLY_REASON_MAX, fmt, ap);
	va_end(ap);
	return false;
}

static void take_header(struct reply *r, const uint8_t *msg)
{
	*r = (struct reply){
		.id = wire_get16(msg),
		.opcode = (msg[2] & WIRE_OPCODE) >> 3,
		.rcode = msg[3] & WIRE_RCODE,
		.qr = msg[2] & WIRE_QR,
		.aa = msg[2] & WIRE_AA,
		.tc = msg[2] & WIRE_TC,
		.rd = msg[2] & WIRE_RD,
		.ra = msg[3] & 0x80,
		.z = msg[3] & 0x40,
		.ad = msg[3] & 0x20,
		.cd = msg[3] & WIRE_CD,
		.question_n = wire_get16(msg + 4),
	};
	for (unsigned s = 0; s < 3; s++)
		r->section[s] = ldns_rr_list_new();
}

/* OPT's fields, from the wire: the root, then ten fixed octets. */
static bool take_opt(struct reply *r, const uint8_t *rr, size_t len)
{
	r->opt_n++;
	if (rr[0] || len < 11)
		return false;
	r->opt_udp_len = wire_get16(rr + 3);
	r->rcode |= (unsigned)rr[5] << 4;
	r->opt_version = rr[6];
	r->opt_flags = wire_get16(rr + 7);
	r->opt_rdata_len = wire_get16(rr + 9);
	r->opt_rdata = rr + 11;
	return r->opt_rdata_len == len - 11;
}

static bool take_records(struct reply *r, const uint8_t *msg, size_t len,
    size_t *at, char ret_reason[REPLY_REASON_MAX])
{
	static const ldns_pkt_section sections[] = { LDNS_SECTION_ANSWER,
		LDNS_SECTION_AUTHORITY, LDNS_SECTION_ADDITIONAL };

	for (size_t s = 0; s < 3; s++) {
		for (unsigned n = wire_get16(msg + 6 + 2 * s); n > 0; n--) {
			size_t start = *at;
			ldns_rr *rr = NULL;
			ldns_status e =
			    ldns_wire2rr(&rr, msg, len, at, sections[s]);

			if (e != LDNS_STATUS_OK) {
				return fail(ret_reason, "record at %zu: %s",
				    start, ldns_get_errorstr_by_id(e));
			}
			if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_OPT) {
				ldns_rr_list_push_rr(r->section[s], rr);
				continue;
			}
			ldns_rr_free(rr);
			if (s != 2 || !take_opt(r, msg + start, *at - start))
				return fail(ret_reason, "a bad OPT record");
		}
	}
	return true;
}

bool reply_parse(struct reply *ret_r, const uint8_t *msg, size_t len,
    char ret_reason[REPLY_REASON_MAX])
{
	size_t at = WIRE_HEADER_LEN;
	ldns_pkt *packet = NULL;

	*ret_r = (struct reply){ 0 };
	if (len < WIRE_HEADER_LEN)
		return fail(ret_reason, "%zu octets are no message", len);
	take_header(ret_r, msg);
	for (size_t n = ret_r->question_n; n > 0; n--) {
		ldns_rr *rr = NULL;
		ldns_status e =
		    ldns_wire2rr(&rr, msg, len, &at, LDNS_SECTION_QUESTION);

		if (e != LDNS_STATUS_OK) {
			return fail(ret_reason, "question: %s",
			    ldns_get_errorstr_by_id(e));
		}
		ldns_rr_free(rr);
	}
	ret_r->question_len = at - WIRE_HEADER_LEN;
	if (!take_records(ret_r, msg, len, &at, ret_reason))
		return false;
	if (at != len)
		return fail(ret_reason, "%zu octets left over", len - at);
	ldns_status e = ldns_wire2pkt(&packet, msg, len);
	if (e != LDNS_STATUS_OK) {
		return fail(
		    ret_reason, "packet: %s", ldns_get_errorstr_by_id(e));
	}
	ldns_pkt_free(packet);
	return true;
}

void reply_release(struct reply *r)
{
	for (unsigned s = 0; s < 3; s++)
		ldns_rr_list_deep_free(r->section[s]);
	*r = (struct reply){ 0 };
}

unsigned reply_count(
    const struct reply *r, enum reply_section s, ldns_rr_type type)
{
	unsigned n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(r->section[s]); i++) {
		n +=
		    ldns_rr_get_type(ldns_rr_list_rr(r->section[s], i)) == type;
	}
	return n;
}

/* ---- what holds for every response ------------------------------------ */

/*
 * What the request says about EDNS, read in the plainest way; only requests
 * that one question and one record make up are judged.
 */
static const uint8_t *plain_opt(const uint8_t *request, size_t len)
{
	size_t at = WIRE_HEADER_LEN;

	if (wire_get16(request + 4) != 1 || wire_get16(request + 6) ||
	    wire_get16(request + 8) || wire_get16(request + 10) != 1)
		return NULL;
	while (at < len && request[at] && request[at] <= WIRE_LABEL_MAX)
		at += 1u + request[at];
	bool ends = at < len && !request[at];
	at += 5;
	if (!ends || at + 11 > len || request[at] ||
	    wire_get16(request + at + 1) != TYPE_OPT ||
	    at + 11 + wire_get16(request + at + 9) != len)
		return NULL;
	return request + at;
}

static bool check_echo(const struct reply *r, const uint8_t *request,
    size_t request_len, const uint8_t *response,
    char ret_reason[REPLY_REASON_MAX])
{
	if (r->id != wire_get16(request) || !r->qr ||
	    r->opcode != (request[2] & WIRE_OPCODE) >> 3u)
		return fail(ret_reason, "header of another request");
	if (r->rd != !!(request[2] & WIRE_RD) ||
	    r->cd != !!(request[3] & WIRE_CD) || r->ra || r->z || r->ad) {
		return fail(
		    ret_reason, "flags %02x%02x", response[2], response[3]);
	}
	if (r->question_n > 1)
		return fail(ret_reason, "%zu questions", r->question_n);
	if (r->question_n &&
	    (WIRE_HEADER_LEN + r->question_len > request_len ||
	        memcmp(request + WIRE_HEADER_LEN, response + WIRE_HEADER_LEN,
	            r->question_len) != 0))
		return fail(ret_reason, "the question is not as it was asked");
	/* a question without one may be for a cookie, RFC 7873 section 5.4 */
	if (!r->question_n && wire_get16(request + 4) &&
	    r->rcode != RCODE_FORMERR && r->rcode != RCODE_NOTIMP)
		return fail(ret_reason, "no question, RCODE %u", r->rcode);
	return true;
}

static bool check_edns(const struct reply *r, const uint8_t *request,
    const uint8_t *opt, size_t udp_len_max, char ret_reason[REPLY_REASON_MAX])
{
	if (r->opt_n > 1)
		return fail(ret_reason, "%u OPT records", r->opt_n);
	if (r->opt_n && !wire_get16(request + 10))
		return fail(ret_reason, "OPT to a request without");
	if (opt && !r->opt_n)
		return fail(ret_reason, "no OPT to a request with one");
	if (!r->opt_n)
		return true;
	if (r->opt_udp_len != udp_len_max || r->opt_version ||
	    r->opt_flags & 0x7fff) {
		return fail(ret_reason, "OPT size %u version %u flags %04x",
		    r->opt_udp_len, r->opt_version, r->opt_flags);
	}
	if (opt && !!(r->opt_flags & 0x8000) != !!(opt[7] & 0x80))
		return fail(ret_reason, "DO is not copied");
	return true;
}

static bool check_size(const struct reply *r, const uint8_t *opt, size_t len,
    enum transport via, size_t udp_len_max, char ret_reason[REPLY_REASON_MAX])
{
	size_t limit = WIRE_MESSAGE_MAX;

	if (via == VIA_UDP) {
		limit = opt ? wire_get16(opt + 3) : WIRE_UDP_MIN;
		if (limit < WIRE_UDP_MIN)
			limit = WIRE_UDP_MIN;
		if (limit > udp_len_max || (r->opt_n && !opt))
			limit = udp_len_max;
	}
	if (len > limit)
		return fail(ret_reason, "%zu octets, at most %zu", len, limit);
	/* but for a set that no message holds, RFC 2181 section 9 */
	if (r->tc && via == VIA_TCP && len < WIRE_MESSAGE_MAX - 1024)
		return fail(ret_reason, "TC over TCP");
	return true;
}

bool reply_matches(const uint8_t *request, size_t request_len,
    const uint8_t *response, size_t response_len, enum transport via,
    size_t udp_len_max, char ret_reason[REPLY_REASON_MAX])
{
	bool must_drop = request_len < WIRE_HEADER_LEN || request[2] & WIRE_QR;
	struct reply r;

	if (must_drop != !response_len)
		return fail(ret_reason, must_drop ? "answered" : "no answer");
	if (must_drop)
		return true;
	const uint8_t *opt = plain_opt(request, request_len);
	bool ok =
	    reply_parse(&r, response, response_len, ret_reason) &&
	    check_echo(&r, request, request_len, response, ret_reason) &&
	    check_edns(&r, request, opt, udp_len_max, ret_reason) &&
	    check_size(&r, opt, response_len, via, udp_len_max, ret_reason);
	reply_release(&r);
	return ok;
}

/* ---- text ------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "name TTL TYPE rdata\n", blanks for tabs; the class unless it is IN. */
static char *rr_text(const ldns_rr *rr)
{
	char *text = ldns_rr2str(rr);
	char *in = strstr(text, "\tIN\t");

	if (in)
		memmove(in, in + 3, strlen(in + 3) + 1);
	for (char *p = text; *p; p++) {
		if (*p == '\t')
			*p = ' ';
	}
	return text;
}

static void print_section(FILE *f, const ldns_rr_list *list, const char *name)
{
	size_t n = ldns_rr_list_rr_count(list);
	char **line = xcalloc(n, sizeof(*line));

	for (size_t i = 0; i < n; i++)
		line[i] = rr_text(ldns_rr_list_rr(list, i));
	qsort(line, n, sizeof(*line), by_text);
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(f, "%s %s", name, line[i]);
		free(line[i]);
	}
	free(line);
}

static void print_option(FILE *f, const uint8_t *p)
{
	uint16_t len = wire_get16(p + 2);

	switch (wire_get16(p)) {
	case OPTION_NSID:
		(void)fprintf(f, " nsid=%.*s", len, (const char *)p + 4);
		break;
	case OPTION_KEEPALIVE:
		(void)fprintf(f, " keepalive=%u", wire_get16(p + 4));
		break;
	case OPTION_PADDING:
		(void)fprintf(f, " padding=%u", len);
		break;
	default:
		(void)fprintf(f, " option%u=%u", wire_get16(p), len);
	}
}

static void print_opt(FILE *f, const struct reply *r)
{
	const uint8_t *p = r->opt_rdata, *end = p + r->opt_rdata_len;

	(void)fprintf(
	    f, "opt %u%s", r->opt_udp_len, r->opt_flags & 0x8000 ? " do" : "");
	for (; end - p >= 4; p += 4 + wire_get16(p + 2))
		print_option(f, p);
	(void)fputc('\n', f);
}

char *reply_text(const uint8_t *msg, size_t len)
{
	static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL",
		"NXDOMAIN", "NOTIMP", "REFUSED" };
	char reason[REPLY_REASON_MAX];
	char *text = NULL;
	size_t text_len = 0;
	struct reply r;

	if (!reply_parse(&r, msg, len, reason)) {
		reply_release(&r);
		return xasprintf("BROKEN: %s", reason);
	}
	FILE *f = open_memstream(&text, &text_len);
	(void)fprintf(f, "%s%s%s%s%s%s%s%s\n",
	    r.rcode < 6                  ? rcodes[r.rcode]
	    : r.rcode == RCODE_BADVERS   ? "BADVERS"
	    : r.rcode == RCODE_BADCOOKIE ? "BADCOOKIE"
	                                 : "?",
	    r.aa ? " aa" : "", r.tc ? " tc" : "", r.rd ? " rd" : "",
	    r.ra ? " ra" : "", r.ad ? " ad" : "", r.cd ? " cd" : "",
	    r.question_n ? "" : " no-question");
	print_section(f, r.section[REPLY_ANSWER], "an");
	print_section(f, r.section[REPLY_AUTHORITY], "ns");
	print_section(f, r.section[REPLY_ADDITIONAL], "ar");
	if (r.opt_n)
		print_opt(f, &r);
	(void)fclose(f);
	reply_release(&r);
	return text;
}
