// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/registry/loader.h"

#include "dnsd/message/data/catalog.h"
#include "dnsd/registry/compile.h"
#include "dnsd/registry/expiry.h"
#include "dnsd/registry/memory.h"
#include "dnsd/registry/subtypes.h"
#include "dnsd/zonefile/conflict.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ZONE_TEXT_MAX = 256,
	LABEL_TEXT_MAX = 64,
	TOLD_MAX = 64, /* rows that cannot be read; more are told again */
	CLOCK_STEP_MS = 1000, /* back by less is not a step */
	WEIGH_EACH = 256,     /* instances, while they are read */
	WEIGHT = 256,         /* octets that one takes then, about */
	RETRY_MS = 1000,      /* what there was no memory for; and no more */
	RETRY_SHARE = 20,     /* than such a part of the time */
};

struct loader {
	struct catalog *catalog;
	struct reclaim *reclaim;
	struct compiler *compiler;
	struct expiry_heap expiries;
	struct follow_place place;
	struct registry *registry; /* being read */
	uint32_t stamp;            /* of the full load going on */
	bool was_all;
	struct memory *memory;
	unsigned refused_n; /* for want of it */
	int64_t retry_ms;   /* when to read them again */
	/* of the service being read */
	unsigned instance_n, broken_n;
	bool is_refused;
	/* what cannot be read, and has been told: "zone/service/instance" */
	char *told[TOLD_MAX];
	unsigned told_n;
	int64_t last_wall_ms; /* when expired leases were looked for */
	struct zone *zone;    /* of the service being read; NULL: not ours */
	char zone_text[ZONE_TEXT_MAX]; /* which `zone` was found by */
	char service[LABEL_TEXT_MAX];
	struct conflicts conflicts; /* of what is being loaded */
	void (*on_put)(void *arg, const struct compile_result *r);
	void *on_put_arg;
};

struct loader *loader_new(struct catalog *c, struct reclaim *rec)
{
	struct loader *l = xcalloc(1, sizeof(*l));

	l->catalog = c;
	l->reclaim = rec;
	l->conflicts.catalog = c;
	l->compiler = compiler_new();
	l->memory = memory_new();
	return l;
}

void loader_free(struct loader *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->told_n; i++)
		free(l->told[i]);
	compiler_free(l->compiler);
	memory_free(l->memory);
	expiry_release(&l->expiries);
	free(l);
}

void loader_on_put(struct loader *l,
    void (*fn)(void *arg, const struct compile_result *r), void *arg)
{
	l->on_put = fn;
	l->on_put_arg = arg;
}

