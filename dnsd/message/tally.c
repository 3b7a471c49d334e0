// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/tally.h"

#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

struct tallies {
	unsigned n, taken, service_n;
	struct tally *item[];
};

/* As the names below; everything else is 0. */
const uint8_t tally_type_number[256] = {
	[TYPE_A] = 1,
	[TYPE_AAAA] = 2,
	[TYPE_SRV] = 3,
	[TYPE_TXT] = 4,
	[TYPE_PTR] = 5,
	[TYPE_NS] = 6,
	[TYPE_CNAME] = 7,
	[TYPE_SOA] = 8,
	[TYPE_ANY] = 9,
	[TYPE_MX] = 10,
	[TYPE_HTTPS] = 11,
	[TYPE_SVCB] = 12,
	[TYPE_DS] = 13,
	[48] = 14, /* DNSKEY */
	[TYPE_AXFR] = 15,
	[TYPE_IXFR] = 16,
	[35] = 17, /* NAPTR */
	[52] = 18, /* TLSA */

};

static const char *const type_names[TALLY_TYPES] = { "other", "A", "AAAA",
	"SRV", "TXT", "PTR", "NS", "CNAME", "SOA", "ANY", "MX", "HTTPS", "SVCB",
	"DS", "DNSKEY", "AXFR", "IXFR", "NAPTR", "TLSA" };

static const char *const feature_names[FEATURES] = {
	[FEATURE_EDNS] = "edns",
	[FEATURE_DNSSEC_OK] = "dnssec_ok",
	[FEATURE_COOKIE] = "cookie",
	[FEATURE_NSID] = "nsid",
	[FEATURE_KEEPALIVE] = "keepalive",
	[FEATURE_PADDING] = "padding",
};

const char *tally_type_name(unsigned type)
{
	return type_names[type];
}

const char *tally_feature_name(enum tally_feature f)
{
	return feature_names[f];
}

static size_t tally_len(unsigned service_n)
{
	return sizeof(struct tally) +
	       ((size_t)service_n + 1) * OUTCOME_ROOM * sizeof(uint64_t);
}

/* Zeros from the kernel, which pages that nobody touches do not cost. */
static struct tally *tally_new(unsigned service_n)
{
	void *p = mmap(NULL, tally_len(service_n), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

struct tallies *tallies_new(unsigned n, unsigned service_n)
{
	struct tallies *t = xcalloc(1, sizeof(*t) + n * sizeof(struct tally *));

	t->n = n;
	t->service_n = service_n;
	for (unsigned i = 0; i < n; i++)
		t->item[i] = tally_new(service_n);
	return t;
}

void tallies_free(struct tallies *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++)
		(void)munmap(t->item[i], tally_len(t->service_n));
	free(t);
}

struct tally *tallies_take(struct tallies *t)
{
	assert(t->taken < t->n);
	return t->item[t->taken++];
}

unsigned tallies_services(const struct tallies *t)
{
	return t->service_n;
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

uint64_t tallies_request(
    const struct tallies *t, unsigned zone, unsigned type, unsigned via)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const struct tally *one = t->item[i];

		sum += read_counter(&one->request[zone][type][via]);
		for (unsigned r = 0; r < TALLY_RCODE_ROOM; r++)
			sum += read_counter(&one->plain[zone][type][via][r]);
	}
	return sum;
}

uint64_t tallies_response(const struct tallies *t, unsigned zone, enum stat s)
{
	unsigned r = s - STAT_NOERROR;
	uint64_t sum = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const struct tally *one = t->item[i];

		sum += read_counter(&one->response[zone][r]);
		for (unsigned type = 0; type < TALLY_TYPES; type++) {
			for (unsigned v = 0; v < TALLY_VIAS; v++) {
				sum +=
				    read_counter(&one->plain[zone][type][v][r]);
			}
		}
	}
	return sum;
}

uint64_t tallies_feature(const struct tallies *t, enum tally_feature f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < t->n; i++) {
		for (unsigned k = 0; k < 1u << FEATURES; k++) {
			if (k >> f & 1)
				sum += read_counter(&t->item[i]->feature[k]);
		}
	}
	return sum;
}

uint64_t tallies_service(
    const struct tallies *t, uint32_t meter, enum tally_outcome o)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < t->n; i++)
		sum += read_counter(&t->item[i]->service[meter][o]);
	return sum;
}

unsigned tallies_durations(
    const struct tallies *t, const struct histogram **ret_h, unsigned max)
{
	unsigned n = t->n < max ? t->n : max;

	for (unsigned i = 0; i < n; i++)
		ret_h[i] = &t->item[i]->duration;
	return n;
}
