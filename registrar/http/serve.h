// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * serve - `registrar serve`: the process that speaks HTTP.
 *
 * It reads the registry, and writes it; it executes nothing and connects
 * nowhere. It runs alone, or is started and watched by `registrar run`.
 */
#include "schema/base/log.h"
#include "schema/conf/fields.h"
#include "schema/sandbox/sandbox.h"

struct serve_options {
	const char *registry, *zone, *address; /* as of `run` */
	struct conf_strings http;              /* addresses, listen.h */
	struct conf_strings consul;            /* the same, for Consul's API */
	struct conf_strings hosts;             /* names that it is asked by */
	const char *anonymous_local, *anonymous; /* access_parse_rights() */
	int conns, conns_a_peer; /* connections, in all and of a client */
	enum sandbox_mode sandbox;
};

/* The exit code. */
int serve_main(const struct serve_options *o);
