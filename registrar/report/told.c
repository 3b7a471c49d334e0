// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/report/told.h"

#include "registrar/lib/wall.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 1000 /* of each kind; more than that nobody reads */
/* A file that was left behind so long ago is of no dnsd that is missed. */
#define FORGOTTEN_MS 86400000
#define REGISTRAR "registrar/"

const char *told_code_name(enum told_code c)
{
	static const char *const names[] = {
		[TOLD_REGISTRAR_SILENT] = "registrar-silent",
		[TOLD_REFUSED] = "definition-refused",
		[TOLD_UNSERVED] = "zone-unserved",
		[TOLD_DNSD_SILENT] = "dnsd-silent",
		[TOLD_DNSD_TROUBLE] = "dnsd-trouble",
		[TOLD_CLUSTER] = "cluster",
		[TOLD_DNSD_UNKNOWN] = "dnsd-unknown",
	};

	return names[c];
}

/* ---- reading ---------------------------------------------------------- */

static void on_registrar(void *arg, const struct registrar_row *row)
{
	struct told *t = arg;

	if (t->registrar_n == ROWS_MAX)
		return;
	struct registrar_row *r = &t->registrars[t->registrar_n++];

	*r = *row;
	r->name = arena_strdup(t->arena, row->name);
	r->version = arena_strdup(t->arena, row->version);
	r->last_error = arena_strdup(t->arena, row->last_error);
}

static void on_refused(void *arg, const struct refused_row *row)
{
	struct told *t = arg;

	if (t->refused_n == ROWS_MAX)
		return;
	struct refused_row *r = &t->refused[t->refused_n++];

	*r = *row;
	r->source = arena_strdup(t->arena, row->source);
	r->file = arena_strdup(t->arena, row->file);
	r->message = arena_strdup(t->arena, row->message);
	r->services = arena_strdup(t->arena, row->services);
}

static void on_member(void *arg, const struct member_row *row)
{
	struct told *t = arg;

	if (t->member_n == ROWS_MAX)
		return;
	struct member_row *m = &t->members[t->member_n++];

	*m = *row;
	m->node = arena_strdup(t->arena, row->node);
	m->state = arena_strdup(t->arena, row->state);
	m->text = arena_strdup(t->arena, row->text);
}

static void look_at_pulses(struct told *t, const char *path)
{
	t->pulses =
	    arena_alloc(t->arena, t->registrar_n + 1u, sizeof(*t->pulses));
	for (unsigned k = 0; k < t->registrar_n; k++) {
		const struct registrar_row *r = &t->registrars[k];
		scoped_free char *file = pulse_path_of_registrar(path, r->name);

		t->pulses[k] = (struct pulse){ .sign = PULSE_UNKNOWN };
		if (file)
			pulse_look(file, r->pid, t->now_wall_ms, &t->pulses[k]);
	}
}

void told_read(struct told *ret_t, struct registry *reg, const char *path,
    int64_t now_wall_ms, struct arena *a)
{
	struct told t = { .arena = a, .now_wall_ms = now_wall_ms };

	t.registrars = arena_alloc(a, ROWS_MAX, sizeof(*t.registrars));
	t.refused = arena_alloc(a, ROWS_MAX, sizeof(*t.refused));
	(void)registry_read_registrars(reg, on_registrar, &t, NULL);
	t.members = arena_alloc(a, ROWS_MAX, sizeof(*t.members));
	(void)registry_read_members(reg, on_member, &t, NULL);
	(void)registry_read_refused(reg, on_refused, &t, NULL);
	if (dnsd_status_read_all(path, now_wall_ms, a, &t.dnsd, &t.dnsd_n) < 0)
		t.dnsd_n = 0;
	look_at_pulses(&t, path);
	*ret_t = t;
}

/* ---- registrars ------------------------------------------------------- */

static int find_registrar(const struct told *t, const char *name)
{
	for (unsigned k = 0; k < t->registrar_n; k++) {
		if (!strcmp(t->registrars[k].name, name))
			return (int)k;
	}
	return -1;
}

static bool is_registrar(const char *source)
{
	return !strncmp(source, REGISTRAR, strlen(REGISTRAR));
}

/* What its pulse says goes before its row, which is written each 5 s. */
const char *told_registrar_state(const struct told *t, unsigned k)
{
	const struct registrar_row *r = &t->registrars[k];
	const struct pulse *p = t->pulses ? &t->pulses[k] : NULL;

	if (!r->started_wall_ms)
		return "ended";
	if (p && p->sign == PULSE_GONE)
		return "gone";
	if (p && p->sign == PULSE_STALLED)
		return "stalled";
	if (p && *p->trouble)
		return "blocked";
	return r->heartbeat_wall_ms > t->now_wall_ms - REGISTRAR_SILENT_MS
	           ? "heard"
	           : "silent";
}

