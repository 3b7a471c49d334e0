// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_parts.h"
#include "schema/conf/units.h"
#include "schema/label.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define TXT_MAX_LEN 255 /* "key=value" is one string of a TXT record */

/* ---- addresses -------------------------------------------------------- */

bool address_is_ipv6(const char *text)
{
	return strchr(text, ':');
}

/* IPv4 in the clothes of IPv6 has two texts; the registry takes neither. */
static bool canonical(const char *text, char buf[static INET6_ADDRSTRLEN])
{
	int family = address_is_ipv6(text) ? AF_INET6 : AF_INET;
	struct in6_addr raw = { 0 }; /* room for either */
	static const struct in6_addr none;
	size_t len = family == AF_INET6 ? 16 : 4;

	if (inet_pton(family, text, &raw) != 1 || memcmp(&raw, &none, len) == 0)
		return false;
	if (!inet_ntop(family, &raw, buf, INET6_ADDRSTRLEN))
		return false;
	return family == AF_INET || !strchr(buf, '.');
}

const char *address_canonical(struct arena *a, const char *text)
{
	char buf[INET6_ADDRSTRLEN];

	return canonical(text, buf) ? arena_strdup(a, buf) : NULL;
}

bool address_is_valid(const char *text)
{
	char buf[INET6_ADDRSTRLEN];

	return canonical(text, buf);
}

/* The host of len octets at text, without brackets; NULL: it is none. */
static const char *parse_host(struct arena *a, const char *text, size_t len)
{
	bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
	const char *host = brackets ? arena_memdup(a, text + 1, len - 2)
	                            : arena_memdup(a, text, len);

	if (brackets != address_is_ipv6(host))
		return NULL;
	if (strcasecmp(host, "localhost") == 0)
		return "localhost"; /* dial.h knows both of its addresses */
	return address_canonical(a, host);
}

/* The last one, unless it is part of "[::1]"; NULL: no port is written. */
static const char *find_colon(const char *text, size_t len)
{
	const char *colon = memrchr(text, ':', len);
	const char *bracket = memrchr(text, ']', len);

	return colon && bracket && colon < bracket ? NULL : colon;
}

const char *endpoint_host(struct arena *a, const char *text, size_t len)
{
	const char *colon = find_colon(text, len);
	size_t host_len = colon ? (size_t)(colon - text) : len;

	if (host_len > 2 && text[0] == '[' && text[host_len - 1] == ']')
		return arena_memdup(a, text + 1, host_len - 2);
	return arena_memdup(a, text, host_len);
}

int endpoint_parse(
    struct arena *a, const char *text, size_t len, struct endpoint *ret_e)
{
	const char *colon = find_colon(text, len);
	int64_t port = 0;
	size_t host_len = colon ? (size_t)(colon - text) : len;

	if (colon) {
		const char *digits =
		    arena_memdup(a, colon + 1, len - host_len - 1);

		if (units_int(digits, NULL, &port) < 0 || port < 1 ||
		    port > 65535)
			return -EINVAL;
	}
	const char *address = parse_host(a, text, host_len);

	if (!address)
		return -EINVAL;
	*ret_e = (struct endpoint){ .address = address, .port = (int)port };
	return 0;
}

/* ---- templates -------------------------------------------------------- */

/* What the len octets between the braces stand for; NULL: nothing. */
static const char *variable(struct arena *a, const char *name, size_t len,
    const struct template_vars *v)
{
	const struct {
		const char *name, *value;
	} all[] = {
		{ "address", v->address },
		{ "name", v->name },
		{ "service", v->service },
		{ "port", v->port == ROW_DEFAULT
		              ? ""
		              : arena_printf(a, "%d", v->port) },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strlen(all[i].name) == len &&
		    memcmp(all[i].name, name, len) == 0)
			return all[i].value;
	}
	for (unsigned i = 0; v->more && i < v->more->n; i++) {
		const struct conf_pair *p = &v->more->items[i];

		if (strlen(p->key) == len && memcmp(p->key, name, len) == 0)
			return p->value;
		if (len > 6 && memcmp(name, "label.", 6) == 0 &&
		    strcmp(p->key, LABEL_VARS) == 0)
			return p->value; /* the last of them */
	}
	return NULL;
}

