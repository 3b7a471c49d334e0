// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/conflict.h"

#include "dnsd/message/answer/lookup.h"
#include "dnsd/message/data/catalog.h"
#include "dnsd/message/data/reverse.h"
#include "schema/base/log.h"

#include <stdio.h>

enum { TYPE_NONE = 0, TYPES_MAX = 8 };

/* Types that somebody has at a name; ends with TYPE_NONE. */
struct types {
	uint16_t at[TYPES_MAX];
	unsigned n;
};

static void add_type(struct types *t, uint16_t type, bool has)
{
	if (has)
		t->at[t->n++] = type;
}

/* What stands before a service's data of these types; NULL: nothing. */
static const char *hidden_by(
    const struct zone *z, const struct dname *name, const struct types *types)
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
	for (unsigned k = 0; k < types->n; k++) {
		unsigned i = 0;

		if (!node_rrset(found.node, types->at[k]))
			continue;
		while (texts[i].type != types->at[k])
			i++;
		return texts[i].text;
	}
	return NULL;
}

static void tell(struct conflicts *c, const uint8_t *name, const char *what)
{
	char text[DNAME_TEXT_MAX];
	size_t room = sizeof(c->names) - c->len;

	dname_to_text(name, text);
	int n = snprintf(
	    c->names + c->len, room, "%s%s %s", c->n ? ", " : "", text, what);
	if (n > 0 && (size_t)n < room) {
		c->len += (size_t)n;
	} else {
		c->names[c->len] = '\0';
	}
	c->n++;
}

/* A name as wire format; longer than a name for what is too long. */
struct name {
	size_t len;
	uint8_t wire[3 * WIRE_NAME_MAX];
};

static void put(struct name *n, const void *octets, size_t len)
{
	memcpy(n->wire + n->len, octets, len);
	n->len += len;
}

static void put_underscored(struct name *n, const void *label, size_t len)
{
	n->wire[n->len++] = (uint8_t)(len + 1);
	n->wire[n->len++] = '_';
	put(n, label, len);
}

/* `what` a zone of ours, or records of z, do to a name that z is to have. */
static bool check(struct conflicts *c, const struct zone *z,
    const struct name *n, const struct types *types)
{
	struct dname name;
	const char *what;

	if (!dname_parse(&name, n->wire, n->len, 0))
		return false;
	dname_hash(&name, z->hash_seed);
	what = catalog_zone(c->catalog, &name, name.label_n) != z
	           ? "zone"
	           : hidden_by(z, &name, types);
	if (what)
		tell(c, name.lower, what);
	return what != NULL;
}

/* ---- services --------------------------------------------------------- */

static struct name service_name(const struct service *s)
{
	struct name n = { 0 };

	put(&n, s->name, s->name_len);
	return n;
}

/* _S._P.Z */
static struct name browsed_name(
    const struct service *s, const char protocol[16])
{
	struct name n = { 0 };

	put_underscored(&n, s->name + 1, s->name[0]);
	put_underscored(&n, protocol, strnlen(protocol, sizeof(s->protocol)));
	put(&n, s->zone->name.lower, s->zone->name.len);
	return n;
}

static struct name below(const uint8_t *label, const struct name *parent)
{
	struct name n = { 0 };

	put(&n, label, 1u + *label);
	put(&n, parent->wire, parent->len);
	return n;
}

/* Families that some instance has, healthy or not. */
static uint8_t families_of(const struct service *s)
{
	uint8_t families = 0;

	for (unsigned i = 0; i < s->instance_n; i++)
		families |= service_instance_at(s, i)->flags;
	return families;
}

static struct types types_of(
    uint8_t families, const struct record_set *txt, bool ptr)
{
	struct types t = { 0 };

	add_type(&t, TYPE_A, families & INSTANCE_IPV4);
	add_type(&t, TYPE_AAAA, families & INSTANCE_IPV6);
	add_type(&t, TYPE_SRV, true);
	add_type(&t, TYPE_TXT, txt && txt->n);
	add_type(&t, TYPE_PTR, ptr);
	return t;
}

/* Are there other names below that one, or zones below the whole? */
static bool may_hide_below(const struct zone *z, const struct name *n)
{
	struct dname name;

	if (atomic_load(&z->below_n))
		return true;
	if (!dname_parse(&name, n->wire, n->len, 0))
		return false;
	dname_hash(&name, z->hash_seed);
	return zone_image_find(zone_image(z), name.suffix_hash[name.label_n],
	    name.lower, name.len);
}

/* I.S.Z and I._S._P.Z */
static void check_instances(struct conflicts *c, const struct service *s,
    const struct name *own, const struct name *browsed)
{
	const struct types sd =
	    types_of(0, &(struct record_set){ .n = 1 }, false);
	bool looks_own = own && may_hide_below(s->zone, own);
	bool looks_browsed = browsed && may_hide_below(s->zone, browsed);

	for (unsigned i = 0; (looks_own || looks_browsed) && i < s->instance_n;
	     i++) {
		const struct service_instance *in = service_instance_at(s, i);
		const struct record_set txt =
		    service_instance_records(s, i, TYPE_TXT);
		const struct types types = types_of(in->flags, &txt, false);

		if (looks_own) {
			const struct name n = below(in->label, own);

			(void)check(c, s->zone, &n, &types);
		}
		if (looks_browsed) {
			const struct name n = below(in->label, browsed);

			(void)check(c, s->zone, &n, &sd);
		}
	}
}

