// SPDX-License-Identifier: BSD-2-Clause
/*
 * What Consul says of services: lists that its HTTP API answers with, maps of
 * IDs to services, and files of definitions. Lists are long, so their items
 * are loaded one by one.
 */
#include "registrar/exchange/import_impl.h"

#include <string.h>
#include <strings.h>

static struct import_place place_of(const struct json_item *item)
{
	return (struct import_place){ item->line, item->column };
}

static void each(struct import *im, const struct json_item *parent,
    void (*fn)(struct import *im, struct json_item *item))
{
	struct json_items it;
	struct json_item item;
	struct diag why;
	int more = 0;

	json_items_of(&it, parent);
	while (!import_is_over(im) &&
	       (more = json_items_next(&it, &item, &why)) > 0)
		fn(im, &item);
	if (more < 0)
		import_bad(im, place_of(&item), "%s", why.text);
}

static bool item_is(const struct json_item *item, const char *key)
{
	return item->key && item->key_len == strlen(key) &&
	       !strncasecmp(item->key, key, item->key_len);
}

/* Of a definition file, or of the answer that maps IDs to services. */
static void on_member(struct import *im, struct json_item *item)
{
	bool many = item_is(item, "services") || item_is(item, "service");

	if (item_is(item, "check") || item_is(item, "checks")) {
		import_left_out(im, place_of(item),
		    "checks: expected the file in the watched directory, where "
		    "they run");
	} else if (many &&
	           (*item->text == '[' ||
	               (*item->text == '{' && item_is(item, "services")))) {
		each(im, item, import_consul_entry);
	} else if (*item->text == '{') {
		import_consul_entry(im, item);
	} else if (*item->text == '[') {
		import_refuse(im, place_of(item),
		    "found '%.*s' with tags alone, expected instances, as "
		    "/v1/health/service/%.*s has them",
		    (int)item->key_len, item->key, (int)item->key_len,
		    item->key);
	} else {
		import_refuse(im, place_of(item),
		    "found key '%.*s', expected service, services, or IDs of "
		    "services",
		    (int)item->key_len, item->key);
	}
}

/* Has the object the keys of a service itself? */
static bool is_service(const struct json_item *item)
{
	struct json_items it;
	struct json_item member;
	bool node = false, found = false;

	json_items_of(&it, item);
	while (json_items_next(&it, &member, NULL) > 0) {
		bool text = *member.text == '"';

		node |= item_is(&member, "node");
		found |= item_is(&member, "servicename") ||
		         (text && item_is(&member, "service")) ||
		         (text && item_is(&member, "name")) ||
		         (text && item_is(&member, "id")) ||
		         (node && item_is(&member, "service"));
	}
	return found;
}

static void on_value(struct import *im, struct json_item *item)
{
	if (*item->text == '[') {
		each(im, item, import_consul_entry);
	} else if (*item->text == '{') {
		if (is_service(item)) {
			import_consul_entry(im, item);
		} else {
			each(im, item, on_member);
		}
	} else {
		import_bad(im, place_of(item),
		    "found '%.*s', expected a list or an object",
		    item->len < 40 ? (int)item->len : 40, item->text);
	}
}

void import_consul(struct import *im, char *text, size_t len)
{
	struct json_items it;
	struct json_item item;
	struct diag why;
	int more = 0;

	json_items_of_text(&it, text, len);
	while (!import_is_over(im) &&
	       (more = json_items_next(&it, &item, &why)) > 0)
		on_value(im, &item);
	if (more < 0)
		import_bad(im, place_of(&item), "%s", why.text);
}
