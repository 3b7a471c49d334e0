// SPDX-License-Identifier: BSD-2-Clause
/*
 * One service as Consul writes it, in an answer of its API or in a definition:
 * registrar/consul/ reads it as definitions do, here its values become a row.
 */
#include "registrar/consul/consul_json.h"
#include "registrar/consul/consul_service.h"
#include "registrar/consul/consul_tree.h"
#include "registrar/exchange/import_impl.h"
#include "schema/conf/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535
#define META_PAIR_MAX 254 /* octets of key and value: one TXT string */

struct entry {
	struct import *im;
	struct import_place at;
	struct conf_context c; /* its arena is this entry's */
	struct consul_entry read;
	const struct conf_node *values; /* as of an instance of ours */
	bool bad;
};

static void refuse(struct entry *e, const char *text)
{
	import_refuse(e->im, e->at, "%s", text);
	e->bad = true;
}

/* ---- tags and metadata ------------------------------------------------- */

/* The last ones go until it fits the column. */
static void fit_tags(struct entry *e, json_t *kept)
{
	size_t n = json_array_size(kept), all = n;

	while (n) {
		char *text = json_dumps(kept, JSON_COMPACT);
		size_t len = text ? strlen(text) : 0;

		free(text);
		if (len <= TAGS_MAX_LEN)
			break;
		json_array_remove(kept, --n);
	}
	if (n < all) {
		import_left_out(e->im, e->at,
		    "the last %zu of %zu tags: expected at most %d octets of "
		    "all",
		    all - n, all, TAGS_MAX_LEN);
	}
}

static char *take_tags(struct entry *e)
{
	const struct conf_node *list = conf_get(e->values, "tags");
	json_t *kept;

	if (!list)
		return NULL;
	if (list->type != CONF_LIST) {
		refuse(e, "found another type for 'tags', expected a list of "
		          "texts");
		return NULL;
	}
	kept = json_array();
	for (const struct conf_node *n = list->first; n; n = n->next) {
		if (n->type != CONF_SCALAR) {
			refuse(e, "found another type for 'tags', expected a "
			          "list of texts");
		} else if (!label_is_tag(n->text)) {
			import_left_out(e->im, e->at,
			    "tag '%.63s': expected %s", n->text, TAG_RULE);
		} else {
			json_array_append_new(kept, json_string(n->text));
		}
	}
	fit_tags(e, kept);
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
	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	return *key && strlen(key) + strlen(value) <= META_PAIR_MAX;
}

/* As take_tags(): what does not fit the column is told. */
static bool has_room(json_t *kept, const char *key, const char *value)
{
	char *text = json_dumps(kept, JSON_COMPACT);
	/* quotes, colon, comma, and escapes at their worst */
	size_t len =
	    (text ? strlen(text) : 0) + strlen(key) + 2 * strlen(value) + 6;

	free(text);
	return len <= META_MAX_LEN;
}

static char *take_meta(struct entry *e)
{
	const struct conf_node *map = conf_get(e->values, "meta");
	json_t *kept;

	if (!map)
		return NULL;
	if (map->type != CONF_MAP) {
		refuse(e, "found another type for 'meta', expected a map of "
		          "texts");
		return NULL;
	}
	kept = json_object();
	for (const struct conf_node *n = map->first; n; n = n->next) {
		const char *key = n->key->text;

		if (n->type != CONF_SCALAR) {
			refuse(e, "found another type for 'meta', expected a "
			          "map of texts");
		} else if (!is_meta(key, n->text)) {
			import_left_out(e->im, e->at,
			    "meta '%.63s': expected a key of printable ASCII "
			    "without '=', a value without line ends, at most "
			    "%d octets of both",
			    key, META_PAIR_MAX);
		} else if (!has_room(kept, key, n->text)) {
			import_left_out(e->im, e->at,
			    "meta '%.63s': expected at most %d octets of all",
			    key, META_MAX_LEN);
		} else {
			json_object_set_new(kept, key, json_string(n->text));
		}
	}
	char *text =
	    json_object_size(kept) ? json_dumps(kept, JSON_COMPACT) : NULL;

	json_decref(kept);
	return text;
}

/* ---- other values ------------------------------------------------------ */

static int take_number(
    struct entry *e, const struct conf_node *map, const char *key, int absent)
{
	const struct conf_node *n = map ? conf_get(map, key) : NULL;
	int64_t value = -1;

	if (!n)
		return absent;
	if (n->type == CONF_SCALAR && n->plain)
		(void)units_int(n->text, NULL, &value);
	if (value >= 0 && value <= PORT_MAX)
		return (int)value;
	import_refuse(e->im, e->at,
	    "found %s for '%s', expected an integer 0..%d",
	    conf_describe(&e->c, n), key, PORT_MAX);
	e->bad = true;
	return absent;
}

/* The address of the host, if it says none of its own. */
static const char *take_address(struct entry *e)
{
	const struct conf_node *own = conf_get(e->values, "address");
	const char *text = own                     ? own->text
	                   : *e->read.node_address ? e->read.node_address
	                                           : e->im->config->address;
	const char *address = import_address(e->im, text);

	if (!address) {
		import_left_out(e->im, e->at,
		    "address '%.63s': expected an IPv4 or IPv6 address", text);
	}
	return address;
}

static const char *take_address6(struct entry *e)
{
	const struct conf_node *n = conf_get(e->values, "address6");

	return n && strchr(n->text, ':') ? import_address(e->im, n->text)
	                                 : NULL;
}

