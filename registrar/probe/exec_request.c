// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/probe/exec_request.h"

#include "registrar/exec/runner.h"

#include <stdio.h>
#include <string.h>

#define EXEC_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define OWN_ENV_N 6 /* variables that we set ourselves */
#define MIB (UINT64_C(1024) * 1024)

static void put_environment(struct run_message *m, const struct exec_request *q)
{
	const struct probe_subject *s = q->subject;
	const struct conf_pairs *env = &q->exec->env;
	char port[16];
	const struct conf_pair own[OWN_ENV_N] = {
		{ "PATH", EXEC_PATH },
		{ "ROLLCALL_SERVICE", s->service },
		{ "ROLLCALL_INSTANCE", s->instance },
		{ "ROLLCALL_ADDRESS", s->address },
		{ "ROLLCALL_PORT", s->port == ROW_DEFAULT ? NULL : port },
		{ "ROLLCALL_DRAIN", q->drain },
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

void exec_request_write(struct run_message *m, const struct exec_request *q)
{
	const struct check_exec *e = q->exec;
	const char *user = e->user ? e->user : q->user;

	run_message_init(m, user ? user : "", e->group ? e->group : "", e->dir);
	/* a second more than the run has: for those that got away from it */
	m->head.cpu_s = e->limits.cpu_s ? (uint64_t)e->limits.cpu_s
	                                : (uint64_t)q->timeout_ms / 1000 + 1;
	m->head.memory_len = (uint64_t)e->limits.memory_mib * MIB;
	m->head.files_n = (uint64_t)e->limits.files;
	for (unsigned i = 0; i < e->argv.n; i++)
		run_message_arg(m, e->argv.items[i]);
	put_environment(m, q);
}

const char *exec_end_text(const struct run_end *e, char *buf, size_t len)
{
	if (e->status < 0) {
		(void)snprintf(buf, len, "killed by signal %d (%s)", -e->status,
		    strsignal(-e->status));
	} else {
		(void)snprintf(buf, len, "exit status %d", e->status);
	}
	return buf;
}
