// SPDX-License-Identifier: BSD-2-Clause
/*
 * One service as Consul writes it, in an answer of its API or in a definition:
 * which of them shows in its keys.
 */
#include "registrar/exchange/import_impl.h"

#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define META_PAIR_MAX 254 /* octets of key and value: one TXT string */

/* How an entry spells its fields; capitals and '_' do not matter. */
struct shape {
	const char *within; /* the object that has them; NULL: the entry */
	const char *service, *id, *address, *port, *tags, *meta, *weights;
};

static const struct shape catalog = { NULL, "servicename", "serviceid",
	"serviceaddress", "serviceport", "servicetags", "servicemeta",
	"serviceweights" };
static const struct shape health = { "service", "service", "id", "address",
	"port", "tags", "meta", "weights" };
static const struct shape agent = { NULL, "service", "id", "address", "port",
	"tags", "meta", "weights" };
static const struct shape definition = { NULL, "name", "id", "address", "port",
	"tags", "meta", "weights" };

struct entry {
	struct import *im;
	struct import_place at;
	const json_t *whole, *o; /* o: where the fields are */
	const struct shape *shape;
	const char *node;
	bool bad;
};

/* ---- fields ------------------------------------------------------------ */

/* "EnableTagOverride" and "enable_tag_override" are the same to Consul. */
static bool is_spelt(const char *key, const char *name)
{
	for (; *key; key++) {
		if (*key == '_')
			continue;
		if (import_lower(*key) != *name++)
			return false;
	}
	return !*name;
}

/* NULL also for null. */
static const json_t *get(const json_t *o, const char *name)
{
	void *it = json_object_iter((json_t *)(uintptr_t)o);

	while (it) {
		const json_t *value = json_object_iter_value(it);

		if (is_spelt(json_object_iter_key(it), name))
			return json_is_null(value) ? NULL : value;
		it = json_object_iter_next((json_t *)(uintptr_t)o, it);
	}
	return NULL;
}

static void wrong(struct entry *e, const char *name, const char *expected)
{
	import_bad(e->im, e->at, "found another type for '%s', expected %s",
	    name, expected);
	e->bad = true;
}

/* "" if there is none. */
static const char *get_text(struct entry *e, const json_t *o, const char *name)
{
	const json_t *value = get(o, name);

	if (!value)
		return "";
	if (!json_is_string(value)) {
		wrong(e, name, "a text");
		return "";
	}
	return json_string_value(value);
}

static int get_number(
    struct entry *e, const json_t *o, const char *name, int absent)
{
	const json_t *value = get(o, name);
	json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;

	if (!value)
		return absent;
	if (n < 0 || n > PORT_MAX) {
		wrong(e, name, "an integer 0..65535");
		return absent;
	}
	return (int)n;
}

/* ---- tags and metadata ------------------------------------------------- */

static char *take_tags(struct entry *e)
{
	const json_t *list = get(e->o, e->shape->tags), *value;
	json_t *kept;
	size_t n;

	if (!list)
		return NULL;
	if (!json_is_array(list)) {
		wrong(e, e->shape->tags, "a list of texts");
		return NULL;
	}
	kept = json_array();
	json_array_foreach((json_t *)(uintptr_t)list, n, value)
	{
		const char *tag = json_string_value(value);

		if (!tag) {
			wrong(e, e->shape->tags, "a list of texts");
		} else if (!label_is_tag(tag)) {
			import_left_out(e->im, e->at,
			    "tag '%.63s': expected %s", tag, TAG_RULE);
		} else {
			json_array_append_new(kept, json_string(tag));
		}
	}
	char *text =
	    json_array_size(kept) ? json_dumps(kept, JSON_COMPACT) : NULL;

	json_decref(kept);
	return text;
}

static bool is_meta(const char *key, const char *value)
{
	for (const char *p = key; *p; p++) {
		if (*p < ' ' || *p > '~' || *p == '=')
			return false;
	}
	return *key && strlen(key) + strlen(value) <= META_PAIR_MAX;
}

static char *take_meta(struct entry *e)
{
	json_t *map = (json_t *)(uintptr_t)get(e->o, e->shape->meta), *value;
	const char *key;

	if (!map)
		return NULL;
	if (!json_is_object(map)) {
		wrong(e, e->shape->meta, "a map of texts");
		return NULL;
	}
	json_t *kept = json_object();

	json_object_foreach(map, key, value)
	{
		if (!json_is_string(value)) {
			wrong(e, e->shape->meta, "a map of texts");
		} else if (!is_meta(key, json_string_value(value))) {
			import_left_out(e->im, e->at,
			    "meta '%.63s': expected a key of printable ASCII "
			    "without '=', at most %d octets with its value",
			    key, META_PAIR_MAX);
		} else {
			json_object_set(kept, key, value);
		}
	}
	char *text =
	    json_object_size(kept) ? json_dumps(kept, JSON_COMPACT) : NULL;

	json_decref(kept);
	return text;
}

/* ---- one entry --------------------------------------------------------- */

static const struct shape *shape_of(const json_t *o)
{
	if (get(o, catalog.service))
		return &catalog;
	if (json_is_object(get(o, health.within)))
		return &health;
	return get(o, agent.service) ? &agent : &definition;
}

