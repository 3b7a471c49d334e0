// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * diag - the text of one error on its way up to whoever logs it.
 *
 * Libraries do not log: they return -E.. and fill a diag. A text is a whole
 * sentence without full stop: place, what was found, what is expected.
 */
#define DIAG_MAX 512

struct diag {
	char text[DIAG_MAX]; /* NUL-terminated, cut to size */
};

/*
 * Both accept d == NULL and return `error` (a negative errno), so that
 * `return diag_set(reterr, -EINVAL, "...")` is one line.
 * diag_prefix() puts "<prefix>: " before the text that is there.
 */
int diag_set(struct diag *d, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int diag_prefix(struct diag *d, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * What was found may hold anything, and a text is for terminals too: '?' for
 * control characters, those of Unicode (C1) among them.
 */
void diag_make_printable(char *text);
