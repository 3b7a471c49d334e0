// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_dns - `dns: "{address}:53"`: what a DNS server answers.
 */
#include "registrar/definition/definition_parts.h"
#include "registrar/net/dns_message.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_PORT 53
#define EXPECT_MAX 64
#define AT(member) .offset = offsetof(struct check_spec, dns.member)

static int take_type(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	uint16_t type = dns_type_parse(node->text);

	if (!type) {
		return conf_bad(c, node, "found %s for '%s', expected %s",
		    conf_describe(c, node), f->key, f->expects);
	}
	*(uint16_t *)at = type;
	return 0;
}

/* In the order of enum dns_expected; the first ones are those of RCODEs. */
static const char *const answers[] = { "noerror", "formerr", "servfail",
	"nxdomain", "notimp", "refused", "nodata", "any", NULL };

static const struct conf_field fields[] = {
	{ .key = "dns",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "a server such as '{address}:{port}'",
	    AT(to) },
	{ .key = "query",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "the name to ask for",
	    AT(name) },
	{ .key = "type",
	    .kind = CONF_CUSTOM,
	    .custom = take_type,
	    .expects = "a type of records such as A or SRV",
	    .fallback = "A",
	    AT(type) },
	{ .key = "answer", .kind = CONF_ENUM, .names = answers, AT(answer) },
	{ .key = "expect",
	    .kind = CONF_STRINGS,
	    .expects = "a list of the data of records",
	    AT(expect) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = { .what = "a dns check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct check_dns *d = &((struct check_spec *)base)->dns;
	const struct conf_node *node = conf_get(map, "expect");

	if (d->expect.n && d->answer != DNS_NOERROR) {
		return conf_bad(c, node->key,
		    "found 'expect' beside 'answer: %s', expected one of them",
		    answers[d->answer]);
	}
	if (d->expect.n <= EXPECT_MAX)
		return 0;
	return conf_bad(c, node, "found %u records for 'expect', expected %d",
	    d->expect.n, EXPECT_MAX);
}

/* ---- resolving -------------------------------------------------------- */

static int resolve_name(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, const char **name)
{
	int r = template_fill(c, at, TEMPLATE_PLAIN, *name, v, name);

	if (r < 0 || dns_name_is_valid(*name))
		return r;
	return conf_bad(
	    c, at, "found '%s' for 'query', expected a domain name", *name);
}

static int resolve_data(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_dns *d)
{
	const char **items =
	    arena_alloc(c->arena, d->expect.n + 1, sizeof(*items));

	for (unsigned i = 0; i < d->expect.n; i++) {
		const char *text = d->expect.items[i];
		int r = template_fill(c, at, TEMPLATE_PLAIN, text, v, &text);

		if (r < 0)
			return r;
		items[i] = dns_data_canonical(c->arena, d->type, text);
		if (!items[i]) {
			return conf_bad(c, at,
			    "found '%s' for 'expect', expected the data of a "
			    "record of this type",
			    text);
		}
	}
	d->expect.items = items;
	return 0;
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct check_dns *d = &s->dns;
	struct endpoint e;
	int r = resolve_endpoint(
	    c, conf_get(at, "dns"), v, DEFAULT_PORT, &d->to, &e);

	d->address = e.address;
	d->port = e.port;
	if (resolve_name(c, conf_get(at, "query"), v, &d->name) < 0)
		r = -EINVAL;
	if (d->expect.n && resolve_data(c, conf_get(at, "expect"), v, d) < 0)
		r = -EINVAL;
	return r;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_dns *a = &x->dns, *b = &y->dns;

	if (strcmp(a->to, b->to) != 0 || strcmp(a->name, b->name) != 0 ||
	    a->type != b->type || a->answer != b->answer ||
	    a->expect.n != b->expect.n)
		return false;
	for (unsigned i = 0; i < a->expect.n; i++) {
		if (strcmp(a->expect.items[i], b->expect.items[i]) != 0)
			return false;
	}
	return true;
}

const struct check_type check_type_dns = {
	.name = "dns",
	.kind = CHECK_DNS,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
