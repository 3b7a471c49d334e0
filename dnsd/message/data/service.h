// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * service - one service with all its instances, compiled for answering.
 *
 * One block of memory, immutable once published: a header, the instances as
 * records of equal size, and what only some services have. A typical service
 * of seven instances takes 220 octets, four cache lines in a row. Health is
 * applied when the block is made (compile.c), never for a query.
 *
 *	struct service | S.Z, wire format | instances | groups | ipv6 | ...
 *
 * The instances that may be in an answer come first, in the order of their
 * priorities; those of one priority are a group and are drawn by weight.
 */
#include "dnsd/message/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

enum {
	SERVICE_INSTANCES_MAX = 65535,
	/* Above it draws use cumulative weights, and names an index. */
	SERVICE_LINEAR_MAX = 64,
};

enum service_flag {
	SERVICE_NX_WHEN_EMPTY = 1, /* on_empty: nxdomain */
	SERVICE_ADDRESS_INDEX = 2, /* see service_find_address() */
	SERVICE_UNREADABLE = 4,    /* nothing of it is known but that it is */
	/* Before s->records: where each instance's are, 0: none. */
	SERVICE_INSTANCE_RECORDS = 8,
	SERVICE_ALL_ADDRESSES = 16, /* max_answers: all; else TC */
};

enum instance_flag {
	INSTANCE_IPV4 = 1,
	INSTANCE_IPV6 = 2,
	INSTANCE_DRAINING = 4, /* in SRV with weight 0, in no address answer */
};

/* The fixed part of an instance; its label follows, length octet first. */
struct service_instance {
	uint8_t ipv4[4];
	uint8_t flags;
	uint8_t unused;
	/* RDLENGTH, priority, weight and port of its SRV record, as sent. */
	uint8_t srv[8];
	uint8_t label[]; /* name: length octet, then at most 63 */
};

/* Instances of one priority: `n` of them, from `first` on. */
struct service_group {
	uint32_t total; /* of their weights */
	uint16_t first, n;
};

struct service {
	const struct zone *zone;
	uint64_t hash; /* of S.Z: dname_hash() */
	uint32_t size; /* octets of the whole block */
	/* Control thread's own: where it stands in the zone's roster. */
	uint32_t place;
	/* Control thread's own: a look at its leases is queued; 0: none. */
	int64_t queued_wall_ms;
	uint32_t stamp; /* control thread's own: which full load saw it */
	uint32_t meter; /* its number in what is counted (tally.h); 0: none */
	uint16_t instance_n;
	uint16_t eligible_n;     /* in SRV answers: the first ones */
	uint16_t ipv4_n, ipv6_n; /* of those, in A and in AAAA answers */
	uint16_t group_n;
	uint16_t stride; /* octets from instance to instance */
	uint32_t ttl_s;
	uint16_t max_answers; /* of an address answer; 65535: all that fit */
	uint8_t flags;
	uint8_t name_len;  /* octets of S.Z */
	char protocol[16]; /* of the first port; no underscore, NUL-padded */
	/* Where the parts lie, octets from the start; 0: there is none. */
	uint32_t instances, groups, ipv6, cumulative, index;
	uint32_t records;  /* struct service_records, of S.Z */
	uint32_t subtypes; /* struct service_subtypes */
	uint32_t ports;    /* struct service_ports; 0: one, without a name */
	uint8_t name[];    /* S.Z */
};

/*
 * A port: SRV of `_N._P.S.Z` if it has a name, and of `_S._P.Z` if it is the
 * first of its protocol.
 */
struct service_port {
	char protocol[16]; /* without underscore, NUL-padded */
	uint32_t name;     /* where `_N` lies, length octet first; 0: none */
	/* Two octets for each instance, as sent; 0: those in its `srv`. */
	uint32_t numbers;
	uint32_t is_first; /* of its protocol */
};

struct service_ports {
	uint32_t n;
	struct service_port item[]; /* as they are listed */
};

/*
 * What a name has besides addresses and SRV: one item for each type. Whoever
 * adds a type gives its records to compile_record(); no other place need know
 * of it.
 */
struct service_record {
	uint16_t type, n;
	uint32_t at; /* n times RDLENGTH and RDATA, as sent */
};

struct service_records {
	uint32_t n;
	struct service_record item[];
};

/* Such records, wherever they lie. */
struct record_set {
	uint16_t type, n; /* n is 0: there are none */
	const uint8_t *at;
};

/* `_T._sub._S._P.Z`, RFC 6763 section 7.1: the instances with tag T. */
struct service_subtype {
	uint32_t label;   /* where `_T` lies, length octet first */
	uint32_t members; /* where their numbers lie, 16 bits each; 0: all */
	uint32_t n;       /* those that may be in an answer */
};

struct service_subtypes {
	uint32_t n;
	struct service_subtype item[];
};