int64_t told_registrar_heard(const struct told *t, unsigned k)
{
	int64_t row_ms = t->registrars[k].heartbeat_wall_ms;
	int64_t beat_ms = t->pulses ? t->pulses[k].beat_wall_ms : 0;

	return beat_ms > row_ms ? beat_ms : row_ms;
}

bool told_is_heard(const struct told *t, const char *source)
{
	if (!is_registrar(source))
		return true;
	int k = find_registrar(t, source + strlen(REGISTRAR));

	return k >= 0 && !strcmp(told_registrar_state(t, (unsigned)k), "heard");
}

static void add(struct told *t, enum told_code code, const char *text)
{
	t->lines[t->line_n++] =
	    (struct told_line){ .code = code, .text = text };
	t->doubtful |= code != TOLD_DNSD_UNKNOWN;
}

static const char *last_word(const struct told *t, unsigned k)
{
	const char *said = t->registrars[k].last_error;
	const char *state = told_registrar_state(t, k);
	const char *why = !strcmp(state, "gone")      ? "; its process is gone"
	                  : !strcmp(state, "stalled") ? "; it hangs"
	                                              : "";

	return arena_printf(
	    t->arena, "%s%s%s", why, *said ? "; it said last: " : "", said);
}

static void judge_registrar(struct told *t, const char *source)
{
	const char *name = source + strlen(REGISTRAR);

	if (told_is_heard(t, source))
		return;
	int k = find_registrar(t, name);

	if (k < 0) {
		add(t, TOLD_REGISTRAR_SILENT,
		    arena_printf(t->arena,
		        "registrar %s was never heard of: states may be old",
		        name));
		return;
	}
	if (!strcmp(told_registrar_state(t, (unsigned)k), "blocked")) {
		add(t, TOLD_REGISTRAR_SILENT,
		    arena_printf(t->arena,
		        "registrar %s cannot write the registry: states may be "
		        "old; %s",
		        name, t->pulses[k].trouble));
		return;
	}
	add(t, TOLD_REGISTRAR_SILENT,
	    arena_printf(t->arena,
	        "registrar %s %s %s ago: states may be old%s", name,
	        t->registrars[k].started_wall_ms ? "last heard" : "ended",
	        wall_since(t->arena, t->now_wall_ms,
	            told_registrar_heard(t, (unsigned)k)),
	        last_word(t, (unsigned)k)));
}

/* ---- other hosts ------------------------------------------------------ */

const char *told_host_heard(const struct told *t, const char *node)
{
	for (unsigned k = 0; k < t->member_n; k++) {
		const struct member_row *m = &t->members[k];

		if (!strcmp(m->node, node) && m->heard_wall_ms) {
			return arena_printf(t->arena, "%s ago",
			    wall_since(
			        t->arena, t->now_wall_ms, m->heard_wall_ms));
		}
	}
	return NULL;
}

/* Ours says how old all of it is, the others what is kept of them. */
static void judge_member(struct told *t, const struct member_row *m)
{
	bool silent = m->heard_wall_ms <= t->now_wall_ms - REGISTRAR_SILENT_MS;

	if (*m->node && !strcmp(m->state, "held")) {
		add(t, TOLD_CLUSTER,
		    arena_printf(t->arena,
		        "host %s is gone from the cluster, with others at "
		        "about the same time: its instances stay",
		        m->node));
	} else if (!*m->node && (silent || !strcmp(m->state, "cut-off"))) {
		add(t, TOLD_CLUSTER,
		    arena_printf(t->arena,
		        "the cluster was last heard %s: what other hosts say "
		        "may be old",
		        m->heard_wall_ms ? told_host_heard(t, "") : "never"));
	} else if (!*m->node && *m->text) {
		add(t, TOLD_CLUSTER,
		    arena_printf(t->arena, "cluster: %s", m->text));
	}
}

/* ---- definitions ------------------------------------------------------ */

/* "/etc/rollcall/services.d/app7.yaml" is named after app7. */
static bool is_named_after(const char *file, const char *service)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	size_t len = strlen(service);

	return !strncmp(name, service, len) && (name[len] == '.' || !name[len]);
}

bool told_is_about(const struct refused_row *row, const char *service)
{
	size_t len = strlen(service);

	/* made by definition_guess(): names have nothing to escape */
	for (const char *p = row->services; (p = strchr(p, '"')); p++) {
		if (!strncmp(p + 1, service, len) && p[1 + len] == '"')
			return true;
	}
	return is_named_after(row->file, service);
}

