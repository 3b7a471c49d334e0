// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_http - `http: "http://{address}:{port}/healthz"`.
 */
#include "registrar/definition/definition_parts.h"
#include "registrar/lib/secret.h"
#include "schema/conf/units.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define RANGES_MAX 16
#define SEND_MAX 16384 /* octets of the text */
#define SOCKET_MAX 107 /* octets; sun_path of unix(7) holds a NUL more */

/* ---- status: [200, 204, 2xx, 300-308] --------------------------------- */

static bool parse_range(
    struct arena *a, const char *text, struct check_range *ret_r)
{
	const char *dash = strchr(text, '-');
	int64_t low, high = 0;

	if (strlen(text) == 3 && strcasecmp(text + 1, "xx") == 0 &&
	    text[0] >= '1' && text[0] <= '5') {
		low = (text[0] - '0') * INT64_C(100);
		*ret_r = (struct check_range){ (int)low, (int)low + 99 };
		return true;
	}
	if (dash && (units_int(dash + 1, NULL, &high) < 0 || high > 599))
		return false;
	const char *first =
	    dash ? arena_memdup(a, text, (size_t)(dash - text)) : text;

	if (units_int(first, NULL, &low) < 0 || low < 100 || low > 599)
		return false;
	high = dash ? high : low;
	*ret_r = (struct check_range){ (int)low, (int)high };
	return low <= high;
}

static int take_ranges(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	const struct conf_field words = {
		.key = f->key, .kind = CONF_STRINGS, .expects = f->expects
	};
	struct check_ranges *out = at;
	struct conf_strings s = { 0 };
	int r = conf_take(c, &words, node, &s);

	if (r < 0)
		return r;
	struct check_range *items =
	    arena_alloc(c->arena, RANGES_MAX, sizeof(*items));
	unsigned n = 0;

	while (n < s.n && n < RANGES_MAX &&
	       parse_range(c->arena, s.items[n], &items[n]))
		n++;
	if (n < s.n) {
		return conf_bad(c, node, "found '%s' for '%s', expected %s",
		    s.items[n], f->key, f->expects);
	}
	*out = (struct check_ranges){ .items = items, .n = n };
	return 0;
}

/* ---- headers ---------------------------------------------------------- */

/* RFC 9110 5.6.2: a token. */
static bool is_token(const char *text)
{
	const char *p = text;

	while (isascii((unsigned char)*p) &&
	       (isalnum((unsigned char)*p) ||
	           (*p && strchr("!#$%&'*+-.^_`|~", *p))))
		p++;
	return *text && !*p;
}

static int take_headers(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	static const struct conf_field pairs = { .key = "headers",
		.kind = CONF_PAIRS,
		.valid = text_is_clean,
		.expects = "a map of header names to values in one line",
		.hidden = true };
	int r = conf_take(c, &pairs, node, at);

	(void)f;
	if (r < 0)
		return r;
	for (const struct conf_node *n = node->first; n; n = n->next) {
		if (!is_token(n->key->text)) {
			r = conf_bad(c, n->key,
			    "found key %s in 'headers', expected the name of "
			    "a header",
			    conf_describe(c, n->key));
		}
	}
	return r;
}

/* ---- the table -------------------------------------------------------- */

static bool is_method(const char *text)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT",
		"OPTIONS", "DELETE", "PATCH" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (strcmp(methods[i], text) == 0)
			return true;
	}
	return false;
}

#define STATUS_EXPECTS "a list of at most 16 of 200, '2xx' and '200-299'"
#define AT(member) .offset = offsetof(struct check_spec, http.member)

