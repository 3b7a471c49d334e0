// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a proxy has for servers, beside what it should have.
 */
#include "registrar/mesh/haproxy/reply.h"
#include "registrar/mesh/haproxy/sidecar_impl.h"
#include "schema/base/xalloc.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void known_free(void *p)
{
	struct known *k = p;

	free(k->key);
	free(k);
}

void sidecar_forget_servers(struct sidecar *s)
{
	tdestroy(s->known, known_free);
	s->known = NULL;
}

static struct known *known_of(struct sidecar *s, const char *key)
{
	const struct known k = { .key = xstrdup(key) };
	struct known *const *found = tfind(&k, &s->known, by_key);

	free(k.key);
	return found ? *found : NULL;
}

static struct known *known_add(struct sidecar *s, const char *key)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->key = xstrdup(key);
	if (!tsearch(k, &s->known, by_key))
		abort(); /* out of memory */
	return k;
}

static char state_of(const struct mesh_instance *x)
{
	if (x->gets_calls)
		return 'r';
	return x->why == ELIGIBLE_DRAINING ? 'd' : 'm';
}

static void say_state(struct sidecar *s, struct known *k, char state)
{
	if (k->state == state)
		return;
	k->state = state;
	SAY(s, WHAT_DONE, 0, "set server %s state %s\n", k->key,
	    state == 'r'   ? "ready"
	    : state == 'd' ? "drain"
	                   : "maint");
}

static void say_server(struct sidecar *s, struct mesh_service *to,
    const char *backend, const struct mesh_instance *x)
{
	const struct config c = sidecar_config(s);
	const char *key = arena_printf(s->scratch, "%s/%s", backend, x->name);
	struct known *k = known_of(s, key);
	int weight = config_weight(to, x);

	if (!k) {
		k = known_add(s, key);
		(void)snprintf(
		    k->address, sizeof(k->address), "%s", x->address);
		k->port = x->port;
		k->weight = weight;
		k->state = 'm';
		SAY(s, WHAT_DONE, 0, "add server %s %s:%d %s weight %d\n", key,
		    x->address, x->port,
		    config_server_words(s->scratch, &c, to), weight);
	}
	k->round = s->round;
	if (state_of(x) != 'r')
		say_state(s, k, state_of(x));
	if (strcmp(k->address, x->address) != 0 || k->port != x->port) {
		(void)snprintf(
		    k->address, sizeof(k->address), "%s", x->address);
		k->port = x->port;
		SAY(s, WHAT_DONE, 0, "set server %s addr %s port %d\n", key,
		    x->address, x->port);
	}
	if (k->weight != weight) {
		k->weight = weight;
		SAY(s, WHAT_DONE, 0, "set server %s weight %d\n", key, weight);
	}
	say_state(s, k, state_of(x));
}

struct leaving {
	struct sidecar *s;
	const char *prefix; /* BACKEND/ */
	struct known *found;
};

static void find_left(const void *node, VISIT which, void *closure)
{
	struct leaving *l = closure;
	struct known *k = *(struct known *const *)node;

	if ((which == postorder || which == leaf) && !l->found &&
	    k->round != l->s->round &&
	    !strncmp(k->key, l->prefix, strlen(l->prefix)))
		l->found = k;
}

/* Those of a backend that the service does not have any more. */
static void say_left(struct sidecar *s, const char *backend)
{
	struct leaving l = { s, arena_printf(s->scratch, "%s/", backend),
		NULL };

	do {
		l.found = NULL;
		twalk_r(s->known, find_left, &l);
		if (!l.found)
			return;
		say_state(s, l.found, 'm');
		/* one that is still in use stays, for the next comparison */
		SAY(s, WHAT_DONE, 0, "del server %s\n", l.found->key);
		tdelete(l.found, &s->known, by_key);
		known_free(l.found);
	} while (l.found);
}

void sidecar_say_servers(struct sidecar *s, struct mesh_service *to)
{
	const char *backend = config_backend(s->scratch, to);

	s->round++;
	for (unsigned i = 0; i < to->n; i++)
		say_server(s, to, backend, &to->instances[i]);
	say_left(s, backend);
}

void sidecar_say_all_servers(struct sidecar *s)
{
	const struct mesh_service *self = sidecar_own(s);

	for (unsigned i = 0; self && i < self->policy.call_n; i++) {
		const struct required_service *c = &self->policy.calls[i];
		struct mesh_service *to =
		    mesh_model_find(s->model, c->zone, c->service);

		if (to && to->in_mesh && !to->broken)
			sidecar_say_servers(s, to);
	}
}

void sidecar_learn_servers(struct sidecar *s, const char *text, size_t len)
{
	const char *end = text + len;

	sidecar_forget_servers(s);
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = nl ? (size_t)(nl - text) : (size_t)(end - text);
		struct reply_server row;

		if (reply_server_row(text, n, &row) &&
		    strcmp(row.backend, "application") != 0) {
			struct known *k =
			    known_add(s, arena_printf(s->scratch, "%s/%s",
			                     row.backend, row.name));

			(void)snprintf(
			    k->address, sizeof(k->address), "%s", row.address);
			k->port = row.port;
			k->weight = row.weight;
			k->state = 'r';
			if (row.admin & 0x23) {
				k->state = 'm';
			} else if (row.admin & 0x18) {
				k->state = 'd';
			}
		}
		text += n + 1;
	}
	sidecar_say_all_servers(s);
	s->is_settled = true;
}