static void copy_text(char *to, const char *from, size_t room)
{
	size_t len = strnlen(from, room - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

/* Rows come sorted by zone, so the last one is nearly always right. */
static struct zone *zone_named(struct loader *l, const char *text)
{
	struct dname name;

	if (strcmp(l->zone_text, text) != 0 || !l->zone) {
		l->zone = dname_from_text(&name, text)
		              ? catalog_find_zone(l->catalog, &name)
		              : NULL;
		/* zones of files alone come and go */
		if (l->zone && !l->zone->has_services)
			l->zone = NULL;
		copy_text(l->zone_text, text, sizeof(l->zone_text));
	}
	return l->zone;
}

/* ---- rows as they come ------------------------------------------------ */

static void on_meta(void *arg, const char *key, const char *value)
{
	compile_meta(arg, key, value);
}

static void on_tag(void *arg, const char *tag)
{
	compile_tag(arg, tag);
}

static void on_port(void *arg, const struct port_row *row)
{
	compile_port(arg, row);
}

static void take_words(
    struct loader *l, const char *meta, const char *tags, const char *ports)
{
	if (ports) {
		(void)registry_ports_each(
		    l->registry, ports, on_port, l->compiler);
	}
	if (meta && strcmp(meta, "{}") != 0) {
		(void)registry_meta_each(
		    l->registry, meta, on_meta, l->compiler);
	}
	if (tags && strcmp(tags, "[]") != 0) {
		(void)registry_tags_each(
		    l->registry, tags, on_tag, l->compiler);
	}
}

static void on_service(void *arg, const struct service_row *row)
{
	struct loader *l = arg;

	copy_text(l->service, row->name, sizeof(l->service));
	l->instance_n = l->broken_n = 0;
	l->is_refused = false;
	if (!zone_named(l, row->zone))
		return;
	compile_begin(l->compiler, l->zone, row, clock_wall_ms());
	if (catalog_reverse(l->catalog))
		compile_index_addresses(l->compiler);
	take_words(l, row->meta, row->tags, row->ports);
}

static const struct service *find_named(const struct loader *l)
{
	uint8_t label[LABEL_TEXT_MAX + 8] = { 0 };
	size_t len = strlen(l->service);

	memcpy(label, l->service, len);
	return catalog_find(l->catalog, l->zone,
	    dname_hash_label(l->zone->hash_seed, l->zone->hash, label, len),
	    label, (uint8_t)len);
}

/* What was that large before is replaced, and goes. */
static bool may_read_on(struct loader *l)
{
	const struct service *old = find_named(l);

	return (old && old->instance_n >= l->instance_n) ||
	       memory_allows(l->memory, (size_t)WEIGH_EACH * WEIGHT);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct loader *l = arg;

	if (!l->zone)
		return;
	l->instance_n++;
	if (l->instance_n % WEIGH_EACH == 0 && !may_read_on(l))
		l->is_refused = true;
	if (!l->is_refused && compile_add(l->compiler, row))
		take_words(l, row->meta, row->tags, row->ports);
}

static void remove_service(void *arg, const char *zone, const char *service)
{
	struct loader *l = arg;
	uint8_t label[LABEL_TEXT_MAX + 8] = { 0 };
	size_t len = strlen(service);
	const struct zone *z = zone_named(l, zone);

	if (!z || !len)
		return;
	memcpy(label, service, len);
	(void)catalog_remove(l->catalog, z,
	    dname_hash_label(z->hash_seed, z->hash, label, len), label,
	    (uint8_t)len);
}

/* What stands in the catalog under the name of a service now. */
static const struct service *find_put(
    const struct loader *l, const struct service *s)
{
	return catalog_find(
	    l->catalog, s->zone, s->hash, s->name + 1, s->name[0]);
}

/*
 * One entry for each service at a time, however often it changes: an earlier
 * look that is queued already finds out what is next.
 */
static void queue_look(struct loader *l, struct service *s, int64_t at_wall_ms)
{
	const struct service *old = find_put(l, s);

	if (!at_wall_ms)
		return;
	if (old && old->stamp == l->stamp &&
	    old->queued_wall_ms > clock_wall_ms() &&
	    old->queued_wall_ms <= at_wall_ms) {
		s->queued_wall_ms = old->queued_wall_ms;
		return;
	}
	s->queued_wall_ms = at_wall_ms;
	expiry_add(&l->expiries, at_wall_ms, l->zone, l->service);
}

static void find_conflicts(struct loader *l, const struct service *s)
{
	const struct zone *const *zones;
	unsigned n = catalog_reverse_zones(l->catalog, &zones);

	conflicts_add(&l->conflicts, s);
	for (unsigned i = 0; i < n; i++)
		conflicts_add_addresses(&l->conflicts, s, zones[i]);
}

/* ---- what cannot be read ---------------------------------------------- */

/* Says it once, until it can be read again. */
static void tell_broken(struct loader *l, const char *zone, const char *service,
    const char *instance, const char *why)
{
	scoped_free char *key =
	    xasprintf("%s/%s/%s", zone, service, instance ? instance : "");

	for (unsigned i = 0; i < l->told_n; i++) {
		if (!strcmp(l->told[i], key))
			return;
	}
	if (instance) {
		log_warn("instance '%s' of service '%s' in zone '%s' is left "
		         "out: %s",
		    instance, service, zone, why);
	} else {
		log_warn("service '%s' in zone '%s' cannot be read, what was "
		         "known of it stays: %s",
		    service, zone, why);
	}
	if (l->told_n < TOLD_MAX)
		l->told[l->told_n++] = take_ptr(&key);
}

/* All of the service could be read. */
static void forget_told(struct loader *l, const char *zone, const char *service)
{
	unsigned n = 0;

	if (!l->told_n)
		return;
	scoped_free char *prefix = xasprintf("%s/%s/", zone, service);
	for (unsigned i = 0; i < l->told_n; i++) {
		if (strncmp(l->told[i], prefix, strlen(prefix)) != 0) {
			l->told[n++] = l->told[i];
		} else {
			free(l->told[i]);
		}
	}
	if (n < l->told_n) {
		log_info("service '%s' in zone '%s' can be read again", service,
		    zone);
	}
	l->told_n = n;
}

/* There is one, and no more is known of it. */
static void put_unreadable(struct loader *l, const char *service)
{
	const struct service_row row = { .zone = l->zone_text,
		.name = service,
		.protocol = "tcp",
		.port = ROW_DEFAULT,
		.ttl_s = ROW_DEFAULT,
		.max_answers = ROW_DEFAULT,
		.tags = "[]",
		.meta = "{}" };
	struct compile_result result;

	compile_begin(l->compiler, l->zone, &row, clock_wall_ms());
	if (compile_finish(l->compiler, &result, NULL) < 0)
		return; /* not even a name */
	result.service->stamp = l->stamp;
	result.service->flags |= SERVICE_UNREADABLE;
	catalog_put(l->catalog, result.service);
}

/* What was answered of it stays. False: nothing was. */
static bool keep_known(
    const struct loader *l, const struct zone *z, const char *service)
{
	uint8_t label[LABEL_TEXT_MAX + 8] = { 0 };
	size_t len = strlen(service);

	memcpy(label, service, len);
	return catalog_keep(l->catalog, z,
	    dname_hash_label(z->hash_seed, z->hash, label, len), label,
	    (uint8_t)len, l->stamp);
}

/* SERVFAIL if nothing was. */
static void keep_service(
    struct loader *l, const char *zone, const char *service)
{
	const struct zone *z = zone_named(l, zone);
	size_t len = strlen(service);

	if (z && len && len < LABEL_TEXT_MAX && !keep_known(l, z, service))
		put_unreadable(l, service);
}

static void on_broken(void *arg, const char *zone, const char *service,
    const char *instance, const char *why)
{
	struct loader *l = arg;

	if (!zone_named(l, zone))
		return;
	tell_broken(l, zone, service, instance, why);
	if (instance) {
		l->broken_n++;
	} else {
		keep_service(l, zone, service);
	}
}

/* ---- what there is no memory for -------------------------------------- */

static bool fits(struct loader *l, const struct service *s)
{
	const struct service *old = find_put(l, s);
	size_t before = old ? old->size : 0;

	return s->size <= before || memory_allows(l->memory, s->size - before);
}

/* A name that is not known may be that of this one. */
static void refuse(struct loader *l)
{
	if (!l->refused_n++)
		l->retry_ms = clock_mono_ms() + RETRY_MS;
	if (!keep_known(l, l->zone, l->service))
		atomic_store(&l->zone->is_partial, true);
}

/* ---- what can --------------------------------------------------------- */

static void on_done(void *arg)
{
	struct loader *l = arg;
	struct compile_result result;
	struct diag diag;

	if (!l->zone)
		return;
	if (l->is_refused) {
		refuse(l);
		return;
	}
	if (l->broken_n && !l->instance_n) { /* nobody is left of it */
		keep_service(l, l->zone_text, l->service);
		return;
	}
	if (!l->broken_n)
		forget_told(l, l->zone_text, l->service);
	if (compile_finish(l->compiler, &result, &diag) < 0) {
		log_warn("service '%s' in zone '%s' is not served: %s",
		    l->service, l->zone_text, diag.text);
		remove_service(l, l->zone_text, l->service);
		return;
	}
	if (!fits(l, result.service)) {
		free(result.service);
		refuse(l);
		return;
	}
	if (result.dropped_n) {
		log_warn("service '%s' in zone '%s': %u instances left out, "
		         "expected at most %d with names of 255 octets in all",
		    l->service, l->zone_text, result.dropped_n,
		    SERVICE_INSTANCES_MAX);
	}
	if (result.dropped_pair_n) {
		log_warn("service '%s' in zone '%s': %u pairs of metadata left "
		         "out of TXT, expected KEY=VALUE of at most 255 octets "
		         "and 8192 in all",
		    l->service, l->zone_text, result.dropped_pair_n);
	}
	if (result.dropped_tag_n) {
		log_warn("service '%s' in zone '%s': %u tags left out of "
		         "subtypes, expected at most %d different ones",
		    l->service, l->zone_text, result.dropped_tag_n,
		    SUBTYPES_MAX);
	}
	result.service->stamp = l->stamp;
	queue_look(l, result.service, result.next_expiry_wall_ms);
	if (!find_put(l, result.service))
		find_conflicts(l, result.service);
	catalog_put(l->catalog, result.service);
	if (l->on_put)
		l->on_put(l->on_put_arg, &result);
}

/* ---- what the registry gives ------------------------------------------ */

static void find_browsing_conflicts(void *arg, struct zone *z)
{
	struct loader *l = arg;

	if (z->has_services && z->file)
		conflicts_add_browsing(&l->conflicts, z);
}

static void set_read(void *arg, struct zone *z)
{
	const struct loader *l = arg;

	atomic_store(&z->is_unread, false);
	if (!l->refused_n)
		atomic_store(&z->is_partial, false);
}

static void on_all(void *arg)
{
	struct loader *l = arg;

	l->was_all = true;
	l->stamp++;
	l->refused_n = 0;
	expiry_release(&l->expiries);
}

static void on_all_done(void *arg)
{
	struct loader *l = arg;

	(void)catalog_sweep(l->catalog, l->stamp);
	catalog_each_zone(l->catalog, set_read, l);
}

static void on_pause(void *arg, int64_t revision)
{
	const struct loader *l = arg;

	(void)revision;
	(void)reclaim_run(l->reclaim);
}

static struct follow_reader reader(struct loader *l)
{
	return (struct follow_reader){ .all = on_all,
		.all_done = on_all_done,
		.visitor = { on_service, on_instance, on_done, l, on_broken },
		.gone = remove_service,
		.pause = on_pause,
		.arg = l };
}

/* A clock that was ahead has judged leases by a time not yet come. */
static void look_at_clock(struct loader *l)
{
	int64_t now_wall_ms = clock_wall_ms();

	if (now_wall_ms + CLOCK_STEP_MS < l->last_wall_ms)
		l->place = (struct follow_place){ 0 };
	l->last_wall_ms = now_wall_ms;
}

static int load_expired(struct loader *l, struct follow *f, struct diag *reterr)
{
	const struct follow_reader r = reader(l);
	struct expiry e;
	char zone[DNAME_TEXT_MAX];
	int error = 0;

	while (!error && expiry_take(&l->expiries, clock_wall_ms(), &e)) {
		dname_to_text(e.zone->name.lower, zone);
		zone[strlen(zone) - 1] = '\0'; /* rows have no final dot */
		error = follow_read_service(
		    f, &l->place, zone, e.service, &r, reterr);
		if (error) { /* tried again at the next look */
			expiry_add(
			    &l->expiries, e.at_wall_ms, e.zone, e.service);
		}
	}
	return error;
}

static int load_news(struct loader *l, struct follow *f, struct diag *reterr)
{
	const struct follow_reader r = reader(l);
	int error = follow_read(f, &l->place, &r, reterr);

	if (error)
		return error;
	if (l->was_all) {
		catalog_loaded(l->catalog, l->place.revision);
		catalog_each_zone(l->catalog, find_browsing_conflicts, l);
	}
	conflicts_report(&l->conflicts);
	return 0;
}

/* Perhaps there is memory now, or less to be read. */
static void look_at_refused(struct loader *l)
{
	if (!l->refused_n || clock_mono_ms() < l->retry_ms)
		return;
	l->place = (struct follow_place){ 0 };
}

static void retry_later(struct loader *l, int64_t start_ms)
{
	int64_t now_ms = clock_mono_ms();
	int64_t pause_ms = (now_ms - start_ms) * RETRY_SHARE;

	l->retry_ms = now_ms + (pause_ms > RETRY_MS ? pause_ms : RETRY_MS);
}

int loader_load(
    struct loader *l, struct follow *f, bool *ret_all, struct diag *reterr)
{
	int64_t start_ms = clock_mono_ms();

	l->registry = follow_registry(f);
	l->was_all = false;
	look_at_clock(l);
	look_at_refused(l);
	int error = follow_is_behind(f, &l->place, reterr);
	if (error > 0)
		error = load_news(l, f, reterr);
	if (l->was_all)
		retry_later(l, start_ms);
	*ret_all = l->was_all && !error;
	if (error)
		return error;
	error = load_expired(l, f, reterr);
	/* it was set back a moment ago: the next look reads everything */
	return error == -ESTALE ? 0 : error;
}

unsigned loader_refused_n(const struct loader *l)
{
	return l->refused_n;
}

void loader_reclaim(struct loader *l)
{
	(void)reclaim_run(l->reclaim);
}

int64_t loader_revision(const struct loader *l)
{
	return l->place.revision;
}

size_t loader_service_n(const struct loader *l)
{
	return catalog_service_n(l->catalog);
}
