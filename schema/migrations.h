// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * migrations - the files of migrations/, embedded by embed.cmake.
 *
 * migrations[i] takes a registry from user_version i to i + 1; its number in
 * the file name is i + 1. Private to this library and its tests.
 */
struct migration {
	const char *name; /* "0001-registry" */
	const char *sql;  /* statements, without BEGIN and COMMIT */
};

extern const struct migration migrations[];
extern const int migrations_n;
