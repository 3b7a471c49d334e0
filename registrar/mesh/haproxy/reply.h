// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * reply - what HAProxy's runtime API answers, cut out of a stream.
 *
 * After `prompt` each answer ends with "> " at the start of a line; while it
 * takes a text over several lines, each of them is answered by "+ ". Pure:
 * octets in, nothing kept.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * The length of the first whole answer with its prompt, 0: there is none yet.
 * *ret_text .. *ret_len: the answer, without blank lines and prompts around.
 */
size_t reply_next(
    const char *data, size_t len, const char **ret_text, size_t *ret_len);

/* A row of `show servers state`; texts are cut to size. */
struct reply_server {
	char backend[256], name[128], address[64];
	int port, weight, admin;
};
/* line: without its newline. False: it is no row. */
bool reply_server_row(const char *line, size_t len, struct reply_server *ret_s);

/* "New version created: 3" -> 3; -1: it says no such thing. */
int reply_version(const char *text, size_t len);
