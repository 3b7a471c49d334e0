// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which checks are whose: those in a service are its own; those beside the
 * services are of all of them, unless they name one.
 */
#include "registrar/consul/consul_tree.h"
#include "registrar/definition/definition_consul_check.h"
#include "schema/conf/units.h"

#include <errno.h>
#include <string.h>

/* ---- all checks of an instance ---------------------------------------- */

static bool is_for(const struct conf_node *check, const char *id)
{
	const struct conf_node *service =
	    check->type == CONF_MAP ? consul_get(check, "serviceid") : NULL;

	if (service && consul_is_empty(service))
		service = NULL;
	return !service || (id && strcmp(service->text, id) == 0);
}

/* A service of the system is a unit of systemd, which is watched. */
static void take_unit(struct conf_context *c, const struct conf_node *value,
    struct conf_node *out)
{
	struct conf_node *process = consul_map(c, value);
	bool bare = value->type == CONF_SCALAR && !strchr(value->text, '.');

	if (conf_get(out, "process")) {
		conf_warn(c, value->key,
		    "found %s a second time, ignored with the whole check: an "
		    "instance has one process",
		    conf_describe(c, value->key));
		return;
	}
	consul_put(c, process, "unit",
	    bare ? consul_word(c, value,
	               arena_printf(c->arena, "%s.service", value->text))
	         : value);
	process->key = value->key;
	consul_put(c, out, "process", process);
}

static int translate_one(struct conf_context *c, const struct conf_node *check,
    struct conf_node *list, struct conf_node *out)
{
	const struct conf_node *unit =
	    check->type == CONF_MAP ? consul_get(check, "osservice") : NULL;

	if (!unit || consul_is_empty(unit))
		return consul_translate_check(c, check, list);
	take_unit(c, unit, out);
	return 0;
}

int consul_take_checks(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *out)
{
	static const char *const keys[] = { "check", "checks" };
	const struct conf_node *const from[] = { raw, root };
	struct conf_node *list = consul_list(c, raw);
	const char *id = consul_id_of(raw);
	int r = 0;

	for (size_t i = 0; i < 4; i++) {
		const struct conf_node *value =
		    consul_get(from[i % 2], keys[i / 2]);
		bool many = value && value->type == CONF_LIST;

		for (const struct conf_node *n = many ? value->first : value; n;
		     n = many ? n->next : NULL) {
			if (is_for(n, id) && translate_one(c, n, list, out) < 0)
				r = -EINVAL;
		}
	}
	if (list->n)
		consul_put(c, out, "checks", list);
	return r;
}

/* ---- deregister_critical_service_after -------------------------------- */

/* It is of a service here: of several times the longest counts. */
static void put_deregister(struct conf_context *c,
    const struct conf_node *value, struct conf_node *service)
{
	struct conf_node *old = service->first;
	int64_t new_ms = 0, old_ms = 0;

	while (old && strcmp(old->key->text, "deregister_after") != 0)
		old = old->next;
	if (!old) {
		consul_put(c, service, "deregister_after", value);
		return;
	}
	if (value->type != CONF_SCALAR ||
	    units_duration(value->text, &new_ms) < 0 ||
	    units_duration(old->text, &old_ms) < 0 || new_ms == old_ms)
		return; /* the first one that is wrong is told */
	conf_warn(c, value->key,
	    "found %s for %s beside '%s', the longest counts for all instances "
	    "of a service",
	    conf_describe(c, value), conf_describe(c, value->key), old->text);
	if (new_ms > old_ms)
		old->text = value->text;
}

void consul_take_deregister(struct conf_context *c, const struct conf_node *raw,
    const struct conf_node *root, struct conf_node *service)
{
	static const char *const keys[] = { "check", "checks" };
	const struct conf_node *const from[] = { raw, root };
	const char *id = consul_id_of(raw);

	for (size_t i = 0; i < 4; i++) {
		const struct conf_node *value =
		    consul_get(from[i % 2], keys[i / 2]);
		bool many = value && value->type == CONF_LIST;

		for (const struct conf_node *n = many ? value->first : value; n;
		     n = many ? n->next : NULL) {
			const struct conf_node *after =
			    n->type == CONF_MAP && is_for(n, id)
			        ? consul_get(
			              n, "deregistercriticalserviceafter")
			        : NULL;

			if (after && !consul_is_empty(after))
				put_deregister(c, after, service);
		}
	}
}

/* ---- checks of services that are not here ----------------------------- */

static void tell_stray(struct conf_context *c, const struct conf_node *check)
{
	const struct conf_node *service =
	    check->type == CONF_MAP ? consul_get(check, "serviceid") : NULL;

	if (service && !consul_is_empty(service) &&
	    !consul_find_service(c, service->text)) {
		conf_warn(c, service,
		    "found %s for '%s', ignored with the whole check: the "
		    "file has no such service",
		    conf_describe(c, service), service->key->text);
	}
}

void consul_tell_strays(struct conf_context *c, const struct conf_node *root)
{
	static const char *const keys[] = { "check", "checks" };

	for (size_t i = 0; i < 2; i++) {
		const struct conf_node *value = consul_get(root, keys[i]);
		bool many = value && value->type == CONF_LIST;

		for (const struct conf_node *n = many ? value->first : value; n;
		     n = many ? n->next : NULL)
			tell_stray(c, n);
	}
}
