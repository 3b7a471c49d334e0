// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * sql - a registry as a script or the sqlite3 shell would write to it, not as
 * the registrar does. What fails ends the program.
 */
#include <sqlite3.h>

sqlite3 *sql_open(const char *path);
/* Borrowed texts; parameters count from 1. */
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *text);
void sql_text(sqlite3_stmt *st, int i, const char *text);
void sql_int(sqlite3_stmt *st, int i, sqlite3_int64 value);
/* Runs a statement that gives no rows, and resets it. */
void sql_run(sqlite3_stmt *st);
/* The one number that a query gives. */
sqlite3_int64 sql_number(sqlite3 *db, const char *text);
