// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_udp - `udp: "{address}:{port}"`: a datagram and its answer.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct check_spec, udp.member)

/* In the order of enum udp_silence. */
static const char *const silences[] = { "critical", "passing", NULL };

static const struct conf_field fields[] = {
	{ .key = "udp",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}'",
	    AT(to) },
	{ .key = "send",
	    .kind = CONF_CUSTOM,
	    .custom = take_payload,
	    .expects = PAYLOAD_RULE,
	    AT(send) },
	{ .key = "expect",
	    .kind = CONF_CUSTOM,
	    .custom = take_regex,
	    .expects = "a POSIX extended regular expression",
	    AT(expect) },
	{ .key = "silence", .kind = CONF_ENUM, .names = silences, AT(silence) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = { .what = "a udp check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct check_udp *u = &((struct check_spec *)base)->udp;

	if (!u->expect || u->silence == SILENCE_CRITICAL)
		return 0;
	return conf_bad(c, conf_get(map, "silence"),
	    "found 'passing' for 'silence' beside 'expect', expected one of "
	    "them");
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct endpoint e;
	int r = resolve_endpoint(c, conf_get(at, "udp"), v, 0, &s->udp.to, &e);

	s->udp.address = e.address;
	s->udp.port = e.port;
	return r;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_udp *a = &x->udp, *b = &y->udp;

	return strcmp(a->to, b->to) == 0 && a->silence == b->silence &&
	       payload_equal(&a->send, &b->send) &&
	       regex_equal(a->expect, b->expect);
}

const struct check_type check_type_udp = {
	.name = "udp",
	.kind = CHECK_UDP,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
