// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * utf8 - which octets are text (RFC 3629). Pure; any thread.
 */
#include <stddef.h>

/*
 * Length of the well-formed sequence at s, of which `left` octets are there;
 * 0: it is none. Controls of one octet are sequences, those of two (C1) are
 * not.
 */
size_t utf8_len(const char *s, size_t left);

/* What is no text becomes '?', in place. */
void utf8_clean(char *s);
