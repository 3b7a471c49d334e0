// SPDX-License-Identifier: BSD-2-Clause
/*
 * SkyDNS keeps {"host":"10.0.0.1","port":80,...} under the labels of a name
 * from the right: /skydns/internal/svc/web/i-1. Its readers, CoreDNS among
 * them, take weight 0 for 100 and priority 0 for 10.
 */
#include "registrar/exchange/import_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 32
#define WEIGHT_OF_NONE 100
#define PRIORITY_OF_NONE 10

struct pair {
	struct import *im;
	struct import_place at;
	const char *key;
	json_t *value;
	bool bad;
};

/* ---- base64 (RFC 4648) ------------------------------------------------- */

static int digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
	                             "nopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In the arena, with a NUL behind it; NULL if it is none. */
static char *decode(struct import *im, const char *text, size_t *ret_len)
{
	size_t len = strlen(text), n = 0;
	unsigned bits = 0;

	while (len && text[len - 1] == '=')
		len--;
	char *out = arena_alloc(im->arena, len + 1, 1);

	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0)
			return NULL;
		bits = bits << 6 | (unsigned)d;
		if (i % 4)
			out[n++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
	}
	*ret_len = n;
	return out;
}

/* ---- the value --------------------------------------------------------- */

static int get_number(struct pair *p, const char *name, int max)
{
	const json_t *value = json_object_get(p->value, name);
	json_int_t n = json_integer_value(value);

	if (!value)
		return 0;
	if (json_is_integer(value) && n >= 0 && n <= max)
		return (int)n;
	import_refuse(p->im, p->at,
	    "found another %s, expected an integer 0..%d", name, max);
	p->bad = true;
	return 0;
}

/* A TXT record; key=value is metadata (RFC 1464). */
static char *take_text(struct pair *p)
{
	const char *text = json_string_value(json_object_get(p->value, "text"));
	const char *equal = text ? strchr(text, '=') : NULL;

	if (!text || !*text)
		return NULL;
	if (!equal || equal == text || strlen(text) > 255) {
		import_left_out(
		    p->im, p->at, "text '%.63s': expected KEY=VALUE", text);
		return NULL;
	}
	json_t *meta = json_object();
	const char *key =
	    arena_memdup(p->im->arena, text, (size_t)(equal - text));

	json_object_set_new(meta, key, json_string(equal + 1));
	char *compact = json_dumps(meta, JSON_COMPACT);

	json_decref(meta);
	return compact;
}

static const char *take_address(struct pair *p)
{
	const json_t *host = json_object_get(p->value, "host");

	if (host && !json_is_string(host)) {
		import_refuse(
		    p->im, p->at, "found another host, expected a text");
		return NULL;
	}
	const char *text = host ? json_string_value(host) : "";
	const char *address = import_address(p->im, text);

	if (!address) {
		import_left_out(p->im, p->at,
		    "%s: host '%.63s': expected an IPv4 or IPv6 address",
		    p->key, text);
	}
	return address;
}

/* ---- the key ----------------------------------------------------------- */

/* /skydns/internal/svc/web/i-1 to { "i-1", "web", "svc", "internal" } */
static unsigned split_key(
    struct import *im, const char *key, const char *labels[LABELS_MAX])
{
	char *path = arena_strdup(im->arena, key), *part, *rest = path;
	const char *found[LABELS_MAX];
	unsigned n = 0;

	while ((part = strsep(&rest, "/"))) {
		if (*part && n < LABELS_MAX)
			found[n++] = part;
	}
	for (unsigned i = 1; i < n; i++) /* but for the prefix */
		labels[n - 1 - i] = found[i];
	return n ? n - 1 : 0;
}

/* How many labels stand before those of the zone; -1: it is another. */
static int before_zone(struct import *im, const char *const *labels, unsigned n)
{
	const char *zone = im->config->zone;

	for (unsigned k = 0; k < n; k++) {
		const char *name = "";

		for (unsigned i = k; i < n; i++) {
			name = arena_printf(im->arena, "%s%s%s", name,
			    i > k ? "." : "", labels[i]);
		}
		if (strcmp(name, zone) == 0)
			return (int)k;
	}
	return -1;
}

