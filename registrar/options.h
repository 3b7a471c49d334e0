// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * options - what the command line and rollcall.yaml say to each command.
 *
 * Plain data, filled by options.c from its tables. Strings live in the
 * arena that main owns, to the end of the process.
 */
#include "schema/base/log.h"

#include <stdbool.h>

/* registrar run */
struct run_options {
	const char *registry; /* path of registry.db */
	const char *watch;    /* directory of definitions */
	const char *zone;     /* lower case, no final dot */
	const char *name;     /* of this registrar; default: host name */
	const char *address;  /* of instances that name none */
	enum log_level log_level;
	enum log_format log_format;
};
