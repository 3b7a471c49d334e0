// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * looker - looks at other processes for whoever may not.
 *
 * Under Landlock a process may not follow /proc/PID/exe and /proc/PID/fd of
 * others (schema/sandbox/sandbox.h). So before the registrar is restricted it
 * forks one that stays without Landlock, and may do nothing but read. It ends
 * with the registrar; if it is killed, the registrar ends, to be started
 * anew.
 *
 * All functions accept NULL for l, and look themselves then. They wait for
 * the answer: one question takes 5 us instead of 1, a walk over all processes
 * a fifth more than by ourselves. They wait LOOKER_WAIT_MS at most: then
 * nothing can be seen until it answers again. One thread.
 */
#include "registrar/lib/procfs.h"
#include "registrar/lib/sockets.h"
#include "schema/base/diag.h"

struct event_base;
struct looker;

/* From the event base, or from a question. */
struct looker_ops {
	void (*gone)(void *arg); /* it has ended by itself */
	/* It does not answer: nothing can be seen. True: it does again. */
	void (*answers)(void *arg, bool again);
	void *arg;
};

/* Copies ops. */
int looker_new(struct event_base *base, const struct looker_ops *ops,
    struct looker **ret_l, struct diag *reterr);
void looker_free(struct looker *l);

#define LOOKER_WAIT_MS 200

/* As proc_see_exe(); -EACCES also when the looker does not answer. */
int looker_exe(struct looker *l, pid_t pid, char *buf, size_t len);

/*
 * As proc_each(), for those who will ask for the executables: they come in
 * lots, and looker_exe() from fn of this pid need not ask again.
 */
int looker_each(struct looker *l, proc_fn fn, void *arg);

/* As proc_see_sockets(). */
int looker_sockets(struct looker *l, pid_t pid, socket_fn fn, void *arg);
/* As far as can be seen: true when nothing can. */
bool looker_has_socket(struct looker *l, pid_t pid, int fd, uint64_t inode);

/* CPU time of this thread and of the looker; what matters is a difference. */
int64_t looker_clock_ns(const struct looker *l);
