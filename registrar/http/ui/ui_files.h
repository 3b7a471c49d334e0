// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * ui_files - the files of the page, as embed.cmake puts them into the program.
 */
#include <stddef.h>

struct ui_file {
	const char *name, *type, *tag; /* tag: of these octets alone */
	const unsigned char *octets;
	size_t len;
};

/* Ends with one without a name; the first is the page itself. */
extern const struct ui_file ui_files[];
