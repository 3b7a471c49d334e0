// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/zonefile/apex.h"

#include "dnsd/message/data/reverse.h"
#include "dnsd/message/data/zone.h"
#include "dnsd/message/data/zone_build.h"
#include "dnsd/options.h"
#include "dnsd/transport/address.h"
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
};

static int to_name(const char *text, struct dname *ret_n, struct diag *reterr)
{
	if (!dname_from_text(ret_n, text)) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected a domain name", text);
	}
	return 0;
}

/*
 * A mailbox as a name (RFC 1035 section 8): `hostmaster.example.com`, or as
 * people write it, with `@`; dots before that are part of the first label.
 */
static int mailbox_name(
    const char *text, struct dname *ret_n, struct diag *reterr)
{
	const char *at = strchr(text, '@');
	scoped_free char *name = xmalloc(2 * strlen(text) + 1);
	char *p = name;

	for (const char *s = text; *s; s++) {
		if (at && s < at && *s == '.')
			*p++ = '\\';
		*p = *s;
		if (s == at)
			*p = '.';
		p++;
	}
	*p = '\0';
	return to_name(name, ret_n, reterr);
}

/* A zone in the making, and its name as text with the final dot. */
struct apex {
	const struct options *o;
	const struct zone *z;
	struct zone_build *b;
	char zone[DNAME_TEXT_MAX];
};

/* The i-th name server: as given, or ns1.ZONE. */
static int ns_name(
    const struct apex *a, unsigned i, struct dname *ret_n, struct diag *reterr)
{
	scoped_free char *own = xasprintf("ns1.%s", a->zone);
	int error =
	    to_name(a->o->ns.n ? a->o->ns.items[i] : own, ret_n, reterr);

	if (!error)
		dname_hash(ret_n, a->z->hash_seed);
	return error;
}

static int add(const struct apex *a, const struct dname *owner, uint16_t type,
    const void *rdata, size_t len, struct diag *reterr)
{
	return zone_build_add(
	    a->b, owner, type, APEX_TTL_S, rdata, (uint16_t)len, 0, reterr);
}

static int add_address(const struct apex *a, const struct dname *owner,
    const struct sockaddr_storage *sa, struct diag *reterr)
{
	const struct sockaddr_in *in4 = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	if (sa->ss_family == AF_INET)
		return add(a, owner, TYPE_A, &in4->sin_addr, 4, reterr);
	return add(a, owner, TYPE_AAAA, &in6->sin6_addr, 16, reterr);
}

/* As given; else those that are listened on and say where that is. */
static int add_addresses(
    const struct apex *a, const struct dname *owner, struct diag *reterr)
{
	const struct conf_strings *list =
	    a->o->ns_addresses.n ? &a->o->ns_addresses : &a->o->listen;
	int error = 0;

	for (unsigned i = 0; i < list->n && !error; i++) {
		struct address address;

		error = address_parse(
		    list->items[i], ADDRESS_PORT_DNS, &address, reterr);
		if (!error && !address_is_wildcard(&address))
			error = add_address(a, owner, &address.storage, reterr);
	}
	return error;
}

static bool lies_in(const struct dname *n, const struct zone *z)
{
	return n->label_n >= z->name.label_n && n->len >= z->name.len &&
	       n->suffix_hash[z->name.label_n] == z->hash;
}

static int add_ns(const struct apex *a, struct diag *reterr)
{
	unsigned n = a->o->ns.n ? a->o->ns.n : 1;
	int error = 0;

	for (unsigned i = 0; i < n && !error; i++) {
		struct dname name;

		error = ns_name(a, i, &name, reterr);
		if (!error) {
			error = add(a, &a->z->name, TYPE_NS, name.lower,
			    name.len, reterr);
		}
		if (!error && lies_in(&name, a->z))
			error = add_addresses(a, &name, reterr);
	}
	return error;
}

static int add_soa(const struct apex *a, struct diag *reterr)
{
	scoped_free char *own = xasprintf("hostmaster.%s", a->zone);
	uint8_t rdata[2 * WIRE_NAME_MAX + 20];
	struct dname mname, rname;
	uint8_t *p = rdata;
	int error = ns_name(a, 0, &mname, reterr);

	if (!error) {
		error = mailbox_name(
		    a->o->hostmaster ? a->o->hostmaster : own, &rname, reterr);
	}
	if (error)
		return error;
	memcpy(p, mname.lower, mname.len);
	p += mname.len;
	memcpy(p, rname.lower, rname.len);
	p = wire_put32(p + rname.len, 0); /* the registry's is added */
	p = wire_put32(p, REFRESH_S);
	p = wire_put32(p, RETRY_S);
	p = wire_put32(p, EXPIRE_S);
	p = wire_put32(p, (uint32_t)(a->o->negative_ttl_ms / 1000));
	return add(
	    a, &a->z->name, TYPE_SOA, rdata, (size_t)(p - rdata), reterr);
}

int apex_image(const struct options *o, const struct zone *z,
    struct zone_image **ret_image, struct diag *reterr)
{
	struct apex a = {
		.o = o, .z = z, .b = zone_build_new(&z->name, z->hash_seed)
	};
	uint32_t where;

	dname_to_text(z->name.lower, a.zone);
	int error = add_soa(&a, reterr);
	if (!error)
		error = add_ns(&a, reterr);
	if (!error)
		error = zone_build_image(a.b, ret_image, &where, reterr);
	zone_build_free(a.b);
	return error;
}

int apex_zone(const struct options *o, const char *name, uint64_t hash_seed,
    struct zone **ret_z, struct diag *reterr)
{
	struct zone_image *image;
	struct dname dname;
	int error = to_name(name, &dname, reterr);

	if (error)
		return error;
	if (dname.len > APEX_ZONE_LEN_MAX || !dname.label_n) {
		return diag_set(reterr, -EINVAL,
		    "found zone '%s', expected a name of 1 to %d octets", name,
		    APEX_ZONE_LEN_MAX - 2);
	}
	struct zone *z = zone_new(&dname, hash_seed);
	z->address_len = reverse_address_len(&dname);
	z->has_services = !z->address_len;
	z->ttl_s = (uint32_t)(o->ttl_ms / 1000);
	z->max_answers = (uint16_t)o->max_answers;
	error = apex_image(o, z, &image, reterr);
	if (error) {
		zone_free(z);
		return error;
	}
	(void)zone_set_image(z, image);
	*ret_z = z;
	return 0;
}
