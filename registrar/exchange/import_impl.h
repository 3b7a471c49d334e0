// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * import_impl - private to import*.c.
 *
 *	import.c         the file, its format, the transaction
 *	import_put.c     records into rows, several at a time; what is wrong
 *	import_would.c   what that would change
 *	import_lines.c   JSON lines: streamed, by way of import_line.c
 *	import_consul.c  the others read a text that is there whole;
 *	                 import_consul_entry.c: one service of it
 *	import_skydns.c
 *	import_zone.c    import_zone_ports.c: the ports of a service
 */
#include "registrar/exchange/claims.h"
#include "registrar/exchange/import.h"
#include "registrar/exchange/import_line.h"
#include "registrar/exchange/json_items.h"
#include "schema/base/arena.h"
#include "schema/label.h"
#include "schema/owner.h"

#include <jansson.h>
#include <stdio.h>

#define IMPORT_SOURCE "command" /* of its rows */
#define IMPORT_BATCH 8

struct import_place {
	unsigned long line;
	size_t column; /* from 1; 0: of the line as a whole */
};

/* A record that waits for others, to be put together. */
struct import_pending {
	struct import_place at;
	struct import_line line;
};

struct import {
	const struct import_config *config;
	struct registry *r;
	const char *file; /* for messages */
	int64_t now_wall_ms;
	struct arena *arena; /* of texts, but for those of JSON lines */
	struct diags *errors;
	int error; /* the first of them; other than -EINVAL: no use going on */
	/* of the service put last */
	char service[LABEL_SERVICE_MAX + 1];
	char protocol[LABEL_SERVICE_MAX + 1];
	char port_name[LABEL_SERVICE_MAX + 1]; /* "": it has none */
	char *ports;                           /* owned; NULL: none */
	int ttl_s;
	struct import_pending pending[IMPORT_BATCH];
	unsigned pending_n;
	struct claims claims;
	json_t *doubtful; /* services that may have no instance */
	struct import_result result;
};

/* ---- import_put.c ------------------------------------------------------ */

/*
 * A record; tags and meta become the importer's. Its texts must hold until
 * IMPORT_BATCH others were put, or import_flush(). A problem is in
 * im->errors, -EINVAL, and no reason to stop reading; im->error is.
 */
void import_put(
    struct import *im, struct import_line *l, struct import_place at);
void import_flush(struct import *im);
/* Behind all: services that were made for what was then refused. */
void import_drop_empty(struct import *im);

/* True when reading on is of no use: the disk, or too many problems. */
bool import_is_over(const struct import *im);

/* The entry is wrong; the others are not. */
void import_refuse(struct import *im, struct import_place at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* What is taken as something else. */
void import_note(struct import *im, struct import_place at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* The text is wrong as a whole. */
void import_bad(struct import *im, struct import_place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void import_left_out(struct import *im, struct import_place at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* 0: the instance gets the name; else the line of the one that has it. */
unsigned long import_claim(struct import *im, const char *service,
    const char *name, struct import_place at);

char import_lower(char c);
/* The label that definitions make of any text as well; in the arena. */
const char *import_label(struct import *im, const char *text);
/* A record with the defaults of all formats. */
struct import_line import_blank(void);
/* "10.0.0.1" or "fd00::1" as the registry writes it, or NULL; in the arena. */
const char *import_address(struct import *im, const char *text);

/* ---- import_would.c ---------------------------------------------------- */

/* What putting the rows of all that is pending would change. */
void import_tell_changes(struct import *im, const struct instance_row *rows);

/* ---- readers: to the end, or until import_is_over() -------------------- */

/* head, of len octets, is the first line that is not blank; owned, freed. */
void import_lines(struct import *im, FILE *f, char *head, size_t len,
    unsigned long head_line);
void import_consul(struct import *im, char *text, size_t len);
void import_skydns(struct import *im, char *text, size_t len);
void import_zone(struct import *im, char *text, size_t len);
/* A service, or what should be one. */
void import_consul_entry(struct import *im, struct json_item *item);
