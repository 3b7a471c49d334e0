// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/api/sums.h"

#include "registrar/http/feed.h"
#include "registrar/report/status.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE = 100,   /* services in one go */
	PAUSE_MS = 10, /* between two, while nobody waits for them */
	SOURCES = 64,
	BROKEN_MS = 3000,
};

struct sums {
	struct feed *feed;
	struct feed_listener listener;
	struct event *again;
	struct sum **all; /* by zone and name */
	size_t n, max;
	struct sum **dirty;
	size_t dirty_n, dirty_max;
	struct registry_key at; /* so far all are read */
	bool whole;             /* all are */
	int64_t whole_wall_ms;  /* since then */
	char **broken;
	size_t broken_n;
	int64_t due_wall_ms;             /* the first of all; 0: none */
	const char *states[SUM_STATE_N]; /* static texts */
	char *sources[SOURCES];
	unsigned source_n;
};

/* ---- the table -------------------------------------------------------- */

static int compare(const struct sum *s, const char *zone, const char *name)
{
	int order = strcmp(s->zone, zone);

	return order ? order : strcmp(s->name, name);
}

/* Where it is, or would be. */
static size_t place(const struct sums *s, const char *zone, const char *name)
{
	size_t low = 0, high = s->n;

	/* they come in their order */
	if (high && compare(s->all[high - 1], zone, name) < 0)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(s->all[mid], zone, name) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static struct sum *need(struct sums *s, const char *zone, const char *name)
{
	size_t at = place(s, zone, name);

	if (at < s->n && !compare(s->all[at], zone, name))
		return s->all[at];
	size_t zone_len = strlen(zone) + 1, len = strlen(name) + 1;
	struct sum *sum = xcalloc(1, sizeof(*sum) + zone_len + len);

	memcpy(sum->zone, zone, zone_len);
	memcpy(sum->zone + zone_len, name, len);
	sum->name = sum->zone + zone_len;
	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 64;
		s->all = xreallocarray(s->all, s->max, sizeof(struct sum *));
	}
	memmove(
	    &s->all[at + 1], &s->all[at], (s->n - at) * sizeof(struct sum *));
	s->all[at] = sum;
	s->n++;
	return sum;
}

/* Those that are not there any more. */
static void drop_gone(struct sums *s)
{
	size_t kept = 0;

	for (size_t k = 0; k < s->n; k++) {
		if (s->all[k]->gone && !s->all[k]->dirty) {
			free(s->all[k]);
		} else {
			s->all[kept++] = s->all[k];
		}
	}
	s->n = kept;
}

static void forget(struct sums *s)
{
	for (size_t k = 0; k < s->n; k++)
		free(s->all[k]);
	for (unsigned k = 0; k < s->source_n; k++)
		free(s->sources[k]);
	for (size_t k = 0; k < s->broken_n; k++)
		free(s->broken[k]);
	s->n = s->dirty_n = s->broken_n = s->source_n = 0;
	s->at = (struct registry_key){ 0 };
	s->whole = false;
	s->due_wall_ms = 0;
}

static void mark(struct sums *s, struct sum *sum)
{
	if (sum->dirty)
		return;
	sum->dirty = true;
	if (s->dirty_n == s->dirty_max) {
		s->dirty_max = s->dirty_max ? 2 * s->dirty_max : 64;
		s->dirty =
		    xreallocarray(s->dirty, s->dirty_max, sizeof(struct sum *));
	}
	s->dirty[s->dirty_n++] = sum;
}

/* ---- one service ------------------------------------------------------ */

static unsigned state_of(struct sums *s, const char *word)
{
	unsigned k = 0;

	while (k < SUM_STATE_N - 1 && s->states[k] &&
	       strcmp(s->states[k], word) != 0)
		k++;
	if (!s->states[k])
		s->states[k] = word;
	return k;
}

static uint64_t source_of(struct sums *s, const char *source)
{
	unsigned k = 0;

	while (k < s->source_n && strcmp(s->sources[k], source) != 0)
		k++;
	if (k == SOURCES)
		return UINT64_MAX; /* more than one tells apart */
	if (k == s->source_n)
		s->sources[s->source_n++] = xstrdup(source);
	return (uint64_t)1 << k;
}

static void be_due(int64_t *due_wall_ms, int64_t at_wall_ms)
{
	if (at_wall_ms && (!*due_wall_ms || at_wall_ms < *due_wall_ms))
		*due_wall_ms = at_wall_ms;
}

/* When it is another by time alone, if no row changes. */
static int64_t due_of(
    const struct status_report *report, const struct status_instance *i)
{
	int64_t gone_ms = i->row.lease_until_wall_ms + REGISTRY_EXPIRED_KEEP_MS;

	if (i->eligible.why != ELIGIBLE_EXPIRED)
		return i->eligible.until_wall_ms;
	return gone_ms >= report->now_wall_ms ? gone_ms + 1 : 0;
}

static void add_instance(struct sums *s, struct sum *sum,
    const struct status_report *report, const struct status_instance *i)
{
	bool is_bad = status_is_bad(report, i);

	sum->instance_n[state_of(s, status_state(i))]++;
	sum->problem_n += is_bad;
	sum->bad |= is_bad;
	be_due(&sum->due_wall_ms, due_of(report, i));
	/* of another host its host says it */
	if (!*i->row.node && !strncmp(i->row.source, "registrar/", 10))
		sum->sources |= source_of(s, i->row.source);
}

