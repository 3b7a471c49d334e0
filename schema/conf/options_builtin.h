// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * options_builtin - private to options*.c: the flags that every program has,
 * and how a key becomes a flag.
 */
#include "schema/conf/fields.h"

struct options_builtin {
	const char *config;
	bool help, version;
};

#define BUILTIN_N 3 /* rows of the table */
extern const struct conf_table options_builtin_table;

/* "log_level" <-> "log-level", into buf; cut to its size. */
#define OPTIONS_NAME_MAX 64
const char *options_swap(
    const char *text, char from, char to, char buf[static OPTIONS_NAME_MAX]);
