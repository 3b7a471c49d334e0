// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/data/zone.h"

#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

struct zone *zone_new(const struct dname *name, uint64_t hash_seed)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	z->name = *name;
	dname_hash(&z->name, hash_seed);
	z->hash = z->name.suffix_hash[z->name.label_n];
	z->hash_seed = hash_seed;
	roster_init(&z->roster);
	return z;
}

struct zone_image *zone_set_image(struct zone *z, struct zone_image *image)
{
	return (struct zone_image *)(uintptr_t)atomic_exchange(
	    &z->image, image);
}

void zone_free(void *zone)
{
	struct zone *z = zone;

	if (!z)
		return;
	zone_image_free(zone_set_image(z, NULL));
	roster_release(&z->roster);
	free(z);
}

static bool same_protocol(
    const struct zone_protocol *p, const uint8_t *label, uint8_t len)
{
	return len < sizeof(p->label) && !memcmp(p->label, label, len) &&
	       !p->label[len];
}

bool zone_has_protocol(
    const struct zone *z, const uint8_t *label, uint8_t label_len)
{
	unsigned n = atomic_load(&z->protocol_n);

	for (unsigned i = 0; i < n; i++) {
		if (same_protocol(&z->protocol[i], label, label_len))
			return atomic_load(&z->protocol[i].service_n) > 0;
	}
	/* it may be one that was not counted: NODATA harms nobody */
	return atomic_load(&z->protocol_overflow);
}

bool zone_count_protocol(struct zone *z, const char label[16], int change)
{
	unsigned n = atomic_load(&z->protocol_n);
	unsigned i = 0;

	while (i < n && memcmp(z->protocol[i].label, label, 16) != 0)
		i++;
	if (i == ZONE_PROTOCOLS_MAX) {
		atomic_store(&z->protocol_overflow, true);
		return false;
	}
	if (i == n) {
		memcpy(z->protocol[i].label, label, 16);
		atomic_store(&z->protocol_n, n + 1);
	}
	atomic_fetch_add(&z->protocol[i].service_n, (unsigned)change);
	return true;
}

/* ---- services that come and go ----------------------------------------- */

static struct zone *zone_of(const struct service *s)
{
	return (struct zone *)(uintptr_t)s->zone;
}

static void count_protocols(const struct service *s, int change)
{
	const char *protocol;
	unsigned at = 0;

	while ((protocol = service_protocol(s, &at)))
		(void)zone_count_protocol(zone_of(s), protocol, change);
}

/* `_P.Z` is there before a service of the protocol, and gone after it. */
static void on_leaving(
    void *arg, const struct service *old, struct service *next)
{
	(void)arg;
	(void)old;
	if (next)
		count_protocols(next, 1);
}

static void on_entered(
    void *arg, const struct service *old, struct service *next)
{
	(void)arg;
	if (old && next) {
		roster_replace(&zone_of(old)->roster, old, next);
	} else if (next) {
		roster_add(&zone_of(next)->roster, next);
	} else if (old) {
		roster_remove(&zone_of(old)->roster, old);
	}
	if (old)
		count_protocols(old, -1);
}

const struct catalog_listener zone_listener = { .leaving = on_leaving,
	.entered = on_entered };
