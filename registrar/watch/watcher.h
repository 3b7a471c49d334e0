// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * watcher - does something when what DNS says of services changes.
 *
 * A program is run with it as input, or files are written from templates and a
 * program that takes them up is run. Changes are gathered until there was none
 * for settle_ms, or for ten times as long. What cannot be done leaves what was
 * done last: a registry that cannot be read, a template without an else of a
 * service that has nobody, a reload that fails.
 */
#include "registrar/report/target.h"
#include "schema/conf/fields.h"

#include <stdbool.h>
#include <stdint.h>

struct watch_config {
	const char *registry, *zone;
	const struct target *services;
	unsigned service_n;
	const char *exec;                     /* NULL: none */
	const struct conf_strings *templates; /* IN:OUT each */
	const char *reload;                   /* NULL: none */
	int64_t settle_ms;
	bool once; /* not again */
};

/*
 * Until SIGTERM or SIGINT: 0. -EINVAL: a template is wrong. Of `once`: -errno
 * if not all of it could be done.
 */
int watch_services(const struct watch_config *c, struct diag *reterr);
