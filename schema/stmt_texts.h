// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * stmt_texts - the SQL of each statement, for stmt.c, which prepares them.
 */
#include "schema/stmt.h"

extern const char *const stmt_texts[STMT_N];
