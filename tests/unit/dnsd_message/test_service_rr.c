// SPDX-License-Identifier: BSD-2-Clause
/*
 * Services made by chance: what the iterator gives is what answers say, set by
 * set, and answers say nothing else at those names.
 */
#include "dnsd/message/data/service_rr.h"
#include "schema/base/rng.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/ask.h"

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 60, SERVICES = 4, TEXT_MAX = 64 * 1024 };

struct text {
	size_t len;
	char to[TEXT_MAX];
};

static void put(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->len +=
	    (size_t)vsnprintf(t->to + t->len, sizeof(t->to) - t->len, fmt, ap);
	va_end(ap);
	assert_true(t->len < sizeof(t->to));
}

static const char *any(struct rng *r, const char *const *words, unsigned n)
{
	return words[rng_below(r, n)];
}

#define ANY(r, ...)                                                            \
	any(r, (const char *const[]){ __VA_ARGS__ },                           \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void put_instance(struct text *t, struct rng *r, unsigned i)
{
	unsigned lo = rng_below(r, 250) + 1;

	put(t, "instance i%u ", i);
	if (rng_below(r, 4)) {
		put(t, "10.0.%u.%u", i, lo);
		if (!rng_below(r, 3))
			put(t, " six fd00::%x:%x", i, lo);
	} else {
		put(t, "fd00::1:%x:%x", i, lo);
	}
	put(t, " weight %u priority %u health %s mode %s port %u\n",
	    rng_below(r, 3) * 100, rng_below(r, 2),
	    ANY(r, "passing", "passing", "warning", "critical", "dead"),
	    ANY(r, "active", "active", "active", "draining", "maintenance"),
	    1 + rng_below(r, 9000));
	/* some of its service's, some of nobody's */
	if (!rng_below(r, 3)) {
		put(t, "port %u name p%u\n", 1 + rng_below(r, 9000),
		    rng_below(r, 4));
	}
	if (!rng_below(r, 3))
		put(t, "port %u protocol sctp\n", 1 + rng_below(r, 9000));
	if (!rng_below(r, 3))
		put(t, "meta own %u\n", lo);
	if (!rng_below(r, 2))
		put(t, "tag %s\n", ANY(r, "v1", "v2", "blue"));
}

static void put_service(struct text *t, struct rng *r, unsigned k)
{
	/* some above SERVICE_LINEAR_MAX */
	unsigned n = rng_below(r, 8) ? rng_below(r, 6) : 70;

	put(t, "service s%u protocol %s ttl %u empty %s%s\n", k,
	    ANY(r, "tcp", "udp"), rng_below(r, 100),
	    ANY(r, "nodata", "nxdomain", "all"), ANY(r, "", " name first"));
	if (rng_below(r, 2))
		put(t, "port %u protocol sctp\n", 1 + rng_below(r, 9000));
	for (unsigned p = 0, ports = rng_below(r, 3); p < ports; p++) {
		put(t, "port %u name p%u protocol %s\n", 1 + rng_below(r, 9000),
		    p, ANY(r, "tcp", "udp", "sctp"));
	}
	if (rng_below(r, 2))
		put(t, "meta of service\nmeta and more\n");
	if (!rng_below(r, 3))
		put(t, "tag everybody\n");
	for (unsigned i = 0; i < n; i++)
		put_instance(t, r, i);
}

/* ---- records ---------------------------------------------------------- */

static void add_rr(void *arg, const struct service_rr *rr)
{
	uint8_t wire[2048], *p = wire;
	size_t at = 0;
	ldns_rr *made = NULL;

	assert_true(rr->owner_len + 10u + rr->rdata_len <= sizeof(wire));
	memcpy(p, rr->owner, rr->owner_len);
	p = wire_put16(p + rr->owner_len, rr->type);
	p = wire_put16(p, CLASS_IN);
	p = wire_put32(p, rr->ttl_s);
	p = wire_put16(p, rr->rdata_len);
	memcpy(p, rr->rdata, rr->rdata_len);
	p += rr->rdata_len;
	assert_int_equal(ldns_wire2rr(&made, wire, (size_t)(p - wire), &at,
	                     LDNS_SECTION_ANSWER),
	    LDNS_STATUS_OK);
	assert_int_equal(at, p - wire);
	ldns_rr_list_push_rr(arg, made);
}

static void add_service(void *arg, const struct service *s)
{
	service_each_rr(s, add_rr, arg);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those of an owner and a type (0: any) as sorted lines; to be freed. */
static char *lines_of(
    const ldns_rr_list *all, const ldns_rdf *owner, unsigned type)
{
	size_t n = ldns_rr_list_rr_count(all), k = 0, len = 1;
	char **line = xcalloc(n + 1, sizeof(char *));

	for (size_t i = 0; i < n; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(all, i);

		if (ldns_rr_get_type(rr) == type &&
		    !ldns_dname_compare(ldns_rr_owner(rr), owner)) {
			line[k] = ldns_rr2str(rr);
			len += strlen(line[k++]);
		}
	}
	qsort(line, k, sizeof(char *), by_text);
	char *text = xcalloc(1, len);
	char *end = text;
	for (size_t i = 0; i < k; i++) {
		end = stpcpy(end, line[i]); // NOLINT: of that length in all
		free(line[i]);
	}
	free(line);
	return text;
}

static void compare_name(
    struct world *w, const ldns_rr_list *all, const ldns_rdf *owner)
{
	static const struct {
		const char *text;
		unsigned type;
	} types[] = { { "A", TYPE_A }, { "AAAA", TYPE_AAAA },
		{ "SRV", TYPE_SRV }, { "TXT", TYPE_TXT }, { "PTR", TYPE_PTR } };
	scoped_free char *name = ldns_rdf2str(owner);

	for (unsigned t = 0; t < sizeof(types) / sizeof(*types); t++) {
		scoped_free char *question =
		    xasprintf("%s %s", name, types[t].text);
		struct reply r;

		ask_reply(w, &r, question, ASK_NO_EDNS, VIA_TCP);
		scoped_free char *said =
		    lines_of(r.section[REPLY_ANSWER], owner, types[t].type);
		scoped_free char *listed = lines_of(all, owner, types[t].type);
		if (r.rcode && strcmp(listed, "") == 0)
			assert_int_equal(r.rcode, RCODE_NXDOMAIN);
		if (strcmp(said, listed) != 0) {
			fail_msg(
			    "%s:\nsaid\n%slisted\n%s", question, said, listed);
		}
		reply_release(&r);
	}
}

static void compare_all(struct world *w)
{
	ldns_rr_list *all = ldns_rr_list_new();
	unsigned at = 0;

	while (catalog_each_service(w->catalog, &at, add_service, all))
		;
	ldns_rr_list_sort(all);
	for (size_t i = 0; i < ldns_rr_list_rr_count(all); i++) {
		const ldns_rdf *owner = ldns_rr_owner(ldns_rr_list_rr(all, i));

		if (!i ||
		    ldns_dname_compare(
		        ldns_rr_owner(ldns_rr_list_rr(all, i - 1)), owner) != 0)
			compare_name(w, all, owner);
	}
	/* each comes once */
	for (size_t i = 1; i < ldns_rr_list_rr_count(all); i++) {
		assert_int_not_equal(
		    ldns_rr_compare(
		        ldns_rr_list_rr(all, i - 1), ldns_rr_list_rr(all, i)),
		    0);
	}
	ldns_rr_list_deep_free(all);
}

static void test_as_answers_say(void **state)
{
	struct text *t = xcalloc(1, sizeof(*t));
	struct rng rng;

	(void)state;
	rng_seed_fixed(&rng, 2763);
	for (unsigned round = 0; round < ROUNDS; round++) {
		t->len = 0;
		put(t, "zone svc.test ttl 7 max 0\n");
		for (unsigned k = 0; k < SERVICES; k++)
			put_service(t, &rng, k);
		struct world *w = world_new(t->to);
		compare_all(w);
		world_free(w);
	}
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_answers_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
