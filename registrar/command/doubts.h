// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * doubts - what is well written in definitions and yet points to nothing here:
 * programs, users, directories, services. Warnings of registrar check, which
 * looks at this host now; `run` looks when it needs them.
 */
#include "registrar/definition/definition.h"

/*
 * Prints to standard error what n definitions name and this host or they do
 * not have; NULL among them: one that is wrong.
 */
void doubts_print(struct definition *const *all, unsigned n);
