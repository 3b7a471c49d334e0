// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/supply.h"

#include "dnsd/forward/forward.h"
#include "dnsd/forward/recipe.h"
#include "dnsd/forward/upstream.h"
#include "dnsd/options.h"
#include "schema/base/arena.h"
#include "schema/base/log.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_S = 1,
	SERVERS_MAX = 8,
	LINES_MAX = 1000, /* of a file */
};

struct supply {
	const struct options *options;
	struct forward *forward;
	struct event look;
	bool follows; /* `system` */
	char *recipe; /* in use; NULL: there is nobody to ask */
	bool is_told; /* that there is nobody */
};

int supply_check(const struct options *o, struct diag *reterr)
{
	const struct conf_strings *all = &o->upstreams;
	const char *plain = NULL, *tls = NULL;

	for (unsigned i = 0; i < all->n; i++) {
		struct upstream u = { .tls_name = NULL };

		if (upstream_is_system(all->items[i]) && all->n > 1) {
			return diag_set(reterr, -EINVAL,
			    "found 'system' with others for 'upstream', "
			    "expected it alone");
		}
		(void)upstream_parse(all->items[i], &u);
		if (u.tls_name) {
			tls = all->items[i];
		} else {
			plain = all->items[i];
		}
		for (unsigned k = 0; k < o->listen.n; k++) {
			if (!upstream_is_system(all->items[i]) &&
			    upstream_is_listener(&u, o->listen.items[k])) {
				return diag_set(reterr, -EINVAL,
				    "found '%s' for 'upstream', which is this "
				    "server's own address",
				    all->items[i]);
			}
		}
	}
	if (plain && tls) {
		return diag_set(reterr, -EINVAL,
		    "found '%s' and '%s' for 'upstream', expected all with "
		    "TLS or none",
		    plain, tls);
	}
	return 0;
}

/* ---- system ----------------------------------------------------------- */

struct servers {
	struct arena *arena;
	const char *items[SERVERS_MAX];
	unsigned n;
	bool ours; /* one of the file that is read is ourselves */
};

static void add_server(
    struct servers *s, const struct options *o, const char *text)
{
	struct upstream u;

	if (upstream_parse(text, &u) < 0 || u.tls_name || s->n == SERVERS_MAX)
		return; /* such as one of a link alone, with %eth0 */
	for (unsigned i = 0; i < o->listen.n; i++) {
		if (upstream_is_listener(&u, o->listen.items[i])) {
			s->ours = true;
			return;
		}
	}
	s->items[s->n++] = arena_strdup(s->arena, text);
}

/* resolv.conf(5) */
static void read_servers(
    struct servers *s, const struct options *o, const char *path)
{
	scoped_file FILE *f = fopen(path, "re");
	unsigned before = s->n;
	char line[1024];

	s->ours = false;
	for (unsigned i = 0; f && i < LINES_MAX && fgets(line, sizeof(line), f);
	     i++) {
		char *state, *word = strtok_r(line, " \t\n", &state);
		char *server = strtok_r(NULL, " \t\n", &state);

		if (word && server && strcmp(word, "nameserver") == 0)
			add_server(s, o, server);
	}
	/* where we are among others, they ask us for what we have */
	if (s->ours)
		s->n = before;
}

static void read_matching(
    struct servers *s, const struct options *o, const char *pattern)
{
	glob_t found;

	if (s->n)
		return;
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_servers(s, o, found.gl_pathv[i]);
	}
	globfree(&found);
}

static void find_system(struct servers *s, const struct options *o)
{
	scoped_free char *copy = xstrdup(o->registry);
	scoped_free char *kept =
	    xasprintf("%s/resolv.conf", o->state ? o->state : dirname(copy));

	read_matching(s, o, o->resolv_conf);
	read_matching(s, o, kept);
	read_matching(s, o, "/run/NetworkManager/no-stub-resolv.conf");
	read_matching(s, o, "/run/systemd/resolve/resolv.conf");
	read_matching(s, o, "/run/resolvconf/interface/*");
}

/* ---- what is used ----------------------------------------------------- */

static void use(struct supply *s, const struct conf_strings *upstreams)
{
	const struct options *o = s->options;
	bool any = upstreams->n || o->recursion || o->upstream_zones.n;
	char *recipe = any ? recipe_text(o, upstreams) : NULL;

	if (!any && !s->is_told) {
		log_warn("no server is known that names outside could be asked "
		         "of: set 'upstream', or 'recursion: true'");
		s->is_told = true;
	}
	if (recipe && s->recipe && strcmp(recipe, s->recipe) == 0) {
		free(recipe);
		return;
	}
	if (recipe) {
		for (unsigned i = 0; i < upstreams->n; i++) {
			log_info("names outside are asked of %s",
			    upstreams->items[i]);
		}
		s->is_told = false;
		forward_use(s->forward, recipe);
	} else if (s->recipe) {
		forward_use(s->forward, NULL);
	}
	free(s->recipe);
	s->recipe = recipe;
}

static void look(struct supply *s)
{
	struct servers found = { .arena = arena_new() };

	find_system(&found, s->options);
	const struct conf_strings upstreams = { found.items, found.n };
	use(s, &upstreams);
	arena_free(found.arena);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

struct supply *supply_new(
    struct event_base *base, const struct options *o, struct forward *f)
{
	struct supply *s = xcalloc(1, sizeof(*s));
	struct timeval every = { LOOK_S, 0 };
	const struct conf_strings none = { 0 };

	s->options = o;
	s->forward = f;
	s->follows = !o->recursion && upstream_is_system(o->upstreams.items[0]);
	if (s->follows) {
		event_assign(&s->look, base, -1, EV_PERSIST, on_look, s);
		event_add(&s->look, &every);
		look(s);
	} else {
		use(s, o->recursion ? &none : &o->upstreams);
	}
	return s;
}

void supply_free(struct supply *s)
{
	if (!s)
		return;
	if (s->follows)
		event_del(&s->look);
	free(s->recipe);
	free(s);
}
