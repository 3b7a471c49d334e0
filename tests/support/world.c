// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/world.h"

#include "dnsd/message/data/reverse.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/batch.h"

#include <assert.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32, SEED = 42 };

struct words {
	const char *line;
	char *word[WORDS_MAX];
	unsigned n;
};

static void check(bool ok, const struct words *w, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "world: %s in '%s'\n", what, w->line);
	abort();
}

/* The value after a word, from word `from` on; NULL: not there. */
static const char *value_of(
    const struct words *w, unsigned from, const char *key)
{
	for (unsigned i = from; i + 1 < w->n; i += 2) {
		if (!strcmp(w->word[i], key))
			return w->word[i + 1];
	}
	return NULL;
}

static int number_of(
    const struct words *w, unsigned from, const char *key, int otherwise)
{
	const char *value = value_of(w, from, key);

	return value ? (int)strtol(value, NULL, 10) : otherwise;
}

static int index_of(const struct words *w, unsigned from, const char *key,
    const char *const *names, unsigned n)
{
	const char *value = value_of(w, from, key);

	if (!value)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(names[i], value))
			return (int)i;
	}
	check(false, w, "unknown word");
	return -1;
}

static void check_keys(
    const struct words *w, unsigned from, const char *const *keys)
{
	check((w->n - from) % 2 == 0, w, "a word without value");
	for (unsigned i = from; i < w->n; i += 2) {
		unsigned k = 0;

		while (keys[k] && strcmp(keys[k], w->word[i]) != 0)
			k++;
		check(keys[k], w, "unknown key");
	}
}

static void make_name(
    const struct world *w, struct dname *ret_name, const char *text)
{
	bool whole = *text && text[strlen(text) - 1] == '.';
	scoped_free char *full = whole ? xstrdup(text)
	                         : !strcmp(text, "@")
	                             ? xstrdup(w->zone_name)
	                             : xasprintf("%s.%s", text, w->zone_name);

	bool ok = dname_from_text(ret_name, full);
	assert(ok);
	(void)ok;
	dname_hash(ret_name, catalog_seed(w->catalog));
}

/* ---- lines ------------------------------------------------------------ */

static void finish_service(struct world *w)
{
	struct diag diag;

	if (!w->in_service)
		return;
	w->in_service = false;
	int r = compile_finish(w->compiler, &w->last, &diag);
	if (r < 0) {
		(void)fprintf(stderr, "world: %s\n", diag.text);
		abort();
	}
	catalog_put(w->catalog, w->last.service);
}

/* A record in presentation format to octets, which the caller frees. */
static uint8_t *make_record(
    struct world *w, const char *owner, const char *text, size_t *ret_len)
{
	scoped_free char *origin_text = xasprintf("%s.", w->zone_name);
	scoped_free char *line = xasprintf("%s %s", owner, text);
	ldns_rdf *origin = ldns_dname_new_frm_str(origin_text);
	ldns_rr *rr = NULL;
	uint8_t *wire = NULL;

	if (ldns_rr_new_frm_str(&rr, line, 0, origin, NULL) != LDNS_STATUS_OK ||
	    ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, ret_len) !=
	        LDNS_STATUS_OK) {
		(void)fprintf(stderr, "world: bad record '%s'\n", line);
		abort();
	}
	ldns_rr_free(rr);
	ldns_rdf_deep_free(origin);
	return wire;
}

/* Adds one, its names lower case on the wire. */
static void add_record(struct world *w, const char *owner, const char *text)
{
	struct dname name;
	struct diag diag;
	size_t len;
	scoped_free uint8_t *wire = make_record(w, owner, text, &len);

	size_t n = dname_parse(&name, wire, len, 0);
	assert(n && len >= n + 10);
	dname_hash(&name, catalog_seed(w->catalog));
	int error = zone_build_add(w->build, &name, wire_get16(wire + n),
	    wire_get32(wire + n + 4), wire + n + 10, wire_get16(wire + n + 8),
	    0, &diag);
	assert(!error);
	(void)error;
}

static void add_apex(struct world *w, int negative_s, const char *hostmaster)
{
	scoped_free char *soa =
	    xasprintf("3600 IN SOA ns1 %s 0 3600 600 86400 %d",
	        hostmaster ? hostmaster : "hostmaster", negative_s);

	add_record(w, "@", soa);
	add_record(w, "@", "3600 IN NS ns1");
	add_record(w, "ns1", "3600 IN A 192.0.2.53");
	add_record(w, "ns1", "3600 IN AAAA 2001:db8::53");
}

