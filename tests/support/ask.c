// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/ask.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/reply.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool ok, const char *text)
{
	if (ok)
		return;
	(void)fprintf(stderr, "ask: cannot make '%s'\n", text);
	abort();
}

static void parse_cookie(struct ask *a, const char *hex)
{
	a->edns = true;
	for (; hex[0] && hex[1] && a->cookie_len < ASK_COOKIE_MAX; hex += 2) {
		const char digits[] = { hex[0], hex[1], '\0' };

		a->cookie[a->cookie_len++] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

static bool parse_word(struct ask *a, const char *word)
{
	unsigned long number =
	    strchr(word, '=') ? strtoul(strchr(word, '=') + 1, NULL, 10) : 0;

	if (!strcmp(word, "rd")) {
		a->rd = true;
	} else if (!strcmp(word, "cd")) {
		a->cd = true;
	} else if (!strcmp(word, "ad")) {
		a->ad = true;
	} else if (!strcmp(word, "do")) {
		a->dnssec_ok = a->edns = true;
	} else if (!strcmp(word, "nsid")) {
		a->nsid = a->edns = true;
	} else if (!strcmp(word, "keepalive")) {
		a->keepalive = a->edns = true;
	} else if (!strcmp(word, "padding")) {
		a->padding = a->edns = true;
	} else if (!strcmp(word, "tcp")) {
		a->via = VIA_TCP;
	} else if (!strcmp(word, "tls")) {
		a->via = VIA_TLS;
	} else if (!strncmp(word, "edns=", 5)) {
		a->edns = true;
		a->udp_len = (uint16_t)number;
	} else if (!strncmp(word, "cookie=", 7)) {
		parse_cookie(a, word + 7);
	} else if (!strncmp(word, "version=", 8)) {
		a->edns = true;
		a->version = (uint8_t)number;
	} else if (!strncmp(word, "class=", 6)) {
		a->class = (uint16_t)ldns_get_rr_class_by_name(word + 6);
	} else {
		return false;
	}
	return true;
}

void ask_parse(struct ask *ret_a, char ret_name[ASK_NAME_MAX], const char *text)
{
	scoped_free char *copy = xstrdup(text);
	char *state = NULL;
	const char *name = strtok_r(copy, " ", &state);
	const char *type = strtok_r(NULL, " ", &state);

	check(name && type, text);
	(void)snprintf(ret_name, ASK_NAME_MAX, "%s", name);
	*ret_a = (struct ask){
		.name = ret_name,
		.id = 0x1234,
		.type = (uint16_t)ldns_get_rr_type_by_name(type),
		.class = CLASS_IN,
		.udp_len = WORLD_UDP_MAX,
		.via = VIA_UDP,
	};
	for (const char *word; (word = strtok_r(NULL, " ", &state));)
		check(parse_word(ret_a, word), text);
}

static uint8_t *put_opt(uint8_t *p, const struct ask *a)
{
	*p++ = 0;
	p = wire_put16(p, TYPE_OPT);
	p = wire_put16(p, a->udp_len);
	*p++ = 0;
	*p++ = a->version;
	p = wire_put16(p, a->dnssec_ok ? 0x8000 : 0);
	size_t len = 4 * ((size_t)a->nsid + a->keepalive + a->padding);
	if (a->cookie_len)
		len += 4 + a->cookie_len;
	p = wire_put16(p, (uint16_t)len);
	if (a->cookie_len) {
		p = wire_put16(p, 10);
		p = wire_put16(p, (uint16_t)a->cookie_len);
		memcpy(p, a->cookie, a->cookie_len);
		p += a->cookie_len;
	}
	if (a->nsid)
		p = wire_put32(p, 3 << 16);
	if (a->keepalive)
		p = wire_put32(p, 11 << 16);
	if (a->padding)
		p = wire_put32(p, 12 << 16);
	return p;
}

size_t ask_build(const struct ask *a, uint8_t ret_msg[ASK_MAX])
{
	ldns_rdf *name = NULL;
	uint8_t *p = ret_msg;

	memset(p, 0, WIRE_HEADER_LEN);
	wire_put16(p, a->id);
	p[2] = a->rd ? WIRE_RD : 0;
	p[3] = (uint8_t)((a->cd ? WIRE_CD : 0) | (a->ad ? WIRE_AD : 0));
	p[5] = 1;
	p[11] = a->edns ? 1 : 0;
	p += WIRE_HEADER_LEN;
	check(ldns_str2rdf_dname(&name, a->name) == LDNS_STATUS_OK, a->name);
	memcpy(p, ldns_rdf_data(name), ldns_rdf_size(name));
	p += ldns_rdf_size(name);
	ldns_rdf_deep_free(name);
	p = wire_put16(p, a->type);
	p = wire_put16(p, a->class);
	if (a->edns)
		p = put_opt(p, a);
	return (size_t)(p - ret_msg);
}

size_t ask_world(struct world *w, const char *text, uint8_t ret_msg[ASK_MAX])
{
	char name[ASK_NAME_MAX];
	struct ask a;

	ask_parse(&a, name, text);
	size_t len = ask_build(&a, ret_msg);
	world_handle(w, ret_msg, len, a.via);
	char reason[REPLY_REASON_MAX];
	uint8_t flags = w->response[3];
	/* what is said of recursion is not said without */
	if (w->policy.outside != OUTSIDE_REFUSE)
		w->response[3] &= (uint8_t) ~(WIRE_RA | WIRE_AD);
	if (!reply_matches(ret_msg, len, w->response, w->response_len, a.via,
	        WORLD_UDP_MAX, reason)) {
		(void)fprintf(stderr, "'%s': %s\n", text, reason);
		abort();
	}
	w->response[3] = flags;
	return len;
}

char *ask_text(struct world *w, const char *text)
{
	uint8_t msg[ASK_MAX];

	(void)ask_world(w, text, msg);
	return reply_text(w->response, w->response_len);
}

void ask_reply(struct world *w, struct reply *ret_r, const char *question,
    unsigned size, enum transport via)
{
	uint8_t msg[ASK_MAX];
	char reason[REPLY_REASON_MAX], edns[32] = "";

	if (size != ASK_NO_EDNS)
		(void)snprintf(edns, sizeof(edns), " edns=%u", size);
	scoped_free char *text =
	    xasprintf("%s%s%s", question, edns, via == VIA_TCP ? " tcp" : "");
	(void)ask_world(w, text, msg);
	check(reply_parse(ret_r, w->response, w->response_len, reason) &&
	          ret_r->opt_n == (size != ASK_NO_EDNS),
	    text);
}
