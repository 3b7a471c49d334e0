// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows of ours that no definition names: left by files that were removed
 * while no registrar ran. All rows are looked at once for each database, a
 * page in each turn of the loop; what is not wanted becomes an order to
 * withdraw it. Rows of other sources are passed over.
 */
#include "registrar/store/store_impl.h"
#include "schema/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SERVICES 100

/* Of the service whose instances are being visited. */
struct page {
	struct store *st;
	char *zone, *service;
	bool unwanted;
};

static void on_service(void *arg, const struct service_row *row)
{
	struct page *p = arg;
	const struct store_config *c = &p->st->config;

	free(p->zone);
	free(p->service);
	p->zone = xstrdup(row->zone);
	p->service = xstrdup(row->name);
	p->unwanted =
	    !strcmp(row->source, c->source) &&
	    !c->wanted(c->arg, row->zone, row->name, NULL, row->definition);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct page *p = arg;
	const struct store_config *c = &p->st->config;

	if (strcmp(row->source, c->source) != 0 ||
	    c->wanted(
	        c->arg, row->zone, row->service, row->name, row->definition))
		return;
	log_info("withdrawing '%s/%s': no definition names it any more",
	    row->service, row->name);
	store_withdraw(p->st, row->zone, row->service, row->name, NULL);
}

static void on_done(void *arg)
{
	struct page *p = arg;

	/* after its instances; stays if others have some there */
	if (p->unwanted)
		store_withdraw(p->st, p->zone, p->service, NULL, NULL);
}

static void on_definition(void *arg, const char *file, const char *text)
{
	struct store *st = arg;

	(void)text;
	if (!st->config.file_wanted(st->config.arg, file))
		store_put_definition(st, file, NULL);
}

void store_sweep_restart(struct store *st)
{
	st->sweep.after = (struct registry_key){ 0 };
	st->sweep.running = st->sweep.wanted;
}

int store_sweep_page(struct store *st, struct diag *reterr)
{
	struct page p = { .st = st };
	/* what cannot be read stays as it is */
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = &p,
		.broken = registry_pass_over };
	unsigned n = 0;
	int r = registry_read_page(
	    st->registry, &st->sweep.after, PAGE_SERVICES, &v, &n, reterr);

	free(p.zone);
	free(p.service);
	if (r == 0 && n < PAGE_SERVICES) {
		r = registry_read_definitions(
		    st->registry, st->config.source, on_definition, st, reterr);
	}
	if (r < 0 || n < PAGE_SERVICES) {
		store_sweep_restart(st);
		st->sweep.running = r < 0;
	}
	return r;
}
