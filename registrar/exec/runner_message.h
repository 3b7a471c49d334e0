// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * runner_message - what runner and broker say to each other.
 *
 * One message is one packet of a SOCK_SEQPACKET pair between two processes of
 * the same program, so numbers are as they lie in memory. A request to run
 * something carries the descriptor for its output beside it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_MESSAGE_MAX 131072 /* octets; a socket takes 212,992 by default */
#define RUN_WORDS_MAX 256      /* arguments and variables together */

enum run_message_type {
	RUN_BEGIN, /* to the broker, with strings */
	RUN_KILL,  /* to the broker */
	RUN_ENDED, /* from the broker: status */
};

struct run_header {
	enum run_message_type type;
	uint32_t id;    /* of the run */
	int32_t status; /* its exit status, or minus the signal it died of */
	int32_t error;  /* -E..: we were too short to run it; 0: it was run */
	uint32_t arg_n, env_n;
	/* limits of each process; 0: none */
	uint64_t cpu_s, memory_len, files_n;
};

/*
 * A request being written: run_message_init(), arguments, variables, then
 * the packet is message.buf, message.len octets.
 */
struct run_message {
	struct run_header head;
	size_t len;
	bool too_long; /* something did not fit */
	char buf[RUN_MESSAGE_MAX];
};

/* user, group: "" for our own; dir: where it runs. */
void run_message_init(struct run_message *m, const char *user,
    const char *group, const char *dir);
void run_message_arg(struct run_message *m, const char *arg);
/* After all arguments. */
void run_message_env(
    struct run_message *m, const char *name, const char *value);
/* Puts the header into its place; false: it is too long. */
bool run_message_finish(struct run_message *m);

/* What a packet says; pointers into it, lists end with NULL. */
struct run_request {
	struct run_header head;
	const char *user, *group, *dir;
	char *argv[RUN_WORDS_MAX + 1], *envp[RUN_WORDS_MAX + 1];
};

/* False: this is no packet of ours. */
bool run_request_read(char *buf, size_t len, struct run_request *ret_q);