static const struct conf_field fields[] = {
	{ .key = "http",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "a URL such as 'http://{address}:{port}/'",
	    AT(url) },
	{ .key = "method",
	    .kind = CONF_STRING,
	    .valid = is_method,
	    .expects = "one of GET, HEAD, POST, PUT, OPTIONS, DELETE, PATCH",
	    .fallback = "GET",
	    AT(method) },
	{ .key = "socket",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a Unix socket",
	    AT(socket) },
	{ .key = "tls",
	    .kind = CONF_CUSTOM,
	    .custom = take_tls,
	    .expects = TLS_RULE,
	    AT(tls) },
	{ .key = "send",
	    .kind = CONF_CUSTOM,
	    .custom = take_payload,
	    .high = SEND_MAX,
	    .expects = "text of at most 16384 octets with the escapes \\r, "
	               "\\n, \\t, \\0, \\\\ and \\xHH",
	    AT(send) },
	{ .key = "headers",
	    .kind = CONF_CUSTOM,
	    .custom = take_headers,
	    .expects = "a map of header names to values in one line",
	    AT(headers) },
	{ .key = "status",
	    .kind = CONF_CUSTOM,
	    .custom = take_ranges,
	    .expects = STATUS_EXPECTS,
	    .fallback = "2xx",
	    AT(status) },
	{ .key = "warn_status",
	    .kind = CONF_CUSTOM,
	    .custom = take_ranges,
	    .expects = STATUS_EXPECTS,
	    .fallback = "429",
	    AT(warn_status) },
	{ .key = "body",
	    .kind = CONF_CUSTOM,
	    .custom = take_regex,
	    .expects = "a POSIX extended regular expression",
	    AT(body) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = { .what = "an http check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

/* Where the body ends is for us to say. */
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	static const char *const ours[] = { "Content-Length",
		"Transfer-Encoding" };
	const struct check_http *h = &((struct check_spec *)base)->http;

	for (unsigned i = 0; i < 2 * h->headers.n && h->send.len; i++) {
		const char *key = h->headers.items[i / 2].key;

		if (strcasecmp(key, ours[i % 2]) == 0) {
			return conf_bad(c,
			    conf_get(conf_get(map, "headers"), key)->key,
			    "found '%s' in 'headers' beside 'send', expected "
			    "one of them",
			    key);
		}
	}
	return 0;
}

/* ---- URL -------------------------------------------------------------- */

static int bad_url(
    struct conf_context *c, const struct conf_node *node, const char *url)
{
	const char *start = strstr(url, "://");
	const char *at = start ? strchr(start, '@') : NULL;
	const char *colon =
	    at ? memchr(start + 3, ':', (size_t)(at - start - 3)) : NULL;

	if (colon) { /* a password is nothing for a log */
		url = arena_printf(
		    c->arena, "%.*s:***%s", (int)(colon - url), url, at);
	}
	return conf_bad(c, node,
	    "found '%.200s' for 'http', expected http:// or https://, a numeric "
	    "address (IPv6 in brackets) or localhost, a port, a path; the name "
	    "of a virtual host belongs to 'headers' as Host",
	    url);
}

/* RFC 3986: what may stand in a path or query. */
static bool is_target(const char *text)
{
	for (; *text; text++) {
		if (*text <= 0x20 || *text >= 0x7f ||
		    strchr("\"<>\\^`{|}#", *text))
			return false;
	}
	return true;
}

/* RFC 3986 section 3.2, without users and escapes. */
static bool is_authority(const char *text)
{
	while (isascii((unsigned char)*text) &&
	       (isalnum((unsigned char)*text) ||
	           (*text && strchr(".-_:[]", *text))))
		text++;
	return !*text;
}

/* Beside a socket the host is but a name. */
static int parse_authority(
    struct arena *a, struct check_http *h, const char *text, size_t len)
{
	struct endpoint e = { .address = "" };
	int default_port = h->tls.on ? 443 : 80;

	h->host = arena_memdup(a, text, len);
	if (h->socket) {
		if (!host_is_valid(endpoint_host(a, text, len)) ||
		    !is_authority(h->host))
			return -EINVAL;
	} else if (endpoint_parse(a, text, len, &e) < 0) {
		return -EINVAL;
	}
	h->address = e.address;
	h->port = e.port ? e.port : default_port;
	return 0;
}

/* h->url is that; the scheme has been seen. */
static int parse_url(struct arena *a, struct check_http *h, size_t scheme_len)
{
	const char *authority = h->url + scheme_len;
	size_t len = strcspn(authority, "/?#");
	const char *rest = authority + len;

	if (!is_target(rest) || parse_authority(a, h, authority, len) < 0)
		return -EINVAL;
	h->target = *rest == '/' ? rest : arena_printf(a, "/%s", rest);
	return 0;
}

/* ---- what else there is ----------------------------------------------- */

static int resolve_socket(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_http *h)
{
	const struct conf_node *node = conf_get(at, "socket");

	if (!h->socket)
		return 0;
	int r =
	    template_fill(c, node, TEMPLATE_PLAIN, h->socket, v, &h->socket);

	if (r == 0 && strlen(h->socket) > SOCKET_MAX) {
		return conf_bad(c, node,
		    "found a path of %zu octets for 'socket', expected at most "
		    "%d",
		    strlen(h->socket), SOCKET_MAX);
	}
	return r;
}

static int resolve_headers(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_http *h)
{
	const struct conf_node *map = conf_get(at, "headers");
	const struct conf_node *n = map ? map->first : NULL;
	int r = 0;

	for (; n && !v->literal; n = n->next) {
		struct diag why;

		if (!secret_is_in(n->text))
			continue;
		h->secrets = true;
		if (secret_check(n->text, &why) < 0)
			r = conf_bad(c, n, "%s", why.text);
	}
	return r;
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	const struct conf_node *node = conf_get(at, "http");
	const struct conf_node *tls = conf_get(at, "tls");
	struct check_http *h = &s->http;
	int r = template_fill(c, node, TEMPLATE_URL, h->url, v, &h->url);

	if (r == 0)
		r = resolve_socket(c, at, v, h);
	if (r < 0)
		return r;
	bool secure = strncasecmp(h->url, "https://", 8) == 0;

	if (!secure && strncasecmp(h->url, "http://", 7) != 0)
		return bad_url(c, node, h->url);
	if (tls && secure != h->tls.on) {
		return conf_bad(c, tls,
		    "found '%s' beside 'tls%s', expected %s",
		    secure ? "https://" : "http://", secure ? ": false" : "",
		    secure ? "http://" : "https://");
	}
	if (!tls)
		h->tls = (struct net_tls){ .on = secure, .verify = true };
	if (parse_url(c->arena, h, secure ? 8 : 7) < 0)
		return bad_url(c, node, h->url);
	h->tls.alpn = "http/1.1";
	r = resolve_headers(c, at, v, h);
	return r < 0 ? r
	             : resolve_tls(c, at, v,
	                   endpoint_host(c->arena, h->host, strlen(h->host)),
	                   &h->tls);
}

/* ---- equality --------------------------------------------------------- */

static bool ranges_equal(
    const struct check_ranges *a, const struct check_ranges *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (a->items[i].low != b->items[i].low ||
		    a->items[i].high != b->items[i].high)
			return false;
	}
	return true;
}

static bool headers_equal(
    const struct conf_pairs *a, const struct conf_pairs *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (strcmp(a->items[i].key, b->items[i].key) != 0 ||
		    strcmp(a->items[i].value, b->items[i].value) != 0)
			return false;
	}
	return true;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_http *a = &x->http, *b = &y->http;

	return strcmp(a->url, b->url) == 0 &&
	       strcmp(a->method, b->method) == 0 &&
	       text_equal(a->socket, b->socket) &&
	       regex_equal(a->body, b->body) && a->secrets == b->secrets &&
	       payload_equal(&a->send, &b->send) &&
	       tls_equal(&a->tls, &b->tls) &&
	       ranges_equal(&a->status, &b->status) &&
	       ranges_equal(&a->warn_status, &b->warn_status) &&
	       headers_equal(&a->headers, &b->headers);
}

const struct check_type check_type_http = {
	.name = "http",
	.kind = CHECK_HTTP,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