static void on_zone(struct world *w, const struct words *l)
{
	static const char *const keys[] = { "ttl", "negative", "max",
		"hostmaster", NULL };
	struct dname name;

	check(l->n >= 2, l, "no name");
	check_keys(l, 2, keys);
	finish_service(w);
	(void)snprintf(w->zone_name, sizeof(w->zone_name), "%s", l->word[1]);
	bool ok = dname_from_text(&name, w->zone_name);
	check(ok, l, "bad name");
	dname_hash(&name, catalog_seed(w->catalog));
	for (unsigned i = 0; i < w->zone_n; i++) {
		w->zone = w->zones[i].zone;
		w->build = w->zones[i].build;
		if (w->zone == catalog_find_zone(w->catalog, &name))
			return;
	}
	check(w->zone_n < WORLD_ZONES_MAX, l, "too many zones");
	w->zone = zone_new(&name, catalog_seed(w->catalog));
	w->zone->ttl_s = (uint32_t)number_of(l, 2, "ttl", 5);
	w->zone->max_answers = (uint16_t)number_of(l, 2, "max", UINT16_MAX);
	w->zone->address_len = reverse_address_len(&name);
	w->zone->has_services = !w->zone->address_len;
	atomic_store(&w->zone->serial, 7);
	w->build = zone_build_new(&name, catalog_seed(w->catalog));
	w->zones[w->zone_n].zone = w->zone;
	w->zones[w->zone_n++].build = w->build;
	add_apex(
	    w, number_of(l, 2, "negative", 2), value_of(l, 2, "hostmaster"));
	if (w->zone->address_len)
		reverse_begin(w->catalog, w->reclaim);
	catalog_add_zone(w->catalog, w->zone);
}

/* Words from `from` on, one of them preceded by the class. */
static void join(const struct words *l, unsigned from, unsigned class,
    char *ret_text, size_t size)
{
	size_t len = 0;

	*ret_text = '\0';
	for (unsigned i = from; i < l->n && len < size; i++) {
		len += (size_t)snprintf(ret_text + len, size - len, "%s%s%s",
		    i > from ? " " : "", i == class ? "IN " : "", l->word[i]);
	}
}

static void on_record(struct world *w, const struct words *l)
{
	char text[1024];

	check(l->n >= 5 && w->zone, l, "not owner, TTL, type and data");
	join(l, 2, 3, text, sizeof(text));
	add_record(w, l->word[1], text);
}

static void on_data(struct world *w, const struct words *l)
{
	char text[1024];
	size_t len;

	check(l->n >= 3 && w->in_service, l, "not type and data");
	join(l, 1, 1, text, sizeof(text));
	scoped_free uint8_t *wire = make_record(w, ". 0", text, &len);
	if (!w->left_out) { /* behind the root: type, class, TTL, length */
		compile_record(
		    w->compiler, wire_get16(wire + 1), wire + 11, len - 11);
	}
}

static void on_service(struct world *w, const struct words *l)
{
	static const char *const keys[] = { "protocol", "port", "ttl", "max",
		"empty", "name", NULL };
	static const char *const empties[] = { "nodata", "nxdomain", "all" };
	const char *protocol = value_of(l, 2, "protocol");

	check(l->n >= 2 && w->zone, l, "no name or no zone");
	check_keys(l, 2, keys);
	finish_service(w);
	struct service_row row = {
		.zone = w->zone_name,
		.name = l->word[1],
		.protocol = protocol ? protocol : "tcp",
		.port = number_of(l, 2, "port", ROW_DEFAULT),
		.port_name = value_of(l, 2, "name"),
		.ttl_s = number_of(l, 2, "ttl", ROW_DEFAULT),
		.max_answers = number_of(l, 2, "max", ROW_DEFAULT),
		.on_empty =
		    (enum on_empty)index_of(l, 2, "empty", empties, ON_EMPTY_N),
	};
	compile_begin(w->compiler, w->zone, &row, w->now_wall_ms);
	if (catalog_reverse(w->catalog))
		compile_index_addresses(w->compiler);
	w->in_service = true;
	w->left_out = false;
}

static void on_instance(struct world *w, const struct words *l)
{
	static const char *const keys[] = { "six", "port", "priority", "weight",
		"warning", "health", "mode", "lease", NULL };
	static const char *const healths[] = { "passing", "starting", "warning",
		"critical", "dead" };
	static const enum health by_word[] = { HEALTH_PASSING, HEALTH_STARTING,
		HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_DEAD };
	static const char *const modes[] = { "active", "draining",
		"maintenance" };

	check(l->n >= 3 && w->in_service, l, "no address or no service");
	check_keys(l, 3, keys);
	struct instance_row row = {
		.zone = w->zone_name,
		.name = l->word[1],
		.address = l->word[2],
		.address6 = value_of(l, 3, "six"),
		.port = number_of(l, 3, "port", ROW_DEFAULT),
		.priority = number_of(l, 3, "priority", 0),
		.weight = number_of(l, 3, "weight", 10),
		.weight_warning = number_of(l, 3, "warning", ROW_DEFAULT),
		.health = by_word[index_of(l, 3, "health", healths, HEALTH_N)],
		.mode = (enum mode)index_of(l, 3, "mode", modes, MODE_N),
		.lease_until_wall_ms = number_of(l, 3, "lease", 0),
	};
	w->left_out = !compile_add(w->compiler, &row);
}