/* By default an ID is the name of the service, on each node. */
static const char *make_name(struct entry *e, const char *service)
{
	const char *id = get_text(e, e->o, e->shape->id);
	const char *name = import_label(e->im, id);

	if (*e->node && (!*name || !strcmp(name, service)))
		name = import_label(e->im, e->node);
	if (!*name)
		name = service;
	if (!label_is_instance(name) || !import_claim(e->im, service, name)) {
		name =
		    import_label(e->im, arena_printf(e->im->arena, "%s-%s",
		                            *e->node ? e->node : service, id));
		if (!import_claim(e->im, service, name)) {
			import_left_out(e->im, e->at,
			    "instance '%s' of '%s': another of that name came "
			    "before",
			    id, service);
			return NULL;
		}
	}
	return name;
}

static const char *take_service(struct entry *e)
{
	const char *text = get_text(e, e->o, e->shape->service);
	char *service = arena_strdup(e->im->arena, text);

	for (char *p = service; *p; p++)
		*p = import_lower(*p);
	if (e->bad)
		return NULL;
	if (!*text) {
		import_bad(e->im, e->at,
		    "found no name of a service, expected ServiceName, "
		    "Service or name");
		return NULL;
	}
	if (label_is_service(service))
		return service;
	import_left_out(e->im, e->at, "service '%.63s': expected %s", text,
	    LABEL_SERVICE_RULE);
	return NULL;
}

static const char *take_address(struct entry *e)
{
	const json_t *node = get(e->whole, "node");
	const char *text = get_text(e, e->o, e->shape->address);

	if (!*text && e->shape == &catalog)
		text = get_text(e, e->whole, "address");
	if (!*text && json_is_object(node))
		text = get_text(e, node, "address");
	if (!*text)
		text = e->im->config->address;
	const char *address = import_address(e->im, text);

	if (!address && !e->bad) {
		import_left_out(e->im, e->at,
		    "address '%.63s': expected an IPv4 or IPv6 address", text);
	}
	return address;
}

/* What its checks say there; here it has none, so it is passing. */
static void tell_checks(struct entry *e, const char *service, const char *id)
{
	const json_t *list = get(e->whole, "checks"), *check;
	size_t n;

	if (e->shape == &definition && (list || get(e->whole, "check"))) {
		import_left_out(e->im, e->at,
		    "checks of %s/%s: expected the file in the watched "
		    "directory, where they run",
		    service, id);
		return;
	}
	json_array_foreach((json_t *)(uintptr_t)list, n, check)
	{
		const char *status = get_text(e, check, "status");

		if (strcmp(status, "critical") == 0) {
			import_left_out(e->im, e->at,
			    "that %s/%s is critical: an instance without "
			    "checks is passing",
			    service, id);
			return;
		}
	}
}

/* Consul keeps a second family among the tagged addresses. */
static const char *take_address6(struct entry *e, const char *first)
{
	const json_t *tagged =
	    get(e->o, e->shape == &catalog ? "servicetaggedaddresses"
	                                   : "taggedaddresses");
	const json_t *lan = get(tagged, "lanipv6");
	const char *address =
	    json_is_object(lan)
	        ? import_address(e->im, get_text(e, lan, "address"))
	        : NULL;

	return strchr(first, ':') || !address || !strchr(address, ':')
	           ? NULL
	           : address;
}

static void take_entry(struct entry *e)
{
	struct import_line l = import_blank();
	const json_t *node = get(e->whole, "node");
	const char *kind;

	e->shape = shape_of(e->whole);
	e->o = e->shape->within ? get(e->whole, e->shape->within) : e->whole;
	e->node = json_is_object(node) ? get_text(e, node, "node")
	                               : get_text(e, e->whole, "node");
	kind = get_text(
	    e, e->whole, e->shape == &catalog ? "servicekind" : "kind");
	if (e->shape == &health)
		kind = get_text(e, e->o, "kind");
	if (!(l.service = take_service(e)))
		return;
	if (*kind) {
		import_left_out(e->im, e->at, "%s '%s': no service by itself",
		    kind, l.service);
		return;
	}
	if (!(l.address = take_address(e)) || !(l.id = make_name(e, l.service)))
		return;
	int port = get_number(e, e->o, e->shape->port, 0);
	const json_t *weights = get(e->o, e->shape->weights);

	l.port = port ? port : ROW_DEFAULT;
	l.address6 = take_address6(e, l.address);
	l.weight = get_number(e, weights, "passing", 1);
	l.weight_warning = get_number(e, weights, "warning", ROW_DEFAULT);
	l.tags = take_tags(e);
	l.meta = take_meta(e);
	tell_checks(e, l.service, l.id);
	if (e->bad) {
		import_line_release(&l);
	} else {
		import_put(e->im, &l, e->at);
	}
}

void import_consul_entry(struct import *im, struct json_item *item)
{
	struct diag why;
	json_t *o = json_item_load(item, &why);
	struct entry e = { .im = im,
		.at = { item->line, item->column },
		.whole = o,
		.node = "" };

	if (!o) {
		import_bad(im, e.at, "%s", why.text);
	} else if (!json_is_object(o)) {
		import_bad(im, e.at, "found no object, expected a service");
	} else {
		take_entry(&e);
	}
	json_decref(o);
}
