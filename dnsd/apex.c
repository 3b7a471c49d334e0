// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/apex.h"

#include "dnsd/address.h"
#include "dnsd/options.h"
#include "dnsd/zone.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
	APEX_TTL_S = 3600,
	/* SOA timers for secondaries, RFC 1912 section 2.2 */
	REFRESH_S = 3600,
	RETRY_S = 600,
	EXPIRE_S = 86400,
	ZONE_LEN_MAX = 122, /* octets: as the registry allows */
};

static int to_name(const char *text, struct dname *ret_n, struct diag *reterr)
{
	if (!dname_from_text(ret_n, text)) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected a domain name", text);
	}
	return 0;
}

/* The i-th name server: as given, or ns1.ZONE. */
static int ns_name(const struct options *o, const struct zone *z,
    const char *zone, unsigned i, struct dname *ret_n, struct diag *reterr)
{
	scoped_free char *own = xasprintf("ns1.%s", zone);
	int error = to_name(o->ns.n ? o->ns.items[i] : own, ret_n, reterr);

	if (!error)
		dname_hash(ret_n, z->hash_seed);
	return error;
}

static void add_address(struct zone *z, const struct dname *owner,
    const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *in4 = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->ss_family == AF_INET) {
		zone_add(z, owner, TYPE_A, APEX_TTL_S,
		    (const void *)&in4->sin_addr, 4);
	} else {
		zone_add(z, owner, TYPE_AAAA, APEX_TTL_S,
		    (const void *)&in6->sin6_addr, 16);
	}
}

/* As given; else those that are listened on and say where that is. */
static int add_addresses(const struct options *o, struct zone *z,
    const struct dname *owner, struct diag *reterr)
{
	const struct conf_strings *list =
	    o->ns_addresses.n ? &o->ns_addresses : &o->listen;

	for (unsigned i = 0; i < list->n; i++) {
		struct address a;
		int error = address_parse(list->items[i], &a, reterr);

		if (error)
			return error;
		if (!address_is_wildcard(&a))
			add_address(z, owner, &a.storage);
	}
	return 0;
}

static bool lies_in(const struct dname *n, const struct zone *z)
{
	return n->label_n >= z->name.label_n && n->len >= z->name.len &&
	       n->suffix_hash[z->name.label_n] == z->hash;
}

static int add_ns(const struct options *o, struct zone *z, const char *zone,
    struct diag *reterr)
{
	unsigned n = o->ns.n ? o->ns.n : 1;

	for (unsigned i = 0; i < n; i++) {
		struct dname name;
		int error = ns_name(o, z, zone, i, &name, reterr);

		if (error)
			return error;
		zone_add(
		    z, &z->name, TYPE_NS, APEX_TTL_S, name.lower, name.len);
		if (lies_in(&name, z))
			error = add_addresses(o, z, &name, reterr);
		if (error)
			return error;
	}
	return 0;
}

static int add_soa(const struct options *o, struct zone *z, const char *zone,
    struct diag *reterr)
{
	scoped_free char *own = xasprintf("hostmaster.%s", zone);
	uint8_t rdata[2 * WIRE_NAME_MAX + 20];
	struct dname mname, rname;
	uint8_t *p = rdata;
	int error = ns_name(o, z, zone, 0, &mname, reterr);

	if (!error) {
		error = to_name(
		    o->hostmaster ? o->hostmaster : own, &rname, reterr);
	}
	if (error)
		return error;
	memcpy(p, mname.lower, mname.len);
	p += mname.len;
	memcpy(p, rname.lower, rname.len);
	p = wire_put32(p + rname.len, 0); /* the serial is z->serial */
	p = wire_put32(p, REFRESH_S);
	p = wire_put32(p, RETRY_S);
	p = wire_put32(p, EXPIRE_S);
	p = wire_put32(p, (uint32_t)(o->negative_ttl_ms / 1000));
	zone_add(
	    z, &z->name, TYPE_SOA, APEX_TTL_S, rdata, (uint16_t)(p - rdata));
	return 0;
}

int apex_zone(const struct options *o, const char *name, uint64_t hash_seed,
    struct zone **ret_z, struct diag *reterr)
{
	struct dname dname;
	int error = to_name(name, &dname, reterr);

	if (error)
		return error;
	if (dname.len > ZONE_LEN_MAX || !dname.label_n) {
		return diag_set(reterr, -EINVAL,
		    "found zone '%s', expected a name of 1 to %d octets", name,
		    ZONE_LEN_MAX - 2);
	}
	/* presentation format without the final dot, as it is in the rows */
	struct zone *z = zone_new(&dname, hash_seed);
	z->ttl_s = (uint32_t)(o->ttl_ms / 1000);
	z->max_answers = o->max_answers ? (uint16_t)o->max_answers : UINT16_MAX;
	error = add_soa(o, z, name, reterr);
	if (!error)
		error = add_ns(o, z, name, reterr);
	if (error) {
		zone_free(z);
		return error;
	}
	*ret_z = z;
	return 0;
}
