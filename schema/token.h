// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * token - who may do what over HTTP. As registry.h, whose conventions hold.
 */
#include "schema/registry.h"

struct token_row {
	const char *id;
	const char *hash;  /* SHA-256 of the token: 64 hex digits */
	const char *rules; /* JSON: {"PREFIX": "read,write"} */
	const char *note;
	int64_t created_wall_ms, expires_wall_ms; /* 0: never */
};

int registry_put_token(
    struct registry *r, const struct token_row *row, struct diag *reterr);
/* -ENOENT: there is none. */
int registry_withdraw_token(
    struct registry *r, const char *id, struct diag *reterr);

typedef void (*registry_token_fn)(void *arg, const struct token_row *row);
/* -ENOENT: there is none. */
int registry_read_token(struct registry *r, const char *id,
    registry_token_fn fn, void *arg, struct diag *reterr);
/* All, by id. */
int registry_read_tokens(
    struct registry *r, registry_token_fn fn, void *arg, struct diag *reterr);
