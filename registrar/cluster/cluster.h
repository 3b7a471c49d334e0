// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * cluster - `registrar cluster`: this host among others, by way of etcd.
 *
 * A process of its own. It puts what this host has under one lease, and keeps
 * what others have in the registry (own.h, others.h). When etcd, or anything
 * between, fails, everything stays as it is, and says so.
 */
#include "schema/base/diag.h"
#include "schema/conf/fields.h"
#include "schema/sandbox/sandbox.h"

struct cluster_options {
	struct conf_strings endpoints;  /* none: there is no cluster */
	const char *address, *address6; /* of this host, for loopback ones */
	int64_t lease_ms;
	const char *user, *password_file; /* of etcd; or NULL */
	const char *ca_file, *cert_file, *key_file, *server_name;
	int max_removal; /* percent */
	int64_t removal_ms;
	int64_t drop_after_ms; /* 0: what others said is kept */
	/* of all commands */
	const char *registry, *node;
	enum sandbox_mode sandbox;
};

/* The exit code of the program. */
int cluster_main(const struct cluster_options *o);
