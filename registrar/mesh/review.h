// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * review - what policies say together that no one of them shows: names that
 * are not there, callers that are not let in, loops, ports that clash.
 */
#include "registrar/mesh/model.h"

#include <stdio.h>

/* A line for each finding; returns how many of them are errors. */
unsigned mesh_review(struct mesh_model *m, FILE *out);
