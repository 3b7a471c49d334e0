// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_exec - what does a program say?
 *
 * Exit 0 is a pass, 1 a warning, anything else a failure; its output is the
 * detail. No shell. The runner sees to when and how it runs; the time-out
 * begins when it does, the next run is counted from when it was due.
 */
#include "registrar/exec/runner.h"
#include "registrar/probe/probe.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXEC_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define OWN_ENV_N 5 /* variables that we set ourselves */
#define MIB (UINT64_C(1024) * 1024)

static void put_environment(const struct probe *p, struct run_message *m)
{
	const struct probe_subject *s = p->subject;
	const struct conf_pairs *env = &p->spec->exec.env;
	char port[16];
	const struct conf_pair own[OWN_ENV_N] = {
		{ "PATH", EXEC_PATH },
		{ "ROLLCALL_SERVICE", s->service },
		{ "ROLLCALL_INSTANCE", s->instance },
		{ "ROLLCALL_ADDRESS", s->address },
		{ "ROLLCALL_PORT", s->port == ROW_DEFAULT ? NULL : port },
	};

	(void)snprintf(port, sizeof(port), "%d", s->port);
	for (unsigned i = 0; i < OWN_ENV_N; i++) {
		bool other = false; /* the definition says another */

		for (unsigned k = 0; k < env->n; k++)
			other = other || !strcmp(env->items[k].key, own[i].key);
		if (own[i].value && !other)
			run_message_env(m, own[i].key, own[i].value);
	}
	for (unsigned k = 0; k < env->n; k++)
		run_message_env(m, env->items[k].key, env->items[k].value);
}

static void on_begin(void *arg, struct run_message *m)
{
	struct probe *p = arg;
	const struct check_exec *e = &p->spec->exec;
	const char *user = e->user ? e->user : p->prober->exec_user;

	run_message_init(m, user ? user : "", e->group ? e->group : "", e->dir);
	/* a second more than the run has: for those that got away from it */
	m->head.cpu_s = e->limits.cpu_s
	                    ? (uint64_t)e->limits.cpu_s
	                    : (uint64_t)p->spec->timeout_ms / 1000 + 1;
	m->head.memory_len = (uint64_t)e->limits.memory_mib * MIB;
	m->head.files_n = (uint64_t)e->limits.files;
	for (unsigned i = 0; i < e->argv.n; i++)
		run_message_arg(m, e->argv.items[i]);
	put_environment(p, m);
	probe_go_on(p);
}

/* The text of a run without output. */
static const char *describe(const struct run_end *e, char *buf, size_t len)
{
	if (e->status < 0) {
		(void)snprintf(buf, len, "killed by signal %d (%s)", -e->status,
		    strsignal(-e->status));
	} else {
		(void)snprintf(buf, len, "exit status %d", e->status);
	}
	return buf;
}

static void on_ended(void *arg, const struct run_end *e)
{
	static const enum verdict by_status[] = { VERDICT_PASS, VERDICT_WARN };
	struct probe *p = arg;
	char text[64];

	p->run = NULL;
	if (e->trouble) {
		probe_done_fmt(p, VERDICT_FAIL, "cannot run '%s': %s",
		    p->spec->exec.argv.items[0], e->trouble);
		return;
	}
	probe_done(p,
	    e->status == 0 || e->status == 1 ? by_status[e->status]
	                                     : VERDICT_FAIL,
	    e->output_len && *e->output ? e->output
	                                : describe(e, text, sizeof(text)));
}

static void exec_start(struct probe *p)
{
	static const struct run_ops ops = { .begin = on_begin,
		.ended = on_ended };

	if (!p->prober->runner) {
		probe_done(p, VERDICT_FAIL, "no programs are run here");
		return;
	}
	probe_wait(p);
	p->run = runner_ask(p->prober->runner, &ops, p);
}

static void exec_stop(struct probe *p)
{
	if (p->run)
		runner_drop(p->run);
}

static const char *exec_waiting(const struct probe *p)
{
	const char *said = p->run ? run_output(p->run) : "";

	return *said ? said : NULL;
}

const struct probe_ops probe_exec_ops = {
	.start = exec_start,
	.stop = exec_stop,
	.waiting = exec_waiting,
};