static inline const void *service_at(const struct service *s, uint32_t offset)
{
	return (const uint8_t *)s + offset;
}

static inline const struct service_instance *service_instance_at(
    const struct service *s, unsigned i)
{
	return service_at(s, s->instances + i * s->stride);
}

/* Sixteen octets for each instance, zero where it has none. */
static inline const uint8_t *service_ipv6_at(
    const struct service *s, unsigned i)
{
	return (const uint8_t *)service_at(s, s->ipv6) + 16 * (size_t)i;
}

static inline uint16_t instance_weight(const struct service_instance *i)
{
	return wire_get16(i->srv + 4);
}

/*
 * Everything that answers are made of, octets that the same rows always give:
 * two services of one name with the same content answer alike.
 */
static inline const uint8_t *service_content(
    const struct service *s, size_t *ret_len)
{
	size_t from = offsetof(struct service, instance_n);

	*ret_len = s->size - from;
	return (const uint8_t *)s + from;
}

/* The label of a service without its length octet. */
static inline const uint8_t *service_label(
    const struct service *s, uint8_t *ret_len)
{
	*ret_len = s->name[0];
	return s->name + 1;
}

/* Where the table of an instance lies; 0: it has none. */
static inline uint32_t service_instance_table(
    const struct service *s, unsigned i)
{
	const uint32_t *end = service_at(s, s->records);

	return s->flags & SERVICE_INSTANCE_RECORDS
	           ? end[(int)i - (int)s->instance_n]
	           : 0;
}

/* Records of S.Z, and of one instance. */
struct record_set service_records(const struct service *s, uint16_t type);
struct record_set service_instance_records(
    const struct service *s, unsigned i, uint16_t type);
/* TXT of the first of both that has it, or an empty one: never none. */
struct record_set service_sd_txt(const struct service *s, unsigned i);

/*
 * The protocols of its ports, each once: *at is 0 at first; NULL: no more.
 */
const char *service_protocol(const struct service *s, unsigned *at);
/*
 * The first port of protocol `_P` (a label, lower case) that has the name
 * `_N`; name NULL: the first of the protocol, whatever its name. NULL: there
 * is none, or it is the only one of the service and has no name.
 */
const struct service_port *service_find_port(const struct service *s,
    const uint8_t *protocol, uint8_t protocol_len, const uint8_t *name,
    uint8_t name_len);
/* Two octets for each instance, as sent; NULL: as in its `srv`. */
static inline const uint8_t *service_port_numbers(
    const struct service *s, const struct service_port *p)
{
	return p->numbers ? service_at(s, p->numbers) : NULL;
}
/* Has any port of protocol `_P` a name? */
bool service_has_port_name(
    const struct service *s, const uint8_t *protocol, uint8_t len);

/* Is the label `_P`? protocol: without underscore, NUL-padded. */
static inline bool protocol_is(
    const char protocol[16], const uint8_t *label, uint8_t len)
{
	return len - 1u < 16 && !protocol[len - 1] &&
	       !memcmp(label + 1, protocol, len - 1u);
}

/* The subtype of that label (`_T`, lower case), or NULL. */
const struct service_subtype *service_find_subtype(
    const struct service *s, const uint8_t *label, uint8_t len);

/*
 * A block may be read, not used, this far beyond its parts: records are
 * copied in steps of sixteen octets.
 */
enum { SERVICE_SLACK = 16 };

/* Index of the instance with that label (lower case), or -1. */
int service_find_instance(
    const struct service *s, const uint8_t *label, uint8_t len);

/*
 * The index of a service with more than SERVICE_LINEAR_MAX instances: 32-bit
 * words, first the number of slots (a power of two, at most half of them
 * used), then in each slot 1 + the instance, or 0; open addressing from this
 * hash of the label on.
 */
uint32_t service_index_hash(const uint8_t *label, uint8_t len);

/*
 * The instance that has an address of 4 or 16 octets, or -1; of several the
 * one whose name comes first (RFC 4034 section 6.1).
 *
 * With SERVICE_ADDRESS_INDEX a second index of the same form lies behind that
 * of the labels: in each slot 1 + twice the instance, and one more for its
 * IPv6 address. Each address is there once.
 */
int service_find_address(
    const struct service *s, const uint8_t *address, size_t address_len);
uint32_t service_address_hash(const uint8_t *address, size_t address_len);

/* Address of an instance in that family; NULL: it has none. */
static inline const uint8_t *service_address_at(
    const struct service *s, unsigned i, size_t address_len)
{
	const struct service_instance *in = service_instance_at(s, i);

	if (address_len == sizeof(in->ipv4))
		return in->flags & INSTANCE_IPV4 ? in->ipv4 : NULL;
	return in->flags & INSTANCE_IPV6 ? service_ipv6_at(s, i) : NULL;
}

/* Order of two labels, length octet first, as in RFC 4034 section 6.1. */
int label_order(const uint8_t *a, const uint8_t *b);
