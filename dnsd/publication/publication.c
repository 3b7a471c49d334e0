// SPDX-License-Identifier: BSD-2-Clause
/*
 * A change marks its zone (zone.h: has_moved); a step numbers zones that are
 * marked. A block of a service says all that is answered of it, so two equal
 * ones are no change.
 *
 * Whether a number that was kept still names what is answered is known when
 * the registry has been read for the first time. Until then it stands.
 */
#include "dnsd/publication/publication.h"

#include "dnsd/message/data/catalog.h"
#include "dnsd/message/wire/siphash.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

struct published {
	struct zone *zone;
	int64_t stepped_ms;
	bool has_kept;
	struct kept kept;
	/* Of what its services say, while digests are taken. */
	uint64_t sum;
};

struct publication {
	struct catalog *catalog;
	void (*wake)(void *arg);
	void *wake_arg;
	struct published *item;
	unsigned n;
	bool has_begun, has_loaded, is_settled;
	uint32_t revision; /* of the registry that was loaded last */
	uint64_t sum;      /* of all services */
};

/* ---- what changes ----------------------------------------------------- */

static void move_zone(struct publication *p, const struct zone *z)
{
	((struct zone *)(uintptr_t)z)->has_moved = true;
	p->wake(p->wake_arg);
}

static bool answers_alike(const struct service *a, const struct service *b)
{
	size_t len, other_len;
	const uint8_t *x = service_content(a, &len);
	const uint8_t *y = service_content(b, &other_len);

	return len == other_len && !memcmp(x, y, len);
}

/* Names of addresses have been looked at by who keeps them (reverse.c). */
static void on_entered(
    void *arg, const struct service *old, struct service *next)
{
	const struct service *either = next ? next : old;

	if (either && (!old || !next || !answers_alike(old, next)))
		move_zone(arg, either->zone);
}

static void on_replaced(void *arg, struct zone *z, const struct zone_image *old)
{
	if (zone_follows(z) && zone_image(z)->digest != old->digest)
		move_zone(arg, z);
}

/* ---- numbers ---------------------------------------------------------- */

static uint32_t serial_of(const struct published *d)
{
	return atomic_load_explicit(&d->zone->serial, memory_order_relaxed);
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return serial_is_ahead(a, b) ? b : a;
}

/* Everything before this store is there for who loads the number. */
static void set_serial(const struct published *d, uint32_t serial)
{
	d->zone->has_moved = false;
	atomic_store(
	    &d->zone->serial, later(serial, zone_image(d->zone)->serial));
}

static void step(struct published *d, int64_t now_ms)
{
	set_serial(d, serial_of(d) + 1);
	d->stepped_ms = now_ms;
}

int64_t publication_step(struct publication *p, int64_t now_ms)
{
	int64_t wait_ms = -1;

	for (unsigned i = 0; i < p->n; i++) {
		struct published *d = &p->item[i];
		int64_t left_ms = d->stepped_ms + PUBLICATION_STEP_MS - now_ms;

		if (!d->zone->has_moved)
			continue;
		if (left_ms <= 0) {
			step(d, now_ms);
		} else if (wait_ms < 0 || left_ms < wait_ms) {
			wait_ms = left_ms;
		}
	}
	return wait_ms;
}

/* ---- digests ---------------------------------------------------------- */

static void add_service(void *arg, const struct service *s)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "what it answers ";
	struct publication *p = arg;
	size_t len;
	const uint8_t *content = service_content(s, &len);
	uint64_t sum = siphash(key, content, len);
	unsigned i = 0;

	p->sum += sum;
	while (i < p->n && p->item[i].zone != s->zone)
		i++;
	if (i < p->n)
		p->item[i].sum += sum;
}

static void add_services(struct publication *p)
{
	unsigned at = 0;

	p->sum = 0;
	for (unsigned i = 0; i < p->n; i++)
		p->item[i].sum = 0;
	while (catalog_each_service(p->catalog, &at, add_service, p))
		;
}

