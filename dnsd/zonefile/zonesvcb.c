// SPDX-License-Identifier: BSD-2-Clause
/*
 * A value is unescaped twice where it is a list: once as any text of a master
 * file, once for the commas in its items (RFC 9460 appendix A).
 */
#include "dnsd/zonefile/zonesvcb.h"

#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	KEY_MANDATORY,
	KEY_ALPN,
	KEY_NO_DEFAULT_ALPN,
	KEY_PORT,
	KEY_IPV4HINT,
	KEY_ECH,
	KEY_IPV6HINT,
	KEY_DOHPATH,
	KEY_NAMES,
};

static const char *const key_names[KEY_NAMES] = { "mandatory", "alpn",
	"no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath" };

/* A parameter as it was written: its value's octets, unescaped once. */
struct param {
	uint16_t key;
	bool is_numbered; /* written as keyNNNNN: the value is the octets */
	bool has_value;
	size_t value_len;
	uint8_t *value; /* and one more octet, 0 */
};

/* Octets that are being written. */
struct out {
	uint8_t *at, *end;
};

/* ---- keys ------------------------------------------------------------- */

static int not_a_key(const char *text, size_t len, struct diag *reterr)
{
	return diag_set(reterr, -EINVAL,
	    "found '%.*s', expected a parameter such as alpn, port or key65400",
	    (int)(len < 100 ? len : 100), text);
}

static int key_of(const char *text, size_t len, uint16_t *ret_key,
    bool *ret_numbered, struct diag *reterr)
{
	uint64_t v;

	*ret_numbered = false;
	for (unsigned k = 0; k < KEY_NAMES; k++) {
		if (len == strlen(key_names[k]) &&
		    !strncasecmp(key_names[k], text, len)) {
			*ret_key = (uint16_t)k;
			return 0;
		}
	}
	if (len < 4 || len > 8 || strncasecmp(text, "key", 3) != 0 ||
	    (text[3] == '0' && len > 4))
		return not_a_key(text, len, reterr);
	char digits[8] = { 0 };
	memcpy(digits, text + 3, len - 3);
	if (zonenumber_read(&v, digits, UINT16_MAX, NULL) < 0)
		return not_a_key(text, len, reterr);
	*ret_key = (uint16_t)v;
	*ret_numbered = true;
	return 0;
}

/* ---- values ----------------------------------------------------------- */

static int refuse(
    const struct param *p, const char *expected, struct diag *reterr)
{
	if (p->key < KEY_NAMES) {
		return diag_set(reterr, -EINVAL,
		    "found '%.100s' for '%s', expected %s",
		    (const char *)p->value, key_names[p->key], expected);
	}
	return diag_set(reterr, -EINVAL,
	    "found '%.100s' for 'key%u', expected %s", (const char *)p->value,
	    p->key, expected);
}

static bool put(struct out *o, const void *octets, size_t len)
{
	if (len > (size_t)(o->end - o->at))
		return false;
	memcpy(o->at, octets, len);
	o->at += len;
	return true;
}

/*
 * The next item of a list, up to a comma that is not escaped, unescaped in
 * place. False: there is none left; an item may be empty.
 */
static bool next_item(
    struct param *p, size_t *at, uint8_t **ret_item, size_t *ret_len)
{
	size_t i = *at, n = 0;

	if (i > p->value_len)
		return false;
	*ret_item = p->value + i;
	for (; i < p->value_len && p->value[i] != ','; i++) {
		if (p->value[i] == '\\' && i + 1 < p->value_len)
			i++;
		(*ret_item)[n++] = p->value[i];
	}
	(*ret_item)[n] = 0;
	*ret_len = n;
	*at = i + 1;
	return true;
}