/* ---- names ------------------------------------------------------------- */

/* Alike in definitions, where it is told as well. */
static const char *take_service(struct entry *e)
{
	const struct conf_node *name = consul_get(e->read.service, "name");

	if (!name || name->type != CONF_SCALAR) {
		refuse(e, "found no name of a service, expected ServiceName, "
		          "Service or name");
		return NULL;
	}
	const char *label = consul_service_label(&e->c, name);

	if (label_is_service(label))
		return arena_strdup(e->im->arena, label);
	import_left_out(e->im, e->at, "service '%.63s': expected %s",
	    name->text, LABEL_SERVICE_RULE);
	return NULL;
}

/* By default an ID is the name of the service, on each node. */
static const char *make_name(struct entry *e, const char *service)
{
	struct import *im = e->im;
	const struct conf_node *own = conf_get(e->values, "name");
	const char *id = own ? own->text : "", *name = id;

	if (*e->read.node && (!*name || !strcmp(name, service)))
		name = import_label(im, e->read.node);
	if (!*name)
		name = service;
	name = arena_strdup(im->arena, name);
	unsigned long other = label_is_instance(name)
	                          ? import_claim(im, service, name, e->at)
	                          : 1;

	if (!other)
		return name;
	/* two IDs that one label is made of, or that several nodes have */
	name =
	    import_label(im, arena_printf(im->arena, "%s-%s",
	                         *e->read.node ? e->read.node : service, id));
	other = import_claim(im, service, name, e->at);
	if (!other)
		return name;
	import_left_out(im, e->at,
	    "instance '%s' of '%s': another of that name came before, in line "
	    "%lu",
	    id, service, other);
	return NULL;
}

/* ---- one entry --------------------------------------------------------- */

/* What its checks say there; here it has none, so it is passing. */
static void tell_checks(struct entry *e, const char *service, const char *id)
{
	const struct conf_node *checks = e->read.checks;

	if (!checks)
		return;
	if (e->read.shape == CONSUL_DEFINITION) {
		import_left_out(e->im, e->at,
		    "checks of %s/%s: expected the file in the watched "
		    "directory, where they run",
		    service, id);
		return;
	}
	for (const struct conf_node *n = checks->first; n; n = n->next) {
		const struct conf_node *status =
		    n->type == CONF_MAP ? consul_get(n, "status") : NULL;

		if (status && strcmp(status->text, "critical") == 0) {
			import_left_out(e->im, e->at,
			    "that %s/%s is critical: an instance without "
			    "checks is passing",
			    service, id);
			return;
		}
	}
}

/* "in:2:3: found ..." without the place, which import_*() says itself. */
static const char *without_place(const struct entry *e, const char *text)
{
	char place[DIAG_MAX];

	(void)snprintf(place, sizeof(place), "%s:%lu:%zu: ", e->im->file,
	    e->at.line, e->at.column);
	return strncmp(text, place, strlen(place)) ? text
	                                           : text + strlen(place);
}

static void tell_read(struct entry *e)
{
	for (unsigned i = 0; i < e->c.warnings->n; i++) {
		import_note(e->im, e->at, "%s",
		    without_place(e, e->c.warnings->items[i].text));
	}
	for (unsigned i = 0; i < e->c.diags->n; i++)
		refuse(e, without_place(e, e->c.diags->items[i].text));
}

static void put_entry(struct entry *e, struct import_line *l)
{
	const struct conf_node *weights = conf_get(e->values, "weights");
	int port = take_number(e, e->values, "port", 0);

	l->port = port ? port : ROW_DEFAULT;
	l->address6 = take_address6(e);
	l->weight = take_number(e, weights, "passing", 1);
	l->weight_warning = take_number(e, weights, "warning", ROW_DEFAULT);
	l->tags = take_tags(e);
	l->meta = take_meta(e);
	if (e->bad) {
		import_line_release(l);
		return;
	}
	tell_checks(e, l->service, l->id);
	import_put(e->im, l, e->at);
}

static void take_entry(struct entry *e)
{
	struct import_line l = import_blank();
	struct conf_node *values = NULL;

	if (!(l.service = take_service(e)))
		return;
	if (*e->read.kind) {
		import_left_out(e->im, e->at, "%s '%s': no service by itself",
		    e->read.kind, l.service);
		return;
	}
	(void)consul_instance(&e->c, e->read.service, &values);
	e->values = values;
	tell_read(e);
	if (e->bad || !(l.address = take_address(e)) ||
	    !(l.id = make_name(e, l.service)))
		return;
	put_entry(e, &l);
}

void import_consul_entry(struct import *im, struct json_item *item)
{
	struct diags errors = { 0 }, warnings = { 0 };
	struct diag why;
	json_t *o = json_item_load(item, &why);
	struct entry e = { .im = im,
		.at = { item->line, item->column },
		.c = { .file = im->file,
		    .diags = &errors,
		    .warnings = &warnings } };

	if (!o || !json_is_object(o)) {
		refuse(
		    &e, o ? "found no object, expected a service" : why.text);
	} else {
		e.c.arena = arena_new();
		consul_entry_read(&e.c,
		    consul_from_json(
		        &e.c, o, (unsigned)item->line, (unsigned)item->column),
		    &e.read);
		take_entry(&e);
		arena_free(e.c.arena);
	}
	json_decref(o);
}