static void on_port(struct world *w, const struct words *l)
{
	static const char *const keys[] = { "name", "protocol", NULL };
	const char *protocol = value_of(l, 2, "protocol");

	check(l->n >= 2 && w->in_service, l, "no number");
	check_keys(l, 2, keys);
	const struct port_row row = { value_of(l, 2, "name"),
		protocol ? protocol : "tcp",
		(int)strtol(l->word[1], NULL, 10) };
	if (!w->left_out)
		compile_port(w->compiler, &row);
}

static void on_line(struct world *w, struct words *l)
{
	const char *what = l->word[0];

	if (!strcmp(what, "zone")) {
		on_zone(w, l);
	} else if (!strcmp(what, "record")) {
		on_record(w, l);
	} else if (!strcmp(what, "service")) {
		on_service(w, l);
	} else if (!strcmp(what, "instance")) {
		on_instance(w, l);
	} else if (!strcmp(what, "meta")) {
		check(l->n == 3 && w->in_service, l, "not key and value");
		if (!w->left_out)
			compile_meta(w->compiler, l->word[1], l->word[2]);
	} else if (!strcmp(what, "port")) {
		on_port(w, l);
	} else if (!strcmp(what, "data")) {
		on_data(w, l);
	} else if (!strcmp(what, "tag")) {
		check(l->n == 2 && w->in_service, l, "not one word");
		if (!w->left_out)
			compile_tag(w->compiler, l->word[1]);
	} else {
		check(false, l, "unknown line");
	}
}

/* The static records of every zone as they are now. */
static void publish(struct world *w)
{
	for (unsigned i = 0; i < w->zone_n; i++) {
		struct zone_image *image;
		uint32_t where;
		struct diag diag;

		if (zone_build_image(w->zones[i].build, &image, &where, &diag) <
		    0) {
			(void)fprintf(stderr, "world: %s\n", diag.text);
			abort();
		}
		catalog_set_image(w->catalog, w->zones[i].zone, image);
	}
}

void world_add(struct world *w, const char *text)
{
	scoped_free char *copy = xstrdup(text);
	char *line_state = NULL;

	for (char *line = strtok_r(copy, "\n", &line_state); line;
	     line = strtok_r(NULL, "\n", &line_state)) {
		scoped_free char *shown = xstrdup(line);
		struct words l = { .line = shown };
		char *state = NULL;

		for (char *p = strtok_r(line, " \t", &state); p;
		     p = strtok_r(NULL, " \t", &state)) {
			check(l.n < WORDS_MAX, &l, "too many words");
			l.word[l.n++] = p;
		}
		if (l.n)
			on_line(w, &l);
	}
	finish_service(w);
	publish(w);
	(void)reclaim_run(w->reclaim);
}

/* ---- the world -------------------------------------------------------- */

struct world *world_new(const char *text)
{
	return world_new_readers(text, 1);
}

struct world *world_new_readers(const char *text, unsigned reader_n)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->reclaim = reclaim_new(reader_n);
	w->reader = reclaim_reader(w->reclaim, 0);
	w->catalog = catalog_new(SEED, w->reclaim);
	w->compiler = compiler_new();
	w->identity = (struct identity){ "rollcall 1.2.3", "host.test" };
	atomic_init(&w->slot.current, &w->policy);
	w->policy.prefixes = (struct network_prefixes){ 24, 56 };
	w->peer.ipv4 = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc00002c8) };
	w->handler = handler_new(&(struct handler_source){ w->catalog,
	    &w->identity, &w->slot, WORLD_UDP_MAX, NULL, NULL, NULL, NULL });
	rng_seed_fixed(&w->handler->responder.rng, SEED);
	w->now_wall_ms = WORLD_NOW_WALL_MS;
	world_add(w, text);
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->zone_n; i++)
		zone_build_free(w->zones[i].build);
	handler_free(w->handler);
	compiler_free(w->compiler);
	catalog_free(w->catalog);
	reclaim_free(w->reclaim);
	free(w);
}

const struct service *world_find(const struct world *w, const char *name)
{
	struct dname full;

	make_name(w, &full, name);
	return catalog_find(w->catalog, w->zone, full.suffix_hash[full.label_n],
	    full.lower + 1, full.lower[0]);
}

bool world_remove(struct world *w, const char *name)
{
	struct dname full;

	make_name(w, &full, name);
	bool was = catalog_remove(w->catalog, w->zone,
	    full.suffix_hash[full.label_n], full.lower + 1, full.lower[0]);
	(void)reclaim_run(w->reclaim);
	return was;
}

void world_handle(
    struct world *w, const uint8_t *msg, size_t len, enum transport via)
{
	struct message m = { msg, len, w->response, 0, &w->peer.any };

	reclaim_in(w->reader);
	handle_batch(w->handler, &m, 1, via);
	reclaim_out(w->reader);
	w->response_len = m.response_len;
}
