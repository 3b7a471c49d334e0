// SPDX-License-Identifier: BSD-2-Clause
/*
 * First the program, through the runner and with the rules of exec checks,
 * then the signal. Everything ends in end(), from where the registry is told.
 */
#include "registrar/exec/runner.h"
#include "registrar/instance/drains_impl.h"
#include "registrar/lib/printable.h"
#include "registrar/probe/exec_request.h"
#include "schema/base/log.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 500 /* when we were too short of something */

static struct timers *timers_of(const struct drain *d)
{
	return d->all->env->prober->timers;
}

static int64_t wall_ms(const struct drain *d)
{
	return d->all->env->prober->wall_ms(d->all->env->prober->arg);
}

void drain_hook_stop(struct drain *d)
{
	timer_cancel(timers_of(d), &d->limit);
	if (d->run)
		runner_drop(d->run);
	d->run = NULL;
}

void drain_hook_hurry(struct drain *d)
{
	struct timers *ts = timers_of(d);
	int64_t at_ms = timers_now(ts) + d->row.deadline_wall_ms - wall_ms(d);

	if (!d->row.deadline_wall_ms || !timer_is_set(&d->limit) ||
	    at_ms >= d->limit.at_ms)
		return;
	timer_set(
	    ts, &d->limit, at_ms < timers_now(ts) ? timers_now(ts) : at_ms);
}

static void end(struct drain *d, enum drain_step step)
{
	drain_hook_stop(d);
	d->phase = PHASE_END;
	d->ended = step;
	drains_look_soon(d->all);
}

/* "'/usr/bin/stop': exit status 3: no such unit" */
static void tell(struct drain *d, const char *how, const char *said)
{
	const struct instance *i = drain_instance(d);
	const char *program = i && instance_drained(i)->exec.argv.n
	                          ? instance_drained(i)->exec.argv.items[0]
	                          : "it";
	char *text = xasprintf("'%s': %s%s%.*s", program, how,
	    *said ? ": " : "", (int)strcspn(said, "\n"), said);

	printable_copy(d->text, sizeof(d->text), text, strlen(text));
	free(text);
}

/* The program has ended well, or there is none. */
static void send_signal(struct drain *d, const struct instance *i)
{
	int number = instance_drained(i)->signal;
	struct diag why;
	int r = number ? instance_signal(i, number, &why) : 0;
	size_t len = strlen(d->text);

	if (r == -EAGAIN) /* it is looked for: at the next look again */
		return;
	if (number) {
		const char *name = sigabbrev_np(number);

		(void)snprintf(d->text + len, sizeof(d->text) - len,
		    "%sSIG%s: %s", len ? "; " : "", name ? name : "?",
		    r == 0        ? "sent"
		    : r == -ESRCH ? "its process is gone already"
		                  : why.text);
	}
	end(d, r == 0 || r == -ESRCH ? DRAIN_DONE : DRAIN_FAILED);
}

/* A deadline that passed before it began cannot hurry it. */
static void set_limit(struct drain *d, int64_t timeout_ms)
{
	struct timers *ts = timers_of(d);
	int64_t left_ms = d->row.deadline_wall_ms - wall_ms(d);

	if (left_ms > 0 && left_ms < timeout_ms)
		timeout_ms = left_ms;
	timer_set(ts, &d->limit, timers_now(ts) + timeout_ms);
}

static void on_begin(void *arg, struct run_message *m)
{
	struct drain *d = arg;
	const struct instance *i = drain_instance(d);
	char id[24];

	/* the definition may say something else by now */
	if (!i || !instance_drained(i)->exec.argv.n) {
		run_message_init(m, "", "", "/"); /* is refused */
		return;
	}
	(void)snprintf(id, sizeof(id), "%lld", (long long)d->row.until_wall_ms);
	const struct exec_request request = {
		.exec = &instance_drained(i)->exec,
		.subject = instance_subject(i),
		.user = d->all->env->prober->exec_user,
		.timeout_ms = instance_drained(i)->timeout_ms,
		.drain = id,
	};

	exec_request_write(m, &request);
	set_limit(d, request.timeout_ms);
}

/* We are too short to run it: at a later look again. */
static void wait_for_room(struct drain *d, const char *why)
{
	timer_cancel(timers_of(d), &d->limit);
	if (!d->again_ms) {
		log_warn("cannot run now what follows the drain of '%s/%s': %s",
		    d->service, d->instance, why);
	}
	d->again_ms = timers_now(timers_of(d)) + AGAIN_MS;
}

static void on_ended(void *arg, const struct run_end *e)
{
	struct drain *d = arg;
	char buf[64];

	d->run = NULL;
	if (run_end_is_ours(e)) {
		wait_for_room(d, e->trouble);
		return;
	}
	if (e->error) {
		tell(d, "cannot be run", e->trouble);
		end(d, DRAIN_FAILED);
		return;
	}
	tell(d, exec_end_text(e, buf, sizeof(buf)), e->output);
	if (e->status != 0) {
		end(d, DRAIN_FAILED);
		return;
	}
	timer_cancel(timers_of(d), &d->limit);
	d->ran = true;
	timer_set(timers_of(d), &d->all->look, timers_now(timers_of(d)));
}

static void on_limit(void *arg)
{
	struct drain *d = arg;

	tell(d, "still ran when its time was out", run_output(d->run));
	end(d, DRAIN_FAILED);
}

void drain_hook_begin(struct drain *d)
{
	static const struct run_ops ops = { .begin = on_begin,
		.ended = on_ended };
	const struct instance *i = drain_instance(d);
	struct runner *runner = d->all->env->prober->runner;

	d->phase = PHASE_WORK;
	if (!i || timers_now(timers_of(d)) < d->again_ms)
		return; /* at the next look again */
	if (d->ran || !instance_drained(i)->exec.argv.n) {
		send_signal(d, i);
	} else if (!runner) {
		tell(d, "cannot be run", "no programs are run here");
		end(d, DRAIN_FAILED);
	} else {
		d->run = runner_ask(runner, &ops, d);
	}
}

void drain_hook_init(struct drain *d)
{
	timer_init(&d->limit, on_limit, d);
}
