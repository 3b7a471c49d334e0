// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows and orders on their way into the queues.
 */
#include "registrar/store/store_impl.h"
#include "schema/base/xalloc.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct store_service *x = a, *y = b;
	int order = strcmp(x->row.name, y->row.name);

	return order ? order : strcmp(x->row.zone, y->row.zone);
}

struct store_service *store_find_service(
    const struct store *st, const char *zone, const char *service)
{
	const struct store_service key = { .row = { .zone = zone,
		                               .name = service } };
	struct store_service *const *found = tfind(&key, &st->by_name, by_name);

	return found ? *found : NULL;
}

void store_attach_service(struct store *st, struct store_service *s)
{
	s->item = (struct store_item){ .home = &st->services };
	LIST_INIT(&s->instances);
	LIST_INSERT_HEAD(&st->all, s, all);
	s->touched = false;
	if (!tsearch(s, &st->by_name, by_name))
		abort(); /* out of memory */
	store_service_changed(st, s);
}

void store_service_changed(struct store *st, struct store_service *s)
{
	store_enqueue(&st->services, &s->item);
	store_wake(st);
}

void store_detach_service(struct store *st, struct store_service *s)
{
	store_dequeue(&s->item);
	LIST_REMOVE(s, all);
	if (s->touched)
		LIST_REMOVE(s, of_touched);
	tdelete(s, &st->by_name, by_name);
}

void store_attach_instance(
    struct store *st, struct store_service *s, struct store_instance *i)
{
	i->service = s;
	i->item = (struct store_item){ .home = &st->instances };
	i->known = false;
	i->retired = false;
	LIST_INIT(&i->checks);
	LIST_INSERT_HEAD(&s->instances, i, siblings);
	store_instance_changed(st, i);
}

void store_instance_changed(struct store *st, struct store_instance *i)
{
	struct store_check *c;

	if (i->retired)
		return;
	i->whole = true;
	i->item.home = &st->instances;
	store_health_changed(st, i);
	/* if the row was refused before, so were they */
	LIST_FOREACH (c, &i->checks, siblings)
		store_enqueue(&st->checks, &c->item);
}

void store_health_changed(struct store *st, struct store_instance *i)
{
	if (i->retired)
		return;
	if (i->known && !i->whole)
		i->item.home = &st->flips;
	store_enqueue(i->item.home, &i->item);
	store_wake(st);
}

void store_pace_changed(struct store *st, struct store_instance *i)
{
	i->paced = true;
	store_health_changed(st, i);
}

void store_retire_instance(struct store *st, struct store_instance *i)
{
	struct store_check *c;

	store_withdraw(st, i->row.zone, i->row.service, i->row.name, NULL);
	i->retired = true;
	store_dequeue(&i->item);
	LIST_FOREACH (c, &i->checks, siblings)
		store_dequeue(&c->item);
}

void store_return_instance(struct store *st, struct store_instance *i)
{
	i->retired = false;
	i->paced = true;
	store_instance_changed(st, i);
}

void store_detach_instance(struct store *st, struct store_instance *i)
{
	(void)st;
	store_dequeue(&i->item);
	LIST_REMOVE(i, siblings);
}

void store_attach_check(
    struct store *st, struct store_instance *i, struct store_check *c)
{
	c->instance = i;
	c->item = (struct store_item){ .home = &st->checks };
	c->written_ms = 0;
	LIST_INSERT_HEAD(&i->checks, c, siblings);
	store_check_changed(st, c);
}

void store_check_changed(struct store *st, struct store_check *c)
{
	if (c->instance->retired)
		return;
	store_enqueue(&st->checks, &c->item);
	store_wake(st);
}

void store_output_changed(struct store *st, struct store_check *c)
{
	if (!c->item.queue && !c->instance->retired)
		store_enqueue(&st->later, &c->item);
}

void store_detach_check(struct store *st, struct store_check *c)
{
	(void)st;
	store_dequeue(&c->item);
	LIST_REMOVE(c, siblings);
}

/* ---- orders ----------------------------------------------------------- */

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static struct store_order *order_new(
    struct store *st, struct store_orders *orders, enum store_order_kind kind)
{
	struct store_order *o = xcalloc(1, sizeof(*o));

	o->kind = kind;
	o->home = orders;
	TAILQ_INSERT_TAIL(orders, o, link);
	store_wake(st);
	return o;
}

void store_withdraw(struct store *st, const char *zone, const char *service,
    const char *instance, const char *check)
{
	struct store_order *o = order_new(st, &st->orders,
	    check      ? ORDER_WITHDRAW_CHECK
	    : instance ? ORDER_WITHDRAW_INSTANCE
	               : ORDER_WITHDRAW_SERVICE);

	o->zone = xstrdup(zone);
	o->service = xstrdup(service);
	o->instance = dup_or_null(instance);
	o->check = dup_or_null(check);
}

/* The newest order of one of two kinds that waits for this file, or NULL. */
static struct store_order *find_of_file(struct store *st,
    enum store_order_kind put, enum store_order_kind withdraw, const char *file)
{
	struct store_order *o;

	TAILQ_FOREACH_REVERSE(o, &st->texts, store_orders, link)
	{
		if ((o->kind == put || o->kind == withdraw) && o->file &&
		    !strcmp(o->file, file))
			return o;
	}
	return NULL;
}

/* text NULL: to withdraw it. */
static struct store_order *order_of_file(struct store *st,
    enum store_order_kind put, enum store_order_kind withdraw, const char *file,
    const char *text)
{
	/* only in trouble do orders stay so long that one is outdated */
	struct store_order *o =
	    st->trouble_ms ? find_of_file(st, put, withdraw, file) : NULL;

	if (!o) {
		o = order_new(st, &st->texts, put);
		o->file = xstrdup(file);
	}
	free(o->text);
	o->text = dup_or_null(text);
	o->kind = text ? put : withdraw;
	return o;
}

void store_put_definition(struct store *st, const char *file, const char *text)
{
	(void)order_of_file(
	    st, ORDER_PUT_DEFINITION, ORDER_WITHDRAW_DEFINITION, file, text);
}

void store_put_refused(struct store *st, const char *file, const char *message,
    const char *services)
{
	struct store_order *o = order_of_file(
	    st, ORDER_PUT_REFUSED, ORDER_WITHDRAW_REFUSED, file, message);

	free(o->service);
	o->service = dup_or_null(services);
}

void store_clear_refused(struct store *st)
{
	struct store_order *o, *next;

	/* else one of them would be brought up to date, before it is cleared */
	for (o = TAILQ_FIRST(&st->texts); o; o = next) {
		next = TAILQ_NEXT(o, link);
		if (o->kind == ORDER_PUT_REFUSED ||
		    o->kind == ORDER_WITHDRAW_REFUSED) {
			TAILQ_REMOVE(&st->texts, o, link);
			store_order_free(o);
		}
	}
	(void)order_new(st, &st->texts, ORDER_WITHDRAW_REFUSED);
}