struct filling {
	struct conf_context *c;
	const struct conf_node *at;
	enum template_style style;
	const struct template_vars *v;
	const char *start; /* of the template */
	char *out;
	size_t len;
};

static int put(struct filling *f, const char *text, size_t len)
{
	if (len > DEFINITION_MAX_TEXT - f->len) {
		return conf_bad(f->c, f->at,
		    "found a text of more than %d octets, expected less",
		    DEFINITION_MAX_TEXT);
	}
	memcpy(f->out + f->len, text, len);
	f->len += len;
	return 0;
}

/* p is at '{'; moves it behind what was read. */
static int put_variable(struct filling *f, const char **p)
{
	const char *name = *p + 1;
	size_t len = strcspn(name, "{}");
	bool closed = name[len] == '}';
	const char *value =
	    closed ? variable(f->c->arena, name, len, f->v) : NULL;

	if (!value && f->style == TEMPLATE_PLAIN)
		return put(f, (*p)++, 1);
	if (!value) {
		return conf_bad(f->c, f->at,
		    "found '{%.*s%s', expected {address}, {port}, {name} or "
		    "{service}",
		    (int)(len < 40 ? len : 40), name, closed ? "}" : "");
	}
	if (!*value && len == 4 && memcmp(name, "port", len) == 0) {
		return conf_bad(f->c, f->at,
		    "found {port} where no port is given, expected 'port' "
		    "in the service or the instance");
	}
	bool bare = *p == f->start || (*p)[-1] != '[';

	if (f->style == TEMPLATE_URL && value == f->v->address && bare &&
	    address_is_ipv6(value))
		value = arena_printf(f->c->arena, "[%s]", value);
	*p = name + len + 1;
	return put(f, value, strlen(value));
}

int template_fill(struct conf_context *c, const struct conf_node *at,
    enum template_style style, const char *text, const struct template_vars *v,
    const char **ret_text)
{
	char out[DEFINITION_MAX_TEXT];
	struct filling f = { c, at, style, v, text, out, 0 };

	if ((v->literal || !strchr(text, '{')) &&
	    strlen(text) <= DEFINITION_MAX_TEXT) {
		*ret_text = text;
		return 0;
	}
	for (const char *p = text; *p;) {
		size_t plain = v->literal ? strlen(p) : strcspn(p, "{");
		int r = put(&f, p, plain);

		p += plain;
		if (r == 0 && *p)
			r = put_variable(&f, &p);
		if (r < 0)
			return r;
	}
	*ret_text = arena_memdup(c->arena, out, f.len);
	return 0;
}

int resolve_endpoint(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, int default_port, const char **text,
    struct endpoint *ret_e)
{
	struct endpoint e;
	int r = template_fill(c, at, TEMPLATE_URL, *text, v, text);

	*ret_e = (struct endpoint){ .address = "" };
	if (r < 0)
		return r;
	r = endpoint_parse(c->arena, *text, strlen(*text), &e);
	if (r < 0 || (!e.port && !default_port)) {
		return conf_bad(c, at,
		    "found '%s' for '%s', expected a numeric address (IPv6 in "
		    "brackets) or localhost%s",
		    *text, at->key->text,
		    default_port ? ", or that, ':' and a port"
		                 : ", ':' and a port");
	}
	e.port = e.port ? e.port : default_port;
	*ret_e = e;
	return 0;
}

/* ---- tags and metadata ------------------------------------------------ */

bool text_is_clean(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool path_is_absolute(const char *text)
{
	return *text == '/' && text_is_clean(text) &&
	       strlen(text) <= DEFINITION_MAX_TEXT;
}

/* The first item that stands before too; NULL: all differ. */
static const char *find_twin(const struct conf_strings *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(s->items[k], s->items[i]) == 0)
				return s->items[i];
		}
	}
	return NULL;
}

