// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * looker_child - the process that looks, and what both say to each other.
 *
 * A request is one struct looker_request; what follows is a stream of answers
 * that begin with their length. Both are the same program, so numbers are as
 * they lie in memory.
 */
#include <stdint.h>

enum looker_what {
	LOOK_EXES,    /* n answers: path, or none and the error */
	LOOK_SOCKETS, /* struct looker_socket each, then one with the error */
	LOOK_SOCKET,  /* of pid[0] at descriptor `fd`: one */
	LOOK_MARK,    /* `mark`, as it is */
};

#define LOOKER_LOT 64  /* processes in a request */
#define LOOKER_MARK 16 /* octets that nothing else looks like */

struct looker_request {
	enum looker_what what;
	int32_t fd;
	uint32_t n;
	int32_t pid[LOOKER_LOT];
	uint8_t mark[LOOKER_MARK];
};

/* LOOK_EXES: `len` octets follow. */
struct looker_exe {
	int32_t error; /* 0, or -E... */
	uint32_t len;
};

struct looker_socket {
	int32_t error; /* 1: this is one; 0 or -E..: that was all */
	int32_t fd;
	uint64_t inode;
};

/* For helper_start(). Ends when the registrar closes its end. */
void looker_child(void);
