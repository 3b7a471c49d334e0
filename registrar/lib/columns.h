// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * columns - text of others on a terminal: how wide it is, and nothing in it
 * that could steer the terminal.
 *
 * Text is UTF-8. What is no character of it, controls (C0, C1) and those that
 * turn the direction of writing become '?'; line ends and tabs a blank. Wide
 * and combining characters count as the C library says (wcwidth(3)); in a
 * locale without UTF-8 all that is not ASCII becomes '?'. Plain functions.
 */
#include <stddef.h>
#include <wchar.h>

/*
 * At most `max` columns of text into out, which has room for `room` characters
 * with the final 0; with three dots at its end if there was more, unless max
 * is below four. Returns the columns used.
 */
unsigned columns_fit(wchar_t *out, size_t room, const char *text, unsigned max);

/* The columns that it needs whole. */
unsigned columns_of(const char *text);

/*
 * The octets of text that are its first line where a line has max columns:
 * up to a blank, if there is one. 0 only for "".
 */
size_t columns_wrap(const char *text, unsigned max);