static void judge_refused(
    struct told *t, const struct refused_row *row, const char *service)
{
	if (service && !told_is_about(row, service))
		return;
	size_t len = strcspn(row->message, "\n");
	unsigned more = 0;

	for (const char *p = row->message + len; *p; p++)
		more += *p == '\n';
	const char *name = is_registrar(row->source)
	                       ? row->source + strlen(REGISTRAR)
	                       : row->source;
	const char *rest =
	    more ? arena_printf(t->arena, " (and %u more)", more) : "";

	add(t, TOLD_REFUSED,
	    arena_printf(t->arena, "definition refused by registrar %s: %.*s%s",
	        name, (int)len, row->message, rest));
}

/* ---- dnsd ------------------------------------------------------------- */

static bool is_forgotten(const struct told *t, const struct dnsd_status *s)
{
	return s->written_wall_ms < t->now_wall_ms - FORGOTTEN_MS;
}

enum told_served told_served(const struct told *t, const char *zone)
{
	bool known = false;

	for (unsigned k = 0; k < t->dnsd_n; k++) {
		const struct dnsd_status *s = &t->dnsd[k];

		if (dnsd_status_is_alive(s, t->now_wall_ms) &&
		    dnsd_status_find_zone(s, zone))
			return TOLD_SERVED;
		known |= !is_forgotten(t, s);
	}
	return known ? TOLD_NOT_SERVED : TOLD_NOT_KNOWN;
}

static void judge_zone(struct told *t, const char *zone)
{
	if (told_served(t, zone) == TOLD_NOT_SERVED) {
		add(t, TOLD_UNSERVED,
		    arena_printf(
		        t->arena, "no dnsd here serves zone %s", zone));
	}
}

/*
 * One that hangs may answer still, from threads of their own: whether a zone is
 * served is not judged by that.
 */
const char *told_dnsd_state(const struct told *t, const struct dnsd_status *s)
{
	if (s->ended_wall_ms)
		return "ended";
	if (s->gone)
		return "gone";
	if (s->pulse.sign == PULSE_STALLED)
		return "stalled";
	return dnsd_status_is_alive(s, t->now_wall_ms) ? "answers" : "silent";
}

int64_t told_dnsd_heard(const struct dnsd_status *s)
{
	return s->pulse.beat_wall_ms > s->written_wall_ms
	           ? s->pulse.beat_wall_ms
	           : s->written_wall_ms;
}

static void judge_dnsd(struct told *t, const struct dnsd_status *s)
{
	if (is_forgotten(t, s) || s->ended_wall_ms)
		return;
	const char *state = told_dnsd_state(t, s);

	if (strcmp(state, "answers") != 0) {
		add(t, TOLD_DNSD_SILENT,
		    arena_printf(t->arena, "dnsd at %s last heard %s ago%s",
		        s->addresses[0],
		        wall_since(
		            t->arena, t->now_wall_ms, told_dnsd_heard(s)),
		        s->gone                     ? ": its process is gone"
		        : !strcmp(state, "stalled") ? ": it hangs"
		                                    : ""));
	} else if (*s->trouble) {
		add(t, TOLD_DNSD_TROUBLE,
		    arena_printf(t->arena,
		        "dnsd at %s answers from what it read before: %s",
		        s->addresses[0], s->trouble));
	}
}

static bool is_dnsd_unknown(const struct told *t)
{
	for (unsigned k = 0; k < t->dnsd_n; k++) {
		if (!is_forgotten(t, &t->dnsd[k]))
			return false;
	}
	return true;
}

/* ---- all of it -------------------------------------------------------- */

void told_judge(struct told *t, const struct told_scope *s)
{
	t->lines = arena_alloc(t->arena,
	    s->source_n + s->zone_n + t->refused_n + t->dnsd_n + t->member_n +
	        1u,
	    sizeof(*t->lines));
	t->line_n = 0;
	t->doubtful = false;
	for (unsigned k = 0; k < s->source_n; k++)
		judge_registrar(t, s->sources[k]);
	for (unsigned k = 0; k < t->member_n; k++)
		judge_member(t, &t->members[k]);
	for (unsigned k = 0; k < t->refused_n; k++)
		judge_refused(t, &t->refused[k], s->service);
	for (unsigned k = 0; k < s->zone_n; k++)
		judge_zone(t, s->zones[k]);
	for (unsigned k = 0; k < t->dnsd_n; k++)
		judge_dnsd(t, &t->dnsd[k]);
	if (is_dnsd_unknown(t)) {
		add(t, TOLD_DNSD_UNKNOWN,
		    "dnsd unknown: none tells of itself beside the registry");
	}
}
