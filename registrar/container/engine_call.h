// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * engine_call - one question to an engine, and its answer.
 *
 * Each has a connection of its own: what hangs does not delay another. Private
 * to engine.c. One thread.
 */
#include "registrar/lib/timer.h"

#include <stddef.h>
#include <sys/queue.h>

struct engine_call;
struct event_base;

struct engine_call_ops {
	/* The header of an answer is there; status is 200 or not. */
	void (*headed)(void *arg, int status);
	/* A line of an answer without an end; NULL: the answer is kept. */
	void (*line)(void *arg, const char *text, size_t len);
	/*
	 * It is over, and the call gone when this returns. error 0: this is
	 * the whole answer, of that status. Else it has none, or broke off.
	 */
	void (*done)(
	    void *arg, int error, int status, const char *text, size_t len);
	void *arg;
};

struct engine_call_config {
	struct event_base *base;
	struct timers *timers;
	const char *socket; /* path */
	const char *path;   /* what is asked for */
	size_t max_len;     /* of the answer, or of a line of it */
	int64_t timeout_ms; /* 0: it may take for ever */
	struct engine_call_ops ops;
};

/* Copies config; it is never done before this returns. */
struct engine_call *engine_call_new(const struct engine_call_config *config);
/* It is of no interest any more. NULL is fine. */
void engine_call_free(struct engine_call *c);
