// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * secrets - the file of secrets for server cookies (RFC 9018 section 5).
 *
 *	# 128 bits in hexadecimal a line, as NSD, Knot and BIND write them
 *	e5e973e5a6b2a43f48e7dc849e37bfcf
 *	445536bcd2513298075a5d379663c962
 *
 * The first one makes cookies, all of them are good. To roll over: add the
 * next one behind the first on every server; then put it first; then, an
 * hour later, take the old one out.
 */
#include "dnsd/message/wire/cookie.h"
#include "schema/base/diag.h"

/* -EINVAL: reterr says `file:line:column: found X, expected Y`. */
int secrets_read(
    const char *path, struct cookie_secrets *ret_s, struct diag *reterr);

/* Whether everybody on the host can read them. */
bool secrets_are_open(const char *path);

/* One that nobody knows takes the first place; those before move down. */
void secrets_draw(struct cookie_secrets *s);
