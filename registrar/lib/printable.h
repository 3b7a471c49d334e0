// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/* printable - what others have said, as it may be shown and kept. */
#include <stddef.h>

/*
 * Text that a row and a terminal can hold: valid UTF-8 is kept, so are line
 * ends and tabs; every other octet below 32 and 127 becomes '?'. Blanks at
 * its end are dropped. NUL-terminates within len.
 */
void printable_copy(char *buf, size_t len, const char *text, size_t text_len);