static int by_key(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int put_mandatory(struct out *o, struct param *p, struct diag *reterr)
{
	uint16_t keys[64];
	size_t n = 0, at = 0, len;
	uint8_t *item;

	if (!p->value_len)
		return refuse(p, "keys with commas between them", reterr);
	while (next_item(p, &at, &item, &len)) {
		bool numbered;

		if (n == sizeof(keys) / sizeof(*keys))
			return refuse(p, "fewer keys", reterr);
		int error = key_of(
		    (const char *)item, len, &keys[n], &numbered, reterr);
		if (error)
			return error;
		n++;
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; i < n; i++) {
		uint8_t wire[2];

		if (!keys[i] || (i && keys[i] == keys[i - 1])) {
			return refuse(p,
			    "different keys, 'mandatory' not among them",
			    reterr);
		}
		wire_put16(wire, keys[i]);
		if (!put(o, wire, 2))
			return refuse(p, "fewer keys", reterr);
	}
	return 0;
}

static int put_alpn(struct out *o, struct param *p, struct diag *reterr)
{
	size_t at = 0, len;
	uint8_t *item;

	while (next_item(p, &at, &item, &len)) {
		uint8_t octet = (uint8_t)len;

		if (!len || len > 255 || !put(o, &octet, 1) ||
		    !put(o, item, len)) {
			return refuse(
			    p, "names of 1..255 octets with commas", reterr);
		}
	}
	return 0;
}

static int put_port(struct out *o, const struct param *p, struct diag *reterr)
{
	uint8_t wire[2];
	uint64_t v;

	if (zonenumber_read(&v, (const char *)p->value, UINT16_MAX, reterr) < 0)
		return refuse(p, "a number from 0 to 65535", reterr);
	wire_put16(wire, (uint16_t)v);
	return put(o, wire, 2) ? 0 : refuse(p, "less", reterr);
}

static int put_hints(
    struct out *o, struct param *p, int family, struct diag *reterr)
{
	size_t at = 0, len, octets = family == AF_INET ? 4 : 16;
	uint8_t *item, address[16];

	while (next_item(p, &at, &item, &len)) {
		if (inet_pton(family, (const char *)item, address) != 1 ||
		    !put(o, address, octets)) {
			return refuse(p,
			    family == AF_INET
			        ? "IPv4 addresses with commas between them"
			        : "IPv6 addresses with commas between them",
			    reterr);
		}
	}
	return 0;
}

static int put_ech(struct out *o, const struct param *p, struct diag *reterr)
{
	struct zonebase64 b = { 0 };

	for (size_t i = 0; i < p->value_len; i++) {
		if (o->at == o->end ||
		    !zonebase64_add(&b, (char)p->value[i], &o->at))
			return refuse(p, "base 64", reterr);
	}
	return zonebase64_ends(&b) ? 0 : refuse(p, "base 64", reterr);
}

static int put_value(struct out *o, struct param *p, struct diag *reterr)
{
	switch (p->is_numbered ? KEY_NAMES : p->key) {
	case KEY_MANDATORY:
		return put_mandatory(o, p, reterr);
	case KEY_ALPN:
		return put_alpn(o, p, reterr);
	case KEY_NO_DEFAULT_ALPN:
		return p->value_len ? refuse(p, "no value", reterr) : 0;
	case KEY_PORT:
		return put_port(o, p, reterr);
	case KEY_IPV4HINT:
		return put_hints(o, p, AF_INET, reterr);
	case KEY_IPV6HINT:
		return put_hints(o, p, AF_INET6, reterr);
	case KEY_ECH:
		return put_ech(o, p, reterr);
	default:
		return put(o, p->value, p->value_len)
		           ? 0
		           : refuse(p, "fewer octets", reterr);
	}
}

/* ---- words ------------------------------------------------------------ */

/* Adds the octets of text to the value; false: malformed. */
static bool unescape(struct param *p, const char *text, size_t len)
{
	const char *end = text + len;

	p->value = xreallocarray(p->value, p->value_len + len + 1, 1);
	while (text < end) {
		int c = zonetext_octet(&text);

		if (c < 0)
			return false;
		p->value[p->value_len++] = (uint8_t)c;
	}
	p->value[p->value_len] = 0;
	return true;
}

/*
 * KEY, KEY=VALUE, KEY="VALUE"; in the last form the value is a word of its own.
 * Moves *i behind it.
 */
static int read_param(struct param *p, const struct zoneword *w, unsigned n,
    unsigned *i, struct diag *reterr)
{
	const char *text = w[*i].text, *equals = strchr(text, '=');
	size_t key_len = equals ? (size_t)(equals - text) : w[*i].len;

	*p = (struct param){ .has_value = equals };
	int error = w[*i].is_quoted ? not_a_key(text, w[*i].len, reterr)
	                            : key_of(text, key_len, &p->key,
	                                  &p->is_numbered, reterr);
	if (error)
		return error;
	const char *value = equals ? equals + 1 : "";
	bool good = unescape(p, value, strlen(value));
	++*i;
	while (*i < n && w[*i].is_joined && equals) {
		good = good && unescape(p, w[*i].text, w[*i].len);
		++*i;
	}
	return good ? 0 : refuse(p, "a text", reterr);
}

static int by_param(const void *a, const void *b)
{
	const struct param *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static int write_params(
    struct out *o, struct param *params, unsigned n, struct diag *reterr)
{
	for (unsigned i = 0; i < n; i++) {
		struct param *p = &params[i];
		uint8_t *head = o->at;

		if (i && p->key == params[i - 1].key)
			return refuse(p, "each parameter once", reterr);
		if (o->end - o->at < 4)
			return refuse(p, "less data", reterr);
		o->at += 4;
		int error = put_value(o, p, reterr);
		if (error)
			return error;
		wire_put16(head, p->key);
		wire_put16(head + 2, (uint16_t)(o->at - head - 4));
	}
	return 0;
}

int zonesvcb_read(uint8_t *out, size_t room, const struct zoneword *w,
    unsigned n, size_t *ret_len, struct diag *reterr)
{
	scoped_free struct param *params = xcalloc(n + 1, sizeof(*params));
	struct out o = { out, out + room };
	unsigned param_n = 0;
	int error = 0;

	for (unsigned i = 0; i < n && !error;)
		error = read_param(&params[param_n++], w, n, &i, reterr);
	if (!error) {
		qsort(params, param_n, sizeof(*params), by_param);
		error = write_params(&o, params, param_n, reterr);
	}
	for (unsigned i = 0; i < param_n; i++)
		free(params[i].value);
	*ret_len = (size_t)(o.at - out);
	return error;
}

/* ---- octets ----------------------------------------------------------- */

/* Where the parameter of that key is; NULL: there is none. */
static const uint8_t *find(const uint8_t *params, size_t len, uint16_t key)
{
	const uint8_t *end = params + len;

	for (; params < end; params += 4 + wire_get16(params + 2)) {
		if (wire_get16(params) == key)
			return params;
	}
	return NULL;
}

static bool fits_mandatory(
    const uint8_t *value, size_t n, const uint8_t *params, size_t len)
{
	unsigned before = 0;

	for (size_t i = 0; i + 1 < n; i += 2) {
		uint16_t key = wire_get16(value + i);

		if (key <= before || !find(params, len, key))
			return false;
		before = key;
	}
	return n && n % 2 == 0;
}

static bool fits_alpn(const uint8_t *value, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (!value[i])
			return false;
		i += 1u + value[i];
	}
	return n && i == n;
}

static bool fits_value(uint16_t key, const uint8_t *value, size_t n,
    const uint8_t *params, size_t len)
{
	switch (key) {
	case KEY_MANDATORY:
		return fits_mandatory(value, n, params, len);
	case KEY_ALPN:
		return fits_alpn(value, n);
	case KEY_NO_DEFAULT_ALPN:
		return !n;
	case KEY_PORT:
		return n == 2;
	case KEY_IPV4HINT:
		return n && n % 4 == 0;
	case KEY_IPV6HINT:
		return n && n % 16 == 0;
	default:
		return true;
	}
}

bool zonesvcb_fits(const uint8_t *params, size_t len)
{
	int before = -1;

	/* lengths first: find() trusts them */
	for (size_t i = 0; i < len;) {
		if (len - i < 4 ||
		    len - i - 4 < (size_t)wire_get16(params + i + 2))
			return false;
		if (wire_get16(params + i) <= before)
			return false;
		before = wire_get16(params + i);
		i += 4u + wire_get16(params + i + 2);
	}
	for (size_t i = 0; i < len;) {
		size_t n = wire_get16(params + i + 2);

		if (!fits_value(
		        wire_get16(params + i), params + i + 4, n, params, len))
			return false;
		i += 4 + n;
	}
	return true;
}
