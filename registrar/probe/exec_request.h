// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * exec_request - how the programs of definitions are run, be they checks or
 * what follows a drain: arguments, limits, user and environment.
 */
#include "registrar/exec/runner_message.h"
#include "registrar/probe/probe.h"

struct run_end;

/* Everything is borrowed for the call. */
struct exec_request {
	const struct check_exec *exec;
	const struct probe_subject *subject;
	const char *user;   /* of those that name none; NULL: ours */
	int64_t timeout_ms; /* for its limit of processor time */
	const char *drain;  /* which one it follows; NULL: none */
};

void exec_request_write(struct run_message *m, const struct exec_request *q);

/* "exit status 3", in buf. */
const char *exec_end_text(const struct run_end *e, char *buf, size_t len);
