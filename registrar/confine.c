// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/confine.h"

#include "registrar/lib/looker.h"
#include "registrar/options.h"

#define PATIENCE_MS 5000 /* a disk may come back */

int confine_prepare(struct confine *c, const struct run_options *o,
    struct event_base *base, const struct looker_ops *ops, struct diag *reterr)
{
	c->sandbox = (struct sandbox){ .mode = o->sandbox,
		.uses = SANDBOX_CONNECTS | SANDBOX_PROCESSES };
	if (!sandbox_has_landlock(&c->sandbox))
		return 0;
	return looker_new(base, ops, &c->looker, reterr);
}

int confine_enter(
    struct confine *c, const struct run_options *o, struct diag *reterr)
{
	int error = sandbox_files(&c->sandbox, o->registry, reterr);

	if (error == 0)
		error = sandbox_calls(&c->sandbox, reterr);
	if (error == 0)
		sandbox_log(&c->sandbox);
	return error;
}

bool confine_is_elsewhere(struct confine *c, const struct run_options *o,
    bool trouble, int64_t now_ms)
{
	if (!trouble || !sandbox_is_elsewhere(&c->sandbox, o->registry)) {
		c->elsewhere_ms = 0;
		return false;
	}
	if (!c->elsewhere_ms)
		c->elsewhere_ms = now_ms;
	return now_ms - c->elsewhere_ms >= PATIENCE_MS;
}

void confine_release(struct confine *c)
{
	looker_free(c->looker);
	c->looker = NULL;
}
