// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/conflict.h"

#include "dnsd/message/answer/lookup.h"
#include "dnsd/message/data/reverse.h"
#include "dnsd/message/data/service.h"
#include "dnsd/message/data/zone.h"
#include "schema/base/log.h"

#include <stdio.h>

enum { TYPE_NONE = 0 };

/* What stands before a service's data of these types; NULL: nothing. */
static const char *hidden_by(
    const struct zone *z, const struct dname *name, const uint16_t *types)
{
	static const struct {
		uint16_t type;
		const char *text;
	} texts[] = { { TYPE_A, "A" }, { TYPE_AAAA, "AAAA" },
		{ TYPE_SRV, "SRV" }, { TYPE_TXT, "TXT" }, { TYPE_PTR, "PTR" } };
	struct lookup found;

	lookup_name(&found, zone_image(z), name, TYPE_A);
	if (found.kind == LOOKUP_CUT)
		return "NS";
	if (found.kind == LOOKUP_DNAME)
		return "DNAME";
	if (found.kind != LOOKUP_NODE)
		return NULL;
	if (node_rrset(found.node, TYPE_CNAME))
		return "CNAME";
	for (; *types != TYPE_NONE; types++) {
		unsigned i = 0;

		if (!node_rrset(found.node, *types))
			continue;
		while (texts[i].type != *types)
			i++;
		return texts[i].text;
	}
	return NULL;
}

static void check(struct conflicts *c, const struct zone *z,
    const uint8_t *wire, size_t len, const uint16_t *types)
{
	char text[DNAME_TEXT_MAX];
	struct dname name;

	if (!dname_parse(&name, wire, len, 0))
		return;
	dname_hash(&name, z->hash_seed);
	const char *what = hidden_by(z, &name, types);
	if (!what)
		return;
	dname_to_text(name.lower, text);
	size_t room = sizeof(c->names) - c->len;
	int n = snprintf(
	    c->names + c->len, room, "%s%s %s", c->n ? ", " : "", text, what);
	if (n > 0 && (size_t)n < room) {
		c->len += (size_t)n;
	} else {
		c->names[c->len] = '\0';
	}
	c->n++;
}

/* `_` and the label, as a label. */
static size_t put_underscored(uint8_t *p, const uint8_t *label, size_t len)
{
	p[0] = (uint8_t)(len + 1);
	p[1] = '_';
	memcpy(p + 2, label, len);
	return len + 2;
}

static void check_instances(struct conflicts *c, const struct service *s)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA, TYPE_SRV, TYPE_TXT,
		TYPE_NONE };
	uint8_t wire[2 * WIRE_NAME_MAX];

	for (unsigned i = 0; i < s->instance_n; i++) {
		const struct service_instance *in = service_instance_at(s, i);
		size_t len = 1u + in->label[0];

		memcpy(wire, in->label, len);
		memcpy(wire + len, s->name, s->name_len);
		check(c, s->zone, wire, len + s->name_len, types);
	}
}

void conflicts_add(struct conflicts *c, const struct service *s)
{
	static const uint16_t types[] = { TYPE_A, TYPE_AAAA, TYPE_SRV, TYPE_TXT,
		TYPE_NONE };
	static const uint16_t srv_types[] = { TYPE_SRV, TYPE_PTR, TYPE_NONE };
	const struct zone_image *m = zone_image(s->zone);
	const struct zone *z = s->zone;
	uint8_t wire[2 * WIRE_NAME_MAX];
	unsigned before = c->n;

	check(c, z, s->name, s->name_len, types);
	size_t len = put_underscored(wire, s->name + 1, s->name[0]);
	len += put_underscored(wire + len, (const uint8_t *)s->protocol,
	    strnlen(s->protocol, sizeof(s->protocol)));
	memcpy(wire + len, z->name.lower, z->name.len);
	check(c, z, wire, len + z->name.len, srv_types);
	/* records of instances lie below a node of the service's name */
	if (c->n == before && zone_image_find(m, s->hash, s->name, s->name_len))
		check_instances(c, s);
}

static bool lies_in(const struct dname *n, const struct zone *z)
{
	return n->len >= z->name.len && !memcmp(n->lower + n->len - z->name.len,
	                                    z->name.lower, z->name.len);
}

void conflicts_add_addresses(
    struct conflicts *c, const struct service *s, const struct zone *z)
{
	static const uint16_t types[] = { TYPE_PTR, TYPE_NONE };

	if (!z->file || (z->address_len != 4 && !s->ipv6))
		return;
	for (unsigned i = 0; i < s->instance_n; i++) {
		const uint8_t *a = service_address_at(s, i, z->address_len);
		struct dname name;

		if (!a)
			continue;
		reverse_name_of(&name, a, z->address_len);
		if (lies_in(&name, z))
			check(c, z, name.lower, name.len, types);
	}
}

void conflicts_report(struct conflicts *c)
{
	if (c->n) {
		log_warn("static records go before services of the same name "
		         "and type: names=%u, first: %s",
		    c->n, c->names);
	}
	*c = (struct conflicts){ 0 };
}
