// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/top/top_rows.h"

#include "registrar/lib/wall.h"
#include "registrar/report/status.h"

#include <string.h>
#include <time.h>

const char *const top_titles[TOP_COLUMN_N] = { "INSTANCE", "STATE", "WEIGHT",
	"SINCE", "LAST CHECK" };

enum top_tone top_tone_of(enum top_state s)
{
	static const enum top_tone tones[TOP_STATE_N] = {
		[TOP_DEAD] = TONE_BAD,
		[TOP_CRITICAL] = TONE_BAD,
		[TOP_EXPIRED] = TONE_BAD,
		[TOP_FAILED] = TONE_BAD,
		[TOP_WARNING] = TONE_WARN,
		[TOP_STARTING] = TONE_QUIET,
		[TOP_DRAINING] = TONE_QUIET,
		[TOP_DRAINED] = TONE_QUIET,
		[TOP_MAINTENANCE] = TONE_QUIET,
		[TOP_PASSING] = TONE_GOOD,
	};

	return tones[s];
}

void top_row_read(const struct top_model *m, const struct top_entry *e,
    int64_t now_wall_ms, struct arena *a, struct top_row *ret_row)
{
	struct status_report r;
	char name[256];

	*ret_row = (struct top_row){ .tone = top_tone_of(e->state) };
	ret_row->cells[TOP_NAME] =
	    arena_strdup(a, top_entry_name(m, e, name, sizeof(name)));
	ret_row->cells[TOP_STATE] = top_state_name(e->state);
	ret_row->cells[TOP_WEIGHT] = arena_printf(a, "%d", e->weight);
	ret_row->cells[TOP_SINCE] =
	    wall_since(a, now_wall_ms, e->since_wall_ms);
	ret_row->cells[TOP_DETAIL] = "";
	if (!m->reg ||
	    status_read_instance(m->reg, e->service->zone, e->service->name,
	        e->name, now_wall_ms, &r, NULL) < 0)
		return;
	if (e->facts.mode != MODE_DRAINING) {
		ret_row->cells[TOP_WEIGHT] =
		    status_weight(a, &r.instances[0].row);
	}
	ret_row->cells[TOP_DETAIL] =
	    arena_strdup(a, status_detail(a, &r, &r.instances[0]));
	status_release(&r);
}

/* What matters most comes first, for a line may be short. */
void top_head_each(
    const struct top_model *m, struct arena *a, top_part_fn fn, void *arg)
{
	const char *before = ": ";

	fn(arg, TONE_PLAIN,
	    arena_printf(
	        a, "%u service%s", m->service_n, m->service_n == 1 ? "" : "s"));
	if (m->unanswered_n) {
		fn(arg, TONE_BAD,
		    arena_printf(a, " (%u without answer)", m->unanswered_n));
	}
	fn(arg, TONE_PLAIN,
	    arena_printf(a, ", %u instance%s", m->n, m->n == 1 ? "" : "s"));
	for (unsigned s = 0; s < TOP_STATE_N; s++) {
		if (!m->state_n[s])
			continue;
		fn(arg, top_tone_of((enum top_state)s),
		    arena_printf(a, "%s%u %s", before, m->state_n[s],
		        top_state_name((enum top_state)s)));
		before = ", ";
	}
}

const char *top_recent_text(
    const struct top_model *m, const struct history_row *r, struct arena *a)
{
	time_t at_s = (time_t)(r->at_wall_ms / 1000);
	bool home = strcmp(r->zone, m->home) == 0;
	char clock[16] = "";
	struct tm tm;

	if (gmtime_r(&at_s, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	const char *head = arena_printf(a, "%s  %s%s%s/%s  ", clock, r->service,
	    home ? "" : ".", home ? "" : r->zone, r->instance);
	const char *why =
	    r->reason && *r->reason ? arena_printf(a, ": %s", r->reason) : "";

	if (!r->was) {
		return arena_printf(
		    a, "%snew, %s%s", head, r->now ? r->now : "", why);
	}
	if (!r->now)
		return arena_printf(a, "%sgone, was %s", head, r->was);
	if (strcmp(r->was, r->now) == 0) {
		return arena_printf(a, "%s%s, by %s%s", head, r->now,
		    r->source ? r->source : "", why);
	}
	return arena_printf(a, "%s%s -> %s%s", head, r->was, r->now, why);
}
