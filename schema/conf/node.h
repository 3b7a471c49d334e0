// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * node - a YAML text as a tree that remembers where everything stood.
 *
 * JSON is YAML. Read through libyaml with limits that keep hostile text
 * cheap: size, depth, keys of one map; anchors, aliases, tags and a second
 * document are refused rather than half understood. Scalars stay text: what
 * a value means is said by the table that takes it (fields.h), so that `on`,
 * `012` and `2.3.1` are what the reader of the file sees.
 */
#include "schema/base/arena.h"
#include "schema/conf/diags.h"

#include <stdbool.h>
#include <stddef.h>

#define CONF_MAX_LEN ((size_t)1024 * 1024)
#define CONF_MAX_DEPTH 24
#define CONF_MAX_KEYS 512

enum conf_node_type { CONF_SCALAR, CONF_LIST, CONF_MAP };

struct conf_node {
	enum conf_node_type type;
	unsigned line, column; /* from 1; line 0: not from a file */
	bool plain;            /* a scalar without quotes */
	const char *text;      /* of a scalar; "" otherwise; never holds NUL */
	const struct conf_node *key;           /* when it is a value in a map */
	struct conf_node *first, *last, *next; /* its children; its sibling */
	unsigned n;                            /* of children */
};

/* What every error needs: where, and the list that it goes into. */
struct conf_context {
	const char *file;
	struct arena *arena; /* nodes and values are allocated here */
	struct diags *diags;
	struct diags *warnings; /* may be NULL */
	unsigned error_n;       /* counts up, also when diags is full or NULL */
	void *arg;              /* for the caller's own functions */
};

/*
 * Adds `file:line:column: <text>` (`file: <text>` when the node has no line)
 * and returns -EINVAL.
 */
int conf_bad(struct conf_context *c, const struct conf_node *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for what is no error: into c->warnings. */
void conf_warn(struct conf_context *c, const struct conf_node *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* "'text'", "a list", "a map", "nothing"; cut and printable; in c->arena. */
const char *conf_describe(struct conf_context *c, const struct conf_node *n);

/* The same of what may be a secret: "a value of 12 octets". */
const char *conf_describe_hidden(
    struct conf_context *c, const struct conf_node *n);

/* `key:`, `key: ~` and `key: null` */
bool conf_is_null(const struct conf_node *n);

/* The value of a map's key, or NULL. */
const struct conf_node *conf_get(const struct conf_node *map, const char *key);

/* -EINVAL: c->diags says why. */
int conf_parse(struct conf_context *c, const char *text, size_t len,
    const struct conf_node **ret_root);
/* The same, but of a text without anything the root is NULL. */
int conf_parse_any(struct conf_context *c, const char *text, size_t len,
    const struct conf_node **ret_root);

/* The whole of a file of at most max_len octets; NUL-terminated, on the heap */
int conf_read_file(const char *path, size_t max_len, char **ret_text,
    size_t *ret_len, struct diag *reterr);
/* The same of one that is open. */
int conf_read_fd(int fd, const char *path, size_t max_len, char **ret_text,
    size_t *ret_len, struct diag *reterr);
