// SPDX-License-Identifier: BSD-2-Clause
/*
 * A row that another has is not fought for: what we say of it stands beside
 * it (registry.h: put_instance), and is the row again when the other lets go.
 * Its health stays ours to tell unless the other is a registrar that runs.
 */
#include "registrar/store/store_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIVE_MS 15000 /* three heartbeats */
#define LOST_LINES 20  /* a minute */
#define PREFIX "registrar/"

/* A registrar of this host whose rows we have seen. */
struct foreign {
	char *source;
	unsigned n;
	struct foreign *next;
};

static int64_t wall_ms(const struct store *st)
{
	return st->config.wall_ms(st->config.arg);
}

/* -1: it never ran. */
static int64_t silent_ms(struct store *st, const char *source)
{
	int64_t beat_wall_ms;

	if (registry_read_heartbeat(
	        st->registry, source + strlen(PREFIX), &beat_wall_ms, NULL) < 0)
		return -1;
	return wall_ms(st) - beat_wall_ms;
}

static bool is_alive(struct store *st, const char *source)
{
	if (strncmp(source, PREFIX, strlen(PREFIX)) != 0)
		return false;
	int64_t ms = silent_ms(st, source);

	return ms >= 0 && ms < ALIVE_MS;
}

/* ---- a registry that was opened --------------------------------------- */

static int adopt(struct store *st, struct diag *reterr)
{
	unsigned n = 0;
	int r = registry_adopt(
	    st->registry, st->config.adopt, st->config.source, &n, reterr);

	if (r == 0) {
		log_info("adopted %u instance%s of '%s'", n, n == 1 ? "" : "s",
		    st->config.adopt);
	}
	return r;
}

int store_settle_in(struct store *st, struct diag *reterr)
{
	int r = registry_begin(st->registry, 0, reterr);

	if (r == 0 && st->config.node)
		r = registry_put_host(st->registry, st->config.node, reterr);
	if (r == 0 && st->config.adopt)
		r = adopt(st, reterr);
	if (r == 0)
		return registry_commit(st->registry, reterr);
	registry_rollback(st->registry);
	return r;
}

int store_has_plain_names(const struct store *st, bool *ret_plain)
{
	struct host_row host;

	if (!st->registry)
		return -EAGAIN;
	int r = registry_read_host(st->registry, &host, NULL);

	if (r == 0)
		*ret_plain = host.plain_names;
	return r;
}

/* ---- rows of others ---------------------------------------------------- */

static void tell_lost(
    struct store *st, const struct store_instance *i, const struct row_owner *o)
{
	if (!log_limit_ok(
	        &st->lost, LOST_LINES, 60000, timers_now(st->config.timers)))
		return;
	log_warn("'%s/%s' is '%s's%s%s%s: what '%s' says of it does not count",
	    i->row.service, i->row.name, o->source, *o->node ? " of " : "",
	    o->node, o->is_taken ? ", who took it over" : ", who comes first",
	    i->row.definition ? i->row.definition : st->config.source);
}

int store_look_at_owner(
    struct store *st, struct store_instance *i, struct diag *reterr)
{
	struct row_owner o;
	int r = registry_read_owner(
	    st->registry, i->row.zone, i->row.service, i->row.name, &o, reterr);

	if (r < 0)
		return r;
	bool lost = *o.node || strcmp(o.source, st->config.source) != 0;

	if (lost && !i->lost) {
		tell_lost(st, i, &o);
	} else if (!lost && i->lost) {
		log_info("'%s/%s' is ours again", i->row.service, i->row.name);
	}
	i->lost = lost;
	return 0;
}

bool store_may_judge(struct store *st, const struct store_instance *i)
{
	struct row_owner o;

	if (!i->lost)
		return true;
	if (registry_read_owner(st->registry, i->row.zone, i->row.service,
	        i->row.name, &o, NULL) < 0)
		return true; /* it is gone, and put again */
	return !*o.node && !is_alive(st, o.source);
}

/* ---- those who are gone ------------------------------------------------ */

void store_foreign_seen(struct store *st, const char *source)
{
	struct foreign *f;

	if (strncmp(source, PREFIX, strlen(PREFIX)) != 0)
		return;
	for (f = st->foreign; f; f = f->next) {
		if (!strcmp(f->source, source)) {
			f->n++;
			return;
		}
	}
	f = xcalloc(1, sizeof(*f));
	f->source = xstrdup(source);
	f->n = 1;
	f->next = st->foreign;
	st->foreign = f;
}

static void foreign_free(struct foreign *f)
{
	free(f->source);
	free(f);
}

void store_foreign_tell(struct store *st)
{
	struct foreign **at = &st->foreign;

	while (st->registry && *at) {
		struct foreign *f = *at;
		const char *name = f->source + strlen(PREFIX);

		/* it runs, or did a moment ago: look again */
		if (is_alive(st, f->source)) {
			at = &f->next;
			continue;
		}
		log_warn("the registry has %u instance%s of registrar '%s', "
		         "which does not run: `--adopt %s` makes them ours",
		    f->n, f->n == 1 ? "" : "s", name, name);
		*at = f->next;
		foreign_free(f);
	}
}

void store_foreign_forget(struct store *st)
{
	while (st->foreign) {
		struct foreign *f = st->foreign;

		st->foreign = f->next;
		foreign_free(f);
	}
}
