// SPDX-License-Identifier: BSD-2-Clause
/*
 * Drains go around the queues. What follows one must not begin when an
 * operator has ended it a moment ago, so each step is a transaction of its
 * own that finds the drain as it is known, or does nothing.
 */
#include "registrar/store/store_impl.h"

#include <errno.h>

int store_read_drains(struct store *st, registry_drain_fn fn, void *arg)
{
	if (!st->registry)
		return -EAGAIN;
	return registry_read_drains(
	    st->registry, st->config.source, fn, arg, NULL);
}

static int step_one(
    struct store *st, struct store_drain *d, struct diag *reterr)
{
	d->error = registry_step_drain(
	    st->registry, d->zone, d->service, d->instance, &d->row, reterr);
	if (d->error == 0 && d->note) {
		d->error = registry_put_note(st->registry, d->zone, d->service,
		    d->instance, st->config.source, d->note,
		    st->config.wall_ms(st->config.arg), reterr);
	}
	/* it is over, or its words are refused: the others are not to wait */
	return d->error == -ENOENT || d->error == -EINVAL ? 0 : d->error;
}

int store_step_drains(struct store *st, struct store_drain *all, unsigned n)
{
	struct diag why;

	if (!st->registry || st->trouble_ms)
		return -EAGAIN;
	int r = registry_begin(st->registry, 0, &why);

	for (unsigned k = 0; r == 0 && k < n; k++)
		r = step_one(st, &all[k], &why);
	if (r == 0)
		r = registry_commit(st->registry, &why);
	registry_rollback(st->registry);
	if (r < 0 && r != -EBUSY)
		store_trouble(st, r, &why);
	return r;
}
