// SPDX-License-Identifier: BSD-2-Clause
/*
 * One process and no other: its number and its start time, as for_each found
 * it. When it has ended nobody is looked for any more.
 */
#include "registrar/process/process_impl.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *process_pid_text(pid_t pid, uint64_t start_ticks)
{
	return xasprintf("%d %llu", (int)pid, (unsigned long long)start_ticks);
}

int process_pid_parse(
    const char *text, pid_t *ret_pid, uint64_t *ret_start_ticks)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (end == text || pid < 1 || pid > INT32_MAX || *end != ' ')
		return -EINVAL;
	*ret_start_ticks = strtoull(end + 1, NULL, 10);
	*ret_pid = (pid_t)pid;
	return 0;
}

static void tell_gone(struct process_watch *p)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "pid %.*s ended",
	    (int)strcspn(p->spec->what, " "), p->spec->what);
	process_tell(p, PROCESS_GONE, text);
}

static void look(void *arg)
{
	struct process_watch *p = arg;
	uint64_t ticks;
	pid_t pid;
	int r = process_pid_parse(p->spec->what, &pid, &ticks);

	if (r == 0)
		r = process_hold(p, pid, ticks, NULL);
	if (r == 0) {
		process_tell_alive(p);
	} else if (r == -ESRCH) {
		tell_gone(p);
	} else {
		process_tell_error(p, r);
	}
}

static void begin(struct process_watch *p)
{
	timer_init(&p->look, look, p);
	timer_set(p->w->timers, &p->look, timers_now(p->w->timers));
}

static void end(struct process_watch *p)
{
	timer_cancel(p->w->timers, &p->look);
}

const struct watch_kind watch_pid = { begin, end, tell_gone, NULL };
