// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/programs.h"

#include "registrar/keeper/keeper.h"
#include "registrar/options.h"

#include <errno.h>

struct program {
	const char *command; /* NULL ends the table */
	enum keeper_how how;
	bool (*wanted)(const struct run_options *o);
};

static bool wants_serve(const struct run_options *o)
{
	return o->serve.http.n || o->serve.consul.n;
}

static bool wants_cluster(const struct run_options *o)
{
	return o->cluster.endpoints.n;
}

static const struct program programs[] = {
	{ "serve", KEEPER_OUTLIVES, wants_serve },
	{ "cluster", KEEPER_OUTLIVES, wants_cluster },
	{ NULL, KEEPER_TOGETHER, NULL },
};

static int add(struct keeper *k, const struct program *p,
    const struct run_options *o, struct diag *reterr)
{
	const char *argv[KEEPER_ARGS_MAX + 1] = { p->command };

	for (size_t i = 0; o->argv[i]; i++) {
		if (i + 2 >= sizeof(argv) / sizeof(*argv)) {
			return diag_set(reterr, -E2BIG,
			    "the command line has more than %d words",
			    KEEPER_ARGS_MAX);
		}
		argv[i + 1] = o->argv[i];
	}
	return keeper_add(k, p->how, argv, reterr);
}

int programs_start(const struct run_options *o, struct event_base *base,
    void (*gone)(void *arg), void *arg, struct keeper **ret_k,
    struct diag *reterr)
{
	int error = 0;

	*ret_k = NULL;
	for (const struct program *p = programs; p->command && !error; p++) {
		if (!p->wanted(o))
			continue;
		if (!*ret_k)
			error = keeper_new(base, gone, arg, ret_k, reterr);
		if (!error)
			error = add(*ret_k, p, o, reterr);
	}
	return error;
}
