// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_exec - what does a program say?
 *
 * Exit 0 is a pass, 1 a warning, anything else a failure; its output is the
 * detail. No shell. The runner sees to when and how it runs; the time-out
 * begins when it does, the next run is counted from when it was due.
 */
#include "registrar/exec/runner.h"
#include "registrar/probe/exec_request.h"
#include "registrar/probe/probe.h"

static void on_begin(void *arg, struct run_message *m)
{
	struct probe *p = arg;
	const struct exec_request request = { .exec = &p->spec->exec,
		.subject = p->subject,
		.user = p->prober->exec_user,
		.timeout_ms = p->spec->timeout_ms };

	exec_request_write(m, &request);
	probe_go_on(p);
}

static void cannot_run(struct probe *p, const struct run_end *e)
{
	struct diag text;

	(void)diag_set(&text, 0, "cannot run '%s': %s",
	    p->spec->exec.argv.items[0], e->trouble);
	if (run_end_is_ours(e)) {
		probe_done_unable(p, text.text);
	} else {
		probe_done(p, VERDICT_FAIL, text.text);
	}
}

static void on_ended(void *arg, const struct run_end *e)
{
	static const enum verdict by_status[] = { VERDICT_PASS, VERDICT_WARN };
	struct probe *p = arg;
	char text[64];

	p->run = NULL;
	if (e->error) {
		cannot_run(p, e);
		return;
	}
	probe_done(p,
	    e->status == 0 || e->status == 1 ? by_status[e->status]
	                                     : VERDICT_FAIL,
	    e->output_len && *e->output ? e->output
	                                : exec_end_text(e, text, sizeof(text)));
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
