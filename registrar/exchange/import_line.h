// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * import_line - one line of an import file: octets to fields.
 *
 * A reader for flat JSON objects of known keys, several times as fast as a
 * tree of JSON values, and one that knows the column of what it refuses.
 * Values of tags and meta go through jansson. Pure but for allocation; any
 * thread.
 */
#include "schema/base/diag.h"

#include <stddef.h>

enum import_key {
	IMPORT_SERVICE,
	IMPORT_ID,
	IMPORT_ADDRESS,
	IMPORT_PORT,
	IMPORT_WEIGHT,
	IMPORT_PRIORITY,
	IMPORT_ADDRESS6,
	IMPORT_TAGS,
	IMPORT_META,
	IMPORT_PROTOCOL,
	IMPORT_TTL,
	IMPORT_WEIGHT_WARNING,
	IMPORT_LOCALITY,
	IMPORT_PORT_NAME,
	IMPORT_PORTS,
};
#define IMPORT_KEY_N 15

/* Texts point into the line that was read; JSON is owned. */
struct import_line {
	const char *service, *id, *address;
	const char *address6; /* or NULL */
	const char *protocol;
	int port, ttl_s; /* or ROW_DEFAULT */
	int weight, priority;
	int weight_warning;          /* or ROW_DEFAULT */
	const char *locality;        /* or NULL */
	const char *port_name;       /* or NULL */
	char *tags, *meta, *ports;   /* compact JSON, or NULL: none */
	size_t column[IMPORT_KEY_N]; /* of each value, from 1; 0: not there */
};

/*
 * text has len octets, without the newline, and a NUL; it is changed. -EINVAL
 * with the text `found ..., expected ...` and the column that it speaks of.
 */
int import_line_parse(char *text, size_t len, struct import_line *ret_l,
    size_t *reterr_column, struct diag *reterr);
void import_line_release(struct import_line *l);