/* false: the name has no place in the registry. */
static bool take_name(struct pair *p, struct import_line *l)
{
	const char *labels[LABELS_MAX];
	unsigned all = split_key(p->im, p->key, labels);
	int n = before_zone(p->im, labels, all);

	if (n == 3 && *labels[1] == '_' && *labels[2] == '_') {
		l->protocol = labels[2] + 1; /* i-1._web._tcp */
		l->service = labels[1] + 1;
		l->id = labels[0];
	} else if (n == 2 && *labels[0] == '_' && *labels[1] == '_') {
		l->protocol = labels[1] + 1; /* _web._tcp */
		l->service = labels[0] + 1;
	} else if (n == 1 || n == 2) {
		l->service = labels[n - 1];
		l->id = n == 2 ? labels[0] : NULL;
	} else {
		import_left_out(p->im, p->at,
		    "%s: expected SERVICE/INSTANCE below zone %s", p->key,
		    p->im->config->zone);
		return false;
	}
	return true;
}

/* Keys of SkyDNS may be no labels: registrator's are host:container:port. */
static bool check_name(struct pair *p, struct import_line *l)
{
	const char *id = l->id ? l->id : l->address;

	l->id = label_is_instance(id) ? id : import_label(p->im, id);
	if (!label_is_service(l->service) || !label_is_service(l->protocol) ||
	    !label_is_instance(l->id)) {
		import_left_out(p->im, p->at,
		    "%s: expected other labels for a service and an instance: "
		    "%s",
		    p->key, LABEL_INSTANCE_RULE);
		return false;
	}
	unsigned long other = import_claim(p->im, l->service, l->id, p->at);

	if (!other)
		return true;
	import_left_out(p->im, p->at,
	    "%s: instance '%s' of '%s' has its name from line %lu already",
	    p->key, l->id, l->service, other);
	return false;
}

/* A service has one of each here: the first of them speaks for all. */
static void follow_first(struct pair *p, struct import_line *l)
{
	struct import *im = p->im;

	if (strcmp(l->service, im->service) != 0)
		return;
	if (strcmp(l->protocol, im->protocol) != 0) {
		import_note(im, p->at,
		    "%s: found protocol %s, taken as %s: a service has one, "
		    "and that came first",
		    p->key, l->protocol, im->protocol);
	}
	if (l->ttl_s != im->ttl_s && l->ttl_s != ROW_DEFAULT) {
		import_note(im, p->at,
		    "%s: found ttl %d, ignored: a service has one, and "
		    "another came first",
		    p->key, l->ttl_s);
	}
	l->protocol = im->protocol;
	l->ttl_s = im->ttl_s;
}

static void take_pair(struct pair *p)
{
	struct import_line l = import_blank();

	if (!json_is_object(p->value)) {
		import_refuse(p->im, p->at,
		    "found no object under %s, expected one with host", p->key);
		return;
	}
	if (!take_name(p, &l) || !(l.address = take_address(p)) ||
	    !check_name(p, &l))
		return;
	int port = get_number(p, "port", 65535);
	int weight = get_number(p, "weight", 65535);
	int priority = get_number(p, "priority", 65535);
	int ttl_s = get_number(p, "ttl", INT32_MAX);

	l.port = port ? port : ROW_DEFAULT;
	l.weight = weight ? weight : WEIGHT_OF_NONE;
	l.priority = priority ? priority : PRIORITY_OF_NONE;
	l.ttl_s = ttl_s ? ttl_s : ROW_DEFAULT;
	if (p->bad)
		return;
	follow_first(p, &l);
	l.meta = take_text(p);
	import_put(p->im, &l, p->at);
}

static void on_pair(struct import *im, const char *key, const char *text,
    size_t len, struct import_place at)
{
	json_error_t e;
	struct pair p = { .im = im, .at = at, .key = key };

	p.value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!p.value) {
		import_refuse(im, at,
		    "found no JSON under %s (%s), expected an "
		    "object with host",
		    key, e.text);
		return;
	}
	take_pair(&p);
	json_decref(p.value);
}