static void take(struct sums *s, struct sum *sum,
    const struct status_report *report, const struct status_service *service)
{
	memset(sum->instance_n, 0, sizeof(sum->instance_n));
	sum->sources = 0;
	sum->due_wall_ms = 0;
	sum->gone = false;
	sum->bad = service->is_out;
	sum->problem_n = service->is_out;
	for (unsigned k = 0; k < service->instance_n; k++) {
		add_instance(s, sum, report,
		    &report->instances[service->instance_0 + k]);
	}
	be_due(&s->due_wall_ms, sum->due_wall_ms);
}

static void take_broken(struct sums *s, const struct status_report *report)
{
	if (!report->broken_n)
		return;
	s->broken = xreallocarray(
	    s->broken, s->broken_n + report->broken_n, sizeof(char *));
	for (unsigned k = 0; k < report->broken_n; k++)
		s->broken[s->broken_n++] = xstrdup(report->broken[k]);
}

/* ---- the work --------------------------------------------------------- */

static int read_page(struct sums *s, struct registry *r, int64_t now_wall_ms)
{
	struct status_report report;
	unsigned n;
	int error =
	    status_read_page(r, &s->at, PIECE, now_wall_ms, &report, &n, NULL);

	if (error < 0)
		return error;
	for (unsigned k = 0; k < report.service_n; k++) {
		const struct status_service *service = &report.services[k];

		take(s, need(s, service->row.zone, service->row.name), &report,
		    service);
	}
	take_broken(s, &report);
	s->whole = n == 0;
	s->whole_wall_ms = now_wall_ms;
	status_release(&report);
	return 0;
}

static int read_one(
    struct sums *s, struct registry *r, struct sum *sum, int64_t now_wall_ms)
{
	struct status_report report;
	int error = status_read(
	    r, NULL, sum->zone, sum->name, now_wall_ms, &report, NULL);

	if (error < 0 && error != -ENOENT)
		return error;
	sum->gone = error == -ENOENT || !report.service_n;
	if (!sum->gone)
		take(s, sum, &report, &report.services[0]);
	if (error == 0) {
		take_broken(s, &report);
		status_release(&report);
	}
	return 0;
}

static int read_dirty(struct sums *s, struct registry *r, int64_t now_wall_ms)
{
	bool gone = false;

	for (unsigned k = 0; k < PIECE && s->dirty_n; k++) {
		struct sum *sum = s->dirty[s->dirty_n - 1];
		int error = read_one(s, r, sum, now_wall_ms);

		if (error < 0)
			return error;
		s->dirty_n--;
		sum->dirty = false;
		gone |= sum->gone;
	}
	if (gone)
		drop_gone(s);
	return 0;
}

static void mark_due(struct sums *s, int64_t now_wall_ms)
{
	if (!s->due_wall_ms || s->due_wall_ms > now_wall_ms)
		return;
	s->due_wall_ms = 0;
	for (size_t k = 0; k < s->n; k++) {
		struct sum *sum = s->all[k];

		if (sum->due_wall_ms && sum->due_wall_ms <= now_wall_ms) {
			mark(s, sum);
		} else {
			be_due(&s->due_wall_ms, sum->due_wall_ms);
		}
	}
}

int sums_work(struct sums *s, struct registry *r, int64_t now_wall_ms)
{
	int error;

	if (s->broken_n && s->whole &&
	    llabs(now_wall_ms - s->whole_wall_ms) >= BROKEN_MS)
		forget(s);
	if (!s->whole) {
		error = read_page(s, r, now_wall_ms);
		return error < 0 ? error : 1;
	}
	if (!s->dirty_n)
		mark_due(s, now_wall_ms);
	error = s->dirty_n ? read_dirty(s, r, now_wall_ms) : 0;
	return error < 0 ? error : s->dirty_n != 0;
}

/* ---- when there is some ----------------------------------------------- */

static void work_later(struct sums *s)
{
	const struct timeval pause = { .tv_usec = PAUSE_MS * 1000L };

	(void)evtimer_add(s->again, &pause);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct sums *s = arg;
	struct registry *r = feed_registry(s->feed, NULL);

	(void)fd;
	(void)what;
	/* what changes later is for who looks */
	if (r && !s->whole && sums_work(s, r, clock_wall_ms()) > 0)
		work_later(s);
}

static void on_change(
    void *arg, int64_t revision, const char *zone, const char *service)
{
	struct sums *s = arg;

	(void)revision;
	if (service) {
		/* what is read later is not read twice */
		if (s->whole || *s->at.zone)
			mark(s, need(s, zone, service));
		return;
	}
	forget(s);
	work_later(s);
}

struct sums *sums_new(struct event_base *base, struct feed *f)
{
	struct sums *s = xcalloc(1, sizeof(*s));

	s->feed = f;
	s->again = evtimer_new(base, on_again, s);
	if (!s->again)
		abort(); /* out of memory */
	s->listener.fn = on_change;
	s->listener.arg = s;
	feed_listen(f, &s->listener);
	work_later(s);
	return s;
}

void sums_free(struct sums *s)
{
	if (!s)
		return;
	forget(s);
	event_free(s->again);
	free(s->all);
	free(s->dirty);
	free(s->broken);
	free(s);
}

/* ---- what is known ---------------------------------------------------- */

const char *sums_broken(const struct sums *s, size_t k)
{
	return k < s->broken_n ? s->broken[k] : NULL;
}

size_t sums_n(const struct sums *s)
{
	return s->n;
}

const struct sum *sums_at(const struct sums *s, size_t k)
{
	return s->all[k];
}

const char *sums_state(const struct sums *s, unsigned k)
{
	return k < SUM_STATE_N ? s->states[k] : NULL;
}

const char *sums_source(const struct sums *s, unsigned k)
{
	return k < s->source_n ? s->sources[k] : NULL;
}