/* _T._sub._S._P.Z */
static void check_subtypes(
    struct conflicts *c, const struct service *s, const struct name *browsed)
{
	static const uint8_t sub[] = "\4_sub";
	const struct service_subtypes *all = service_at(s, s->subtypes);
	const struct name parent = below(sub, browsed);
	const struct types ptr = { { TYPE_PTR }, 1 };

	if (!s->subtypes || !may_hide_below(s->zone, &parent))
		return;
	for (unsigned k = 0; k < all->n; k++) {
		const struct name n =
		    below(service_at(s, all->item[k].label), &parent);

		(void)check(c, s->zone, &n, &ptr);
	}
}

/* _N._P.S.Z, of each port that has a name. */
static void check_port_names(struct conflicts *c, const struct service *s)
{
	const struct service_ports *all = service_at(s, s->ports);
	const struct types srv = { { TYPE_SRV }, 1 };

	for (unsigned k = 0; k < all->n; k++) {
		const struct service_port *p = &all->item[k];
		const uint8_t *label = service_at(s, p->name);
		struct name n = { 0 };

		if (!p->name)
			continue;
		put(&n, label, 1u + *label);
		put_underscored(
		    &n, p->protocol, strnlen(p->protocol, sizeof(p->protocol)));
		put(&n, s->name, s->name_len);
		(void)check(c, s->zone, &n, &srv);
	}
}

void conflicts_add(struct conflicts *c, const struct service *s)
{
	const struct record_set txt = service_records(s, TYPE_TXT);
	const struct types types = types_of(families_of(s), &txt, false);
	const struct types sd = { { TYPE_SRV, TYPE_PTR }, 2 };
	const struct name own = service_name(s);
	bool hidden = check(c, s->zone, &own, &types);
	/* what hides the whole is told once, and so is what is no protocol's */
	const struct name *once = hidden ? NULL : &own;
	const char *protocol;
	unsigned at = 0;

	while ((protocol = service_protocol(s, &at))) {
		const struct name browsed = browsed_name(s, protocol);
		bool sd_hidden = check(c, s->zone, &browsed, &sd);

		check_instances(c, s, once, sd_hidden ? NULL : &browsed);
		if (!sd_hidden)
			check_subtypes(c, s, &browsed);
		once = NULL;
	}
	if (!hidden && s->ports && may_hide_below(s->zone, &own))
		check_port_names(c, s);
}

/* ---- zones ------------------------------------------------------------ */

/* What a zone with services answers to who browses it. */
void conflicts_add_browsing(struct conflicts *c, const struct zone *z)
{
	static const char *const labels[] = { "\11_services", "\1b", "\2lb",
		"\2db" };
	static const char domain[] = "\7_dns-sd\4_udp";
	const struct types ptr = { { TYPE_PTR }, 1 };

	for (unsigned i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		struct name n = { 0 };

		put(&n, labels[i], strlen(labels[i]));
		put(&n, domain, sizeof(domain) - 1);
		put(&n, z->name.lower, z->name.len);
		(void)check(c, z, &n, &ptr);
	}
}

/* The service that has or would have names in a zone below its own. */
static const struct service *service_above(
    const struct catalog *c, const struct zone *z, const struct zone *above)
{
	unsigned k = z->name.label_n - above->name.label_n;
	uint8_t len;
	const uint8_t *label = dname_label(&z->name, k - 1, &len);

	if (label[0] != '_') {
		return catalog_find(c, above,
		    z->name.suffix_hash[above->name.label_n + 1], label, len);
	}
	if (k < 2)
		return NULL;
	label = dname_label(&z->name, k - 2, &len);
	if (len < 2 || label[0] != '_')
		return NULL;
	label++;
	len--;
	return catalog_find(c, above,
	    dname_hash_label(above->hash_seed, above->hash, label, len), label,
	    len);
}

void conflicts_add_zone(struct conflicts *c, const struct zone *z)
{
	const struct zone *above =
	    z->name.label_n
	        ? catalog_zone(c->catalog, &z->name, z->name.label_n - 1u)
	        : NULL;
	const struct service *s = above && above->has_services
	                              ? service_above(c->catalog, z, above)
	                              : NULL;

	if (s)
		conflicts_add(c, s);
}

static bool lies_in(const struct dname *n, const struct zone *z)
{
	return n->len >= z->name.len && !memcmp(n->lower + n->len - z->name.len,
	                                    z->name.lower, z->name.len);
}

void conflicts_add_addresses(
    struct conflicts *c, const struct service *s, const struct zone *z)
{
	const struct types ptr = { { TYPE_PTR }, 1 };

	if (!z->file || (z->address_len != 4 && !s->ipv6))
		return;
	for (unsigned i = 0; i < s->instance_n; i++) {
		const uint8_t *a = service_address_at(s, i, z->address_len);
		struct dname name;
		const char *what;

		if (!a)
			continue;
		reverse_name_of(&name, a, z->address_len);
		if (!lies_in(&name, z))
			continue;
		dname_hash(&name, z->hash_seed);
		what = hidden_by(z, &name, &ptr);
		if (what)
			tell(c, name.lower, what);
	}
}

void conflicts_report(struct conflicts *c)
{
	if (c->n) {
		log_warn("static records go before services of the same "
		         "name and type, as do zones below: names=%u, "
		         "first: %s",
		    c->n, c->names);
	}
	*c = (struct conflicts){ .catalog = c->catalog };
}