/* ---- the text ---------------------------------------------------------- */

static struct import_place place_of(const struct json_item *item)
{
	return (struct import_place){ item->line, item->column };
}

/* {"key":"L3NreWRucy8=","value":"e30="} */
static void on_kv(struct import *im, struct json_item *item)
{
	struct diag why;
	json_t *kv = json_item_load(item, &why);
	const char *key = json_string_value(json_object_get(kv, "key"));
	const char *value = json_string_value(json_object_get(kv, "value"));
	size_t key_len = 0, len = 0;

	key = key ? decode(im, key, &key_len) : NULL;
	/* etcd leaves an empty value out */
	value = decode(im, value ? value : "", &len);
	if (!kv) {
		import_refuse(im, place_of(item), "%s", why.text);
	} else if (!key || !value || strlen(key) != key_len) {
		import_refuse(im, place_of(item),
		    "found no key and value in base64, expected both");
	} else {
		on_pair(im, key, value, len, place_of(item));
	}
	json_decref(kv);
}

static void on_kvs(struct import *im, const struct json_item *list)
{
	struct json_items it;
	struct json_item item;
	struct diag why;
	int more = 0;

	json_items_of(&it, list);
	while (!import_is_over(im) &&
	       (more = json_items_next(&it, &item, &why)) > 0)
		on_kv(im, &item);
	if (more < 0)
		import_bad(im, place_of(&item), "%s", why.text);
}

/* {"action":"get","node":{...}} */
static bool is_old(const struct json_item *member)
{
	return (member->key_len == 4 && !memcmp(member->key, "node", 4)) ||
	       (member->key_len == 6 && !memcmp(member->key, "action", 6));
}

static void read_json(struct import *im, const char *text, size_t len)
{
	struct json_items top, members;
	struct json_item item, member;
	struct diag why;
	int more;

	json_items_of_text(&top, text, len);
	while ((more = json_items_next(&top, &item, &why)) > 0) {
		if (*item.text != '{') {
			import_bad(im, place_of(&item),
			    "found no object, expected {\"kvs\":[...]}");
			return;
		}
		json_items_of(&members, &item);
		while ((more = json_items_next(&members, &member, &why)) > 0) {
			if (member.key_len == 3 && *member.text == '[' &&
			    !memcmp(member.key, "kvs", 3)) {
				on_kvs(im, &member);
			} else if (is_old(&member)) {
				import_bad(im, place_of(&member),
				    "found what version 2 of etcd says, "
				    "expected that of version 3: etcdctl get "
				    "--prefix /skydns -w json");
				return;
			}
		}
		item = member;
		if (more < 0)
			break;
	}
	if (more < 0)
		import_bad(im, place_of(&item), "%s", why.text);
}

/* A line with the key, then the value. */
static void read_plain(struct import *im, const char *text, size_t len)
{
	struct json_items it;
	struct json_item item;
	struct diag why;

	json_items_of_text(&it, text, len);
	while (!import_is_over(im)) {
		it.at += strspn(it.at, " \t\r\n");
		size_t key_len = strcspn(it.at, "\r\n");
		const char *key = arena_memdup(im->arena, it.at, key_len);

		if (!*key) {
			if (it.at < it.end) { /* an octet 0 */
				import_bad(im, (struct import_place){ 1, 0 },
				    "found no text, expected keys and values");
			}
			return;
		}
		it.at += key_len;
		if (json_items_next(&it, &item, &why) <= 0) {
			import_bad(im, place_of(&item), "%s",
			    *key == '/' && it.at >= it.end
			        ? "found a key, expected its value behind it"
			        : why.text);
			return;
		}
		if (*key != '/') {
			import_bad(im, place_of(&item),
			    "found '%.40s' before, expected a key such as "
			    "/skydns/internal/svc/web/i-1",
			    key);
			return;
		}
		on_pair(im, key, item.text, item.len, place_of(&item));
	}
}

void import_skydns(struct import *im, char *text, size_t len)
{
	if (text[strspn(text, " \t\r\n")] == '{') {
		read_json(im, text, len);
	} else {
		read_plain(im, text, len);
	}
}
