// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * token - secrets that say who asks: made once, known by their hash.
 *
 * "rct-ID-SECRET": ID is how it is named in lists, histories and logs, where
 * the token itself never is.
 */
#include "registrar/http/access.h"

#define TOKEN_ID_LEN 12
#define TOKEN_TEXT_MAX 80
#define TOKEN_HASH_MAX 65

/* From the kernel's randomness. */
void token_make(
    char ret_text[static TOKEN_TEXT_MAX], char ret_id[static ACCESS_ID_MAX]);
void token_hash(const char *text, char ret_hash[static TOKEN_HASH_MAX]);
/* False: it is no token of ours. */
bool token_id_of(const char *text, char ret_id[static ACCESS_ID_MAX]);
/* Takes as long wherever they differ. */
bool token_hash_is_equal(const char *a, const char *b);
