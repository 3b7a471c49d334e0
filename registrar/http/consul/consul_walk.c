// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/consul/consul_impl.h"
#include "registrar/http/http_impl.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 50 }; /* services read in one go */

struct walk {
	const struct consul_walker *walker;
	struct arena *arena;
	struct consul_filter *filter; /* NULL: none */
	struct registry_key after;
	json_t *memory;
	const char *text;
	bool begun;
};

const char *consul_walk_text(const void *state)
{
	const struct walk *w = state;

	return w->text;
}

json_t *consul_walk_memory(void *state)
{
	struct walk *w = state;

	return w->memory;
}

static void put(struct evbuffer *out, const char *text)
{
	if (evbuffer_add(out, text, strlen(text)) < 0)
		abort(); /* out of memory */
}

static void put_value(
    struct walk *w, struct evbuffer *out, const char *key, const json_t *value)
{
	scoped_free char *text =
	    json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	json_t *name = key ? json_text(key) : NULL;
	scoped_free char *quoted =
	    key ? json_dumps(name, JSON_ENCODE_ANY) : NULL;

	if (!text || (key && !quoted))
		abort(); /* out of memory */
	put(out, w->begun ? "," : "");
	if (key) {
		put(out, quoted);
		put(out, ":");
	}
	put(out, text);
	w->begun = true;
	json_decref(name);
}

/* A filter that does not fit what is there matches nothing. */
static bool is_wanted(const struct walk *w, const json_t *value)
{
	bool matches = false;

	return !w->filter ||
	       (consul_filter_match(w->filter, value, &matches, NULL) == 0 &&
	           matches);
}

static void put_all(struct walk *w, struct evbuffer *out, json_t *into)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach(into, i, value)
	{
		if (is_wanted(w, value))
			put_value(w, out, NULL, value);
	}
	json_object_foreach(into, key, value)
	{
		if (is_wanted(w, value))
			put_value(w, out, key, value);
	}
	json_decref(into);
}

static json_t *new_container(const struct walk *w)
{
	return json_must(w->walker->map ? json_object() : json_array());
}

/* Of a page; names outlast it. */
struct names {
	struct http_request *q;
	struct arena *arena;
	const char *zone, *name[PAGE];
	unsigned n;
};

static void on_service(void *arg, const struct service_row *row)
{
	struct names *names = arg;

	if (!strcmp(row->zone, names->zone) &&
	    http_may(names->q, ACCESS_READ, row->name))
		names->name[names->n++] = arena_strdup(names->arena, row->name);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	(void)arg;
	(void)row;
}

static void on_done(void *arg)
{
	(void)arg;
}

static int put_service(struct http_request *q, struct walk *w,
    struct registry *r, const char *service, json_t *into)
{
	json_t *entries, *entry;
	size_t i;
	int error = consul_view(q, r, service, &entries, NULL);

	if (error)
		return error;
	if (w->walker->add_all && json_array_size(entries))
		w->walker->add_all(w, service, entries, into);
	json_array_foreach(entries, i, entry)
	{
		if (w->walker->add)
			w->walker->add(w, entry, into);
	}
	json_decref(entries);
	return 0;
}

static enum http_more end_walk(struct walk *w, struct evbuffer *out)
{
	json_t *into = new_container(w);

	if (w->walker->end)
		w->walker->end(w, into);
	put_all(w, out, into);
	put(out, w->walker->map ? "}" : "]");
	return HTTP_ENOUGH;
}

static enum http_more more(
    struct http_request *q, struct evbuffer *out, void *state)
{
	struct walk *w = state;
	struct registry *r = feed_registry(http_feed(q), NULL);

	http_request_shrink(q); /* what the page before needed */
	struct names names = {
		.q = q, .arena = arena_new(), .zone = http_zone(q)
	};
	const struct registry_visitor v = { on_service, on_instance, on_done,
		&names, registry_pass_over };
	unsigned n = 0;
	int error =
	    r ? registry_read_page(r, &w->after, PAGE, &v, &n, NULL) : -1;
	json_t *into = new_container(w);

	for (unsigned i = 0; i < names.n && !error; i++)
		error = put_service(q, w, r, names.name[i], into);
	put_all(w, out, into);
	/* others have their turn, though there is nothing to say */
	if (!evbuffer_get_length(out))
		put(out, "\n");
	arena_free(names.arena);
	if (error)
		return HTTP_BREAK;
	return n ? HTTP_MORE : end_walk(w, out);
}

static void free_walk(void *state)
{
	struct walk *w = state;

	json_decref(w->memory);
	arena_free(w->arena);
	free(w);
}

static enum http_more first(
    struct http_request *q, struct evbuffer *out, void *state)
{
	const struct walk *w = state;

	if (!w->begun && !*w->after.name && !*w->after.zone)
		put(out, w->walker->map ? "{" : "[");
	return more(q, out, state);
}

void consul_walk(struct http_request *q, const struct consul_walker *walker,
    const char *text)
{
	static const struct http_stream_ops ops = { .more = first,
		.free = free_walk };
	const char *filter = http_param(q, "filter");
	struct diag why = { 0 };

	if (!http_registry(q))
		return;
	struct walk *w = xcalloc(1, sizeof(*w));
	w->walker = walker;
	w->arena = arena_new();
	w->memory = json_must(json_object());
	w->text = arena_strdup(w->arena, text);
	if (filter && *filter &&
	    consul_filter_parse(arena_strdup(w->arena, filter), w->arena,
	        &w->filter, &why) < 0) {
		http_fail(q, 400, "query: filter", "%s", why.text);
		free_walk(w);
		return;
	}
	http_stream(q, 200, "application/json", &ops, w);
}