/* Any service may have an address in a zone of such names. */
static uint64_t digest_of(
    const struct publication *p, const struct published *d)
{
	uint64_t services = d->zone->address_len ? p->sum : d->sum;

	return zone_image(d->zone)->digest + services + d->zone->ttl_s;
}

/* ---- the beginning and the end ---------------------------------------- */

static bool has_exact(const struct publication *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->item[i].has_kept && p->item[i].kept.is_exact)
			return true;
	}
	return false;
}

/* The registry has been read for the first time. */
static void settle_zone(const struct publication *p, struct published *d)
{
	uint32_t serial = serial_of(d);

	if (!d->has_kept) {
		uint32_t today = zone_image(d->zone)->serial + p->revision;

		if (serial_is_ahead(serial, today))
			set_serial(d, today);
	} else if (d->kept.is_exact && d->kept.serial == serial) {
		d->zone->has_moved = digest_of(p, d) != d->kept.digest;
	}
}

static void settle(struct publication *p)
{
	p->is_settled = true;
	if (has_exact(p))
		add_services(p);
	for (unsigned i = 0; i < p->n; i++)
		settle_zone(p, &p->item[i]);
}

static void on_loaded(void *arg, int64_t revision)
{
	struct publication *p = arg;

	p->revision = (uint32_t)revision;
	p->has_loaded = true;
	if (p->has_begun && !p->is_settled) {
		settle(p);
		p->wake(p->wake_arg);
	}
}

void publication_begin(struct publication *p, int64_t now_ms)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct published *d = &p->item[i];
		uint32_t serial = zone_image(d->zone)->serial;

		if (d->has_kept) {
			serial = d->kept.is_exact ? d->kept.serial
			                          : d->kept.serial + 1;
		}
		set_serial(d, serial);
		d->stepped_ms = now_ms - PUBLICATION_STEP_MS;
	}
	p->has_begun = true;
	if (p->has_loaded)
		settle(p);
	/* nobody has seen what was before */
	(void)publication_step(p, now_ms);
}

void publication_end(struct publication *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->item[i].zone->has_moved)
			step(&p->item[i], p->item[i].stepped_ms);
	}
	add_services(p);
	for (unsigned i = 0; i < p->n; i++) {
		struct published *d = &p->item[i];

		d->kept = (struct kept){ serial_of(d), true, digest_of(p, d) };
	}
}

/* ---- life ------------------------------------------------------------- */

static void add_zone(void *arg, struct zone *z)
{
	struct publication *p = arg;

	if (!zone_follows(z))
		return;
	p->item = xreallocarray(p->item, p->n + 1, sizeof(*p->item));
	p->item[p->n++] = (struct published){ .zone = z };
}

struct publication *publication_new(
    struct catalog *c, void (*wake)(void *arg), void *arg)
{
	struct publication *p = xcalloc(1, sizeof(*p));
	const struct catalog_listener l = { .entered = on_entered,
		.replaced = on_replaced,
		.loaded = on_loaded,
		.arg = p };

	p->catalog = c;
	p->wake = wake;
	p->wake_arg = arg;
	catalog_each_zone(c, add_zone, p);
	catalog_listen(c, &l);
	return p;
}

void publication_free(struct publication *p)
{
	if (!p)
		return;
	free(p->item);
	free(p);
}

void publication_restore(
    struct publication *p, const struct dname *zone, const struct kept *k)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct published *d = &p->item[i];

		if (d->zone->name.len == zone->len &&
		    !memcmp(d->zone->name.lower, zone->lower, zone->len)) {
			d->has_kept = true;
			d->kept = *k;
		}
	}
}

unsigned publication_n(const struct publication *p)
{
	return p->n;
}

const struct zone *publication_zone(const struct publication *p, unsigned i)
{
	return p->item[i].zone;
}

struct kept publication_kept(const struct publication *p, unsigned i)
{
	return p->item[i].kept;
}
