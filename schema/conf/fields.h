// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * fields - a map of a YAML text into a C struct, by a table.
 *
 *	static const struct conf_field fields[] = {
 *		{ .key = "port", .kind = CONF_INT, .low = 1, .high = 65535,
 *		    .absent = -1, .offset = offsetof(struct service, port) },
 *		{ .key = "interval", .kind = CONF_DURATION, .low = 10,
 *		    .high = 86400000, .fallback = "10s",
 *		    .offset = offsetof(struct service, interval_ms) },
 *		{ 0 },
 *	};
 *
 * The row says type, range, default and help; every message is made from it,
 * so that all of them read alike: `found X for 'key', expected Y`. The same
 * rows describe command-line flags (options.h).
 */
#include "schema/conf/node.h"

#include <stdint.h>

/* Lists of strings and maps of strings; items end with NULL. */
struct conf_strings {
	const char **items;
	unsigned n;
};

struct conf_pair {
	const char *key, *value;
};

struct conf_pairs {
	struct conf_pair *items;
	unsigned n;
};

/* Of CONF_TABLES: n structs of table->size in a row. */
struct conf_array {
	void *items;
	unsigned n;
};

enum conf_kind {
	CONF_STRING,   /* const char *; absent: NULL */
	CONF_INT,      /* int */
	CONF_DURATION, /* int64_t, milliseconds */
	CONF_SECONDS,  /* int; whole seconds, a bare number too */
	CONF_BOOL,     /* bool */
	CONF_ENUM,     /* int, index into names */
	CONF_STRINGS,  /* struct conf_strings; one string is a list of one */
	CONF_PAIRS,    /* struct conf_pairs */
	CONF_TABLE,    /* the struct itself; absent: its defaults */
	CONF_TABLES,   /* struct conf_array */
	CONF_CUSTOM,   /* whatever `custom` makes of it; absent: untouched */
};

struct conf_table;
struct conf_field;

/* Puts what `node` says to `at`; complains with conf_bad(). */
typedef int (*conf_custom_fn)(struct conf_context *c,
    const struct conf_field *f, const struct conf_node *node, void *at);

/* As its rows read best. */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct conf_field {
	const char *key; /* NULL ends a table; words joined by '_' */
	enum conf_kind kind;
	bool required;
	size_t offset;     /* in the struct */
	int64_t low, high; /* of numbers: both included */
	int64_t absent;    /* of numbers and ENUM: without fallback */
	const char *unit;  /* INT: "%" may follow the number */
	bool whole;        /* DURATION: of seconds, no part of one */
	const char *word;  /* INT: this word stands for word_value */
	int64_t word_value;
	const char *const *names; /* ENUM: ends with NULL */
	const struct conf_table *table;
	conf_custom_fn custom;
	const char *fallback; /* the default, as one would write it */
	/* STRING, STRINGS, PAIRS (its values): more than being text */
	bool (*valid)(const char *text);
	const char *expects; /* "an absolute path": for valid and custom */
	bool hidden;         /* may hold a secret: errors do not repeat it */
	/* STRINGS: `{k: [a, b]}` too, which are `k=a` and `k=b` */
	bool map;
	/* for options.h */
	const char *arg;  /* name of the argument: "FILE" */
	const char *help; /* a sentence without full stop */
	unsigned scope;   /* commands that have the flag; 0: all */
	bool common;      /* also a key at the top of the file */
	bool flag_only;   /* no key of the file */
};

struct conf_table {
	const char *what; /* "a service", for errors */
	size_t size;      /* of the struct; for CONF_TABLES */
	const struct conf_field *fields;
	const struct conf_table *also; /* more rows for the same struct */
	/* What the rows cannot say; called when they found nothing wrong. */
	int (*finish)(
	    struct conf_context *c, const struct conf_node *map, void *base);
};

/*
 * Defaults, then every key of map, then what is required. Goes on after an
 * error; -EINVAL when there was any (base is then half filled).
 */
int conf_fill(struct conf_context *c, const struct conf_table *t,
    const struct conf_node *map, void *base);

/* The steps of conf_fill(), for options.c. */
void conf_defaults(
    struct conf_context *c, const struct conf_table *t, void *base);
int conf_take(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *base);
const struct conf_field *conf_find(const struct conf_table *t, const char *key);
int conf_bad_key(struct conf_context *c, const struct conf_node *key,
    const struct conf_table *t);

/* "a number from 1 to 65535 or 'all'"; in c->arena. */
const char *conf_expects(struct conf_context *c, const struct conf_field *f);

/*
 * The candidate (ends with NULL) that `word` was probably meant to be, or
 * NULL when none is near.
 */
const char *conf_nearest(const char *word, const char *const *candidates);

/* Lists and maps of strings as compact JSON; in a. */
const char *conf_strings_json(struct arena *a, const struct conf_strings *s);
const char *conf_pairs_json(struct arena *a, const struct conf_pairs *p);
