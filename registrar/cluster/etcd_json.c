// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/cluster/etcd_json.h"

#include "registrar/lib/json.h"
#include "schema/base/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                             "uvwxyz0123456789+/";

/* ---- base64 (RFC 4648) ------------------------------------------------- */

static json_t *encode(const char *data, size_t len)
{
	char *out = xcalloc(len / 3 + 2, 4), *o = out;

	for (size_t i = 0; i < len; i += 3) {
		unsigned n = len - i < 3 ? (unsigned)(len - i) : 3, bits = 0;

		for (unsigned k = 0; k < 3; k++) {
			bits = bits << 8 |
			       (k < n ? (unsigned char)data[i + k] : 0u);
		}
		for (unsigned k = 0; k < 4; k++) {
			*o = '=';
			if (k <= n)
				*o = digits[bits >> (18 - 6 * k) & 63];
			o++;
		}
	}
	json_t *j = json_must(json_stringn(out, (size_t)(o - out)));

	free(out);
	return j;
}

static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static char *decode(const char *text, size_t len)
{
	size_t n = 0;
	unsigned bits = 0;

	while (len && text[len - 1] == '=')
		len--;
	char *out = xcalloc(len + 1, 1);

	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | (unsigned)d;
		if (i % 4)
			out[n++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
	}
	if (strlen(out) == n)
		return out;
	free(out);
	return NULL;
}

json_t *etcd_bytes(const char *text)
{
	return encode(text, strlen(text));
}

json_t *etcd_bytes_end(const char *prefix)
{
	char *end = xstrdup(prefix);
	size_t len = strlen(end);

	end[len - 1] = (char)(end[len - 1] + 1); /* of ours: ASCII */
	json_t *j = encode(end, len);

	free(end);
	return j;
}

char *etcd_text(const json_t *bytes, size_t max)
{
	if (!bytes)
		return xstrdup("");
	if (!json_is_string(bytes) || json_string_length(bytes) / 4 * 3 > max)
		return NULL;
	return decode(json_string_value(bytes), json_string_length(bytes));
}

/* ---- what it says ------------------------------------------------------ */

int64_t etcd_number(const json_t *o, const char *key)
{
	const json_t *n = json_object_get(o, key);

	if (json_is_string(n))
		return strtoll(json_string_value(n), NULL, 10);
	return json_is_integer(n) ? json_integer_value(n) : 0;
}

json_t *etcd_int64(int64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	return json_must(json_string(text));
}

const char *etcd_error(const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error");
	const json_t *message =
	    json_object_get(json_is_object(error) ? error : reply, "message");

	if (!error && !json_object_get(reply, "code"))
		return NULL;
	if (json_is_string(message))
		return json_string_value(message);
	return json_is_string(error) ? json_string_value(error)
	                             : "an error without text";
}

static bool give_kv(const json_t *kv, bool deleted, etcd_kv_fn fn, void *arg)
{
	char *key = etcd_text(json_object_get(kv, "key"), ETCD_KEY_MAX);
	char *value =
	    deleted ? NULL
	            : etcd_text(json_object_get(kv, "value"), ETCD_VALUE_MAX);
	bool good = key && *key && (deleted || value);

	if (good)
		fn(arg, key, value, etcd_number(kv, "lease"));
	free(key);
	free(value);
	return good;
}

unsigned etcd_each_kv(const json_t *range, etcd_kv_fn fn, void *arg)
{
	const json_t *kv;
	unsigned bad = 0;
	size_t i;

	json_array_foreach(json_object_get(range, "kvs"), i, kv) bad +=
	    !give_kv(kv, false, fn, arg);
	return bad;
}

static bool is_delete(const json_t *event)
{
	const json_t *type = json_object_get(event, "type");

	return json_is_string(type) ? !strcmp(json_string_value(type), "DELETE")
	                            : json_integer_value(type) == 1;
}

unsigned etcd_each_event(const json_t *result, etcd_kv_fn fn, void *arg)
{
	const json_t *event;
	unsigned bad = 0;
	size_t i;

	json_array_foreach(json_object_get(result, "events"), i, event)
	{
		bad += !give_kv(
		    json_object_get(event, "kv"), is_delete(event), fn, arg);
	}
	return bad;
}

/* ---- requests ---------------------------------------------------------- */

static json_t *make(void)
{
	return json_must(json_object());
}

static json_t *wrap(const char *key, json_t *o)
{
	json_t *outer = make();

	json_set(outer, key, o);
	return outer;
}

json_t *etcd_range(
    const char *prefix, const char *after, unsigned limit, int64_t revision)
{
	json_t *o = make();

	if (after) {
		/* the key that follows: with a NUL behind it */
		json_set(o, "key", encode(after, strlen(after) + 1));
	} else {
		json_set(o, "key", etcd_bytes(prefix));
	}
	json_set(o, "range_end", etcd_bytes_end(prefix));
	json_set(o, "limit", etcd_int64(limit));
	if (revision)
		json_set(o, "revision", etcd_int64(revision));
	return o;
}

json_t *etcd_watch(const char *prefix, int64_t from_revision)
{
	json_t *o = make();

	json_set(o, "key", etcd_bytes(prefix));
	json_set(o, "range_end", etcd_bytes_end(prefix));
	json_set(o, "start_revision", etcd_int64(from_revision));
	json_set(o, "progress_notify", json_true());
	json_set(o, "fragment", json_true());
	return wrap("create_request", o);
}

json_t *etcd_put_op(const char *key, const char *value, int64_t lease)
{
	json_t *o = make();

	json_set(o, "key", etcd_bytes(key));
	json_set(o, "value", etcd_bytes(value));
	if (lease)
		json_set(o, "lease", etcd_int64(lease));
	return wrap("request_put", o);
}

json_t *etcd_delete_op(const char *key)
{
	return wrap("request_delete_range", wrap("key", etcd_bytes(key)));
}

static json_t *list_of(json_t *one)
{
	json_t *list = json_must(json_array());

	json_array_append_new(list, one);
	return list;
}

json_t *etcd_delete_own_op(const char *key, int64_t lease)
{
	return wrap("request_txn", etcd_txn(list_of(etcd_hangs_on(key, lease)),
	                               list_of(etcd_delete_op(key)), NULL));
}

json_t *etcd_txn(json_t *compare, json_t *then, json_t *otherwise)
{
	json_t *o = make();

	if (compare)
		json_set(o, "compare", compare);
	if (then)
		json_set(o, "success", then);
	if (otherwise)
		json_set(o, "failure", otherwise);
	return o;
}

static json_t *compare_of(
    const char *key, const char *target, const char *member, int64_t value)
{
	json_t *o = make();

	json_set(o, "key", etcd_bytes(key));
	json_set(o, "target", json_text(target));
	json_set(o, "result", json_text("EQUAL"));
	json_set(o, member, etcd_int64(value));
	return o;
}

json_t *etcd_is_absent(const char *key)
{
	return compare_of(key, "CREATE", "create_revision", 0);
}

json_t *etcd_hangs_on(const char *key, int64_t lease)
{
	return compare_of(key, "LEASE", "lease", lease);
}