int take_tags(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	static const struct conf_field list = { .key = "tags",
		.kind = CONF_STRINGS,
		.valid = label_is_tag,
		.expects = "tags, each " TAG_RULE };
	struct conf_strings tags = { 0 };
	int r = conf_take(c, &list, node, &tags);

	(void)f;
	if (r < 0)
		return r;
	const char *twin = find_twin(&tags);

	if (twin) {
		return conf_bad(c, node,
		    "found tag '%s' a second time, expected it once", twin);
	}
	const char *json = conf_strings_json(c->arena, &tags);

	if (strlen(json) > TAGS_MAX_LEN) {
		return conf_bad(c, node,
		    "found %zu octets of tags, expected at most %d",
		    strlen(json), TAGS_MAX_LEN);
	}
	if (node->type == CONF_SCALAR && strchr(node->text, ',')) {
		conf_warn(c, node,
		    "found one tag %s for 'tags', expected [A, B] if they are "
		    "several",
		    conf_describe(c, node));
	}
	*(const char **)at = json;
	return 0;
}

/* RFC 6763 6.4: printable ASCII without '='. */
static bool is_meta_key(const char *key)
{
	const char *p = key;

	while (*p >= 0x20 && *p <= 0x7e && *p != '=')
		p++;
	return *key && !*p;
}

/* -EINVAL when a pair is no string of a TXT record (RFC 6763 6.4). */
static int check_pair(struct conf_context *c, const struct conf_node *n)
{
	size_t len = strlen(n->key->text) + 1 + strlen(n->text);

	if (!is_meta_key(n->key->text)) {
		return conf_bad(c, n->key,
		    "found key %s in 'meta', expected printable ASCII "
		    "without '='",
		    conf_describe(c, n->key));
	}
	if (len > TXT_MAX_LEN) {
		return conf_bad(c, n,
		    "found %zu octets of key=value in 'meta', expected at "
		    "most %d",
		    len, TXT_MAX_LEN);
	}
	return 0;
}

/* What no rule for all maps can say as well. */
static int check_values(struct conf_context *c, const struct conf_node *map)
{
	int r = 0;

	for (const struct conf_node *n = map->first; n && map->type == CONF_MAP;
	     n = n->next) {
		if (conf_is_null(n)) {
			r = conf_bad(c, n,
			    "found nothing for %s in 'meta', expected a text, "
			    "'' for an empty one",
			    conf_describe(c, n->key));
		} else if (n->type != CONF_SCALAR) {
			r = conf_bad(c, n,
			    "found %s for %s in 'meta', expected a text",
			    conf_describe(c, n), conf_describe(c, n->key));
		} else if (!text_is_clean(n->text)) {
			r = conf_bad(c, n,
			    "found a line end or another control character in "
			    "%s of 'meta', expected text without",
			    conf_describe(c, n->key));
		}
	}
	return r;
}

/* Keys are compared without case where they are read. */
static int check_twins(struct conf_context *c, const struct conf_node *map)
{
	for (const struct conf_node *n = map->first; n; n = n->next) {
		for (const struct conf_node *k = map->first; k != n;
		     k = k->next) {
			if (strcasecmp(n->key->text, k->key->text) != 0)
				continue;
			return conf_bad(c, n->key,
			    "found keys %s and %s in 'meta', expected them to "
			    "differ in more than case",
			    conf_describe(c, k->key), conf_describe(c, n->key));
		}
	}
	return 0;
}

int take_meta(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	static const struct conf_field map = { .key = "meta",
		.kind = CONF_PAIRS,
		.valid = text_is_clean,
		.expects = "a map of words to words" };
	struct conf_pairs meta = { 0 };
	int r = check_values(c, node);

	(void)f;
	if (r == 0)
		r = conf_take(c, &map, node, &meta);
	for (const struct conf_node *n = node->first; n && r == 0; n = n->next)
		r = check_pair(c, n);
	if (r < 0 || (r = check_twins(c, node)) < 0)
		return r;
	const char *json = conf_pairs_json(c->arena, &meta);

	if (strlen(json) > META_MAX_LEN) {
		return conf_bad(c, node,
		    "found %zu octets of metadata, expected at most %d",
		    strlen(json), META_MAX_LEN);
	}
	*(const char **)at = json;
	return 0;
}
