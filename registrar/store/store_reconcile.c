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
	    !*row->node && !strcmp(row->source, c->source) &&
	    !c->wanted(c->arg, row->zone, row->name, NULL, row->definition);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct page *p = arg;
	const struct store_config *c = &p->st->config;

	if (!*row->node && strcmp(row->source, c->source) != 0)
		store_foreign_seen(p->st, row->source);
	if (*row->node || strcmp(row->source, c->source) != 0 ||
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

/* What we say of rows that are of others. */
static void on_claim(void *arg, const char *zone, const char *service,
    const char *instance, const char *definition)
{
	struct store *st = arg;
	const char *name = *instance ? instance : NULL;

	if (!st->config.wanted(st->config.arg, zone, service, name, definition))
		store_withdraw(st, zone, service, name, NULL);
}

static int sweep_the_rest(struct store *st, struct diag *reterr)
{
	int r = registry_read_claims_of(
	    st->registry, st->config.source, on_claim, st, reterr);

	if (r == 0) {
		r = registry_read_definitions(
		    st->registry, st->config.source, on_definition, st, reterr);
	}
	if (r == 0)
		store_foreign_tell(st);
	return r;
}

void store_sweep_restart(struct store *st)
{
	store_foreign_forget(st);
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
	if (r == 0 && n < PAGE_SERVICES)
		r = sweep_the_rest(st, reterr);
	if (r < 0 || n < PAGE_SERVICES) {
		st->sweep.after = (struct registry_key){ 0 };
		st->sweep.running = r < 0;
		if (r < 0) /* it begins anew */
			store_foreign_forget(st);
	}
	return r;
}
