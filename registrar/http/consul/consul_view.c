// SPDX-License-Identifier: BSD-2-Clause
/*
 * A check is shown no worse than what became of the instance, for it may not
 * have failed often enough yet; where the instance is worse than each of its
 * checks, a check of its state says so. So whoever takes the worst of them
 * decides as DNS does.
 */
#include "registrar/http/consul/consul_impl.h"
#include "schema/base/clock.h"
#include "schema/eligible.h"
#include "schema/owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[] = { "passing", "warning", "critical" };

struct view {
	struct http_request *q;
	const char *host;
	int64_t now_wall_ms, index;
	json_t *list;
	json_t *checks; /* {instance: [check_row as JSON]} */
	json_t *tags;   /* of the service */
	int port;
};

const char *consul_text(
    const json_t *entry, const char *object, const char *key)
{
	const json_t *o = object ? json_object_get(entry, object) : entry;
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

json_t *consul_node(const char *name, const char *address)
{
	json_t *o = json_must(json_object());
	json_t *tagged = json_must(json_object());

	json_set(tagged, "lan", json_text(address));
	json_set(tagged, "wan", json_text(address));
	json_set(o, "ID", json_text(""));
	json_set(o, "Node", json_text(name));
	json_set(o, "Address", json_text(address));
	json_set(o, "Datacenter", json_text(CONSUL_DATACENTER));
	json_set(o, "TaggedAddresses", tagged);
	json_set(o, "Meta", json_must(json_object()));
	json_set(o, "CreateIndex", json_must(json_integer(1)));
	json_set(o, "ModifyIndex", json_must(json_integer(1)));
	return o;
}

const char *consul_host(struct http_request *q, struct registry *r)
{
	struct host_row host;

	return registry_read_host(r, &host, NULL) == 0 && *host.name
	           ? arena_strdup(http_arena(q), host.name)
	           : "rollcall";
}

/* ---- a check ----------------------------------------------------------- */

static unsigned severity_of(enum health h)
{
	return h == HEALTH_PASSING ? 0 : h == HEALTH_WARNING ? 1 : 2;
}

static void on_check(void *arg, const struct check_row *row)
{
	struct view *v = arg;
	json_t *list = json_object_get(v->checks, row->instance);
	json_t *o = json_must(json_object());

	if (!list) {
		list = json_must(json_array());
		json_set(v->checks, row->instance, list);
	}
	json_set(o, "name", json_text(row->name));
	json_set(o, "kind", json_text(row->kind));
	json_set(
	    o, "severity", json_must(json_integer(severity_of(row->status))));
	json_set(o, "output", json_text(row->output ? row->output : ""));
	if (json_array_append_new(list, o) < 0)
		abort(); /* out of memory */
}

static json_t *make_check(const struct view *v, const char *node,
    const char *id, const char *name, unsigned severity, const char *output)
{
	json_t *o = json_must(json_object());

	json_set(o, "Node", json_text(node));
	json_set(o, "CheckID", json_text(id));
	json_set(o, "Name", json_text(name));
	json_set(o, "Status", json_text(severities[severity]));
	json_set(o, "Notes", json_text(""));
	json_set(o, "Output", json_text(output));
	json_set(o, "ServiceID", json_text(""));
	json_set(o, "ServiceName", json_text(""));
	json_set(o, "ServiceTags", json_must(json_array()));
	json_set(o, "Type", json_text(""));
	json_set(o, "Definition", json_must(json_object()));
	json_set(o, "CreateIndex", json_must(json_integer(1)));
	json_set(o, "ModifyIndex", json_must(json_integer(v->index)));
	return o;
}

static void add_check(json_t *checks, json_t *check, const json_t *service)
{
	json_set(
	    check, "ServiceID", json_incref(json_object_get(service, "ID")));
	json_set(check, "ServiceName",
	    json_incref(json_object_get(service, "Service")));
	json_set(check, "ServiceTags",
	    json_incref(json_object_get(service, "Tags")));
	if (json_array_append_new(checks, check) < 0)
		abort(); /* out of memory */
}

/* "service:ID" if it is the only one, as Consul names it. */
static const char *check_id(
    const struct view *v, const char *id, size_t k, size_t n)
{
	return n == 1 ? arena_printf(http_arena(v->q), "service:%s", id)
	              : arena_printf(
	                    http_arena(v->q), "service:%s:%zu", id, k + 1);
}

static const char *text_of(const json_t *o, const char *key)
{
	return consul_text(o, NULL, key);
}

/* What the instance's state alone says. */
static void add_state(struct view *v, const struct instance_row *row,
    const json_t *service, enum eligible_why why, unsigned severity,
    json_t *checks)
{
	const char *id = text_of(service, "ID");
	const char *node = *row->node ? row->node : v->host;
	bool maintenance = why == ELIGIBLE_MAINTENANCE;
	const char *check = arena_printf(http_arena(v->q),
	    maintenance ? "_service_maintenance:%s" : "service:%s:state", id);

	add_check(checks,
	    make_check(v, node, check,
	        maintenance ? "Service Maintenance Mode" : "Instance state",
	        severity,
	        row->reason && *row->reason ? row->reason
	                                    : eligible_why_name(why)),
	    service);
}

static json_t *make_checks(struct view *v, const struct instance_row *row,
    const json_t *service, enum eligible_why why)
{
	const char *node = *row->node ? row->node : v->host;
	unsigned severity = why == ELIGIBLE_PASSING   ? 0
	                    : why == ELIGIBLE_WARNING ? 1
	                                              : 2;
	const json_t *own = json_object_get(v->checks, row->name), *one;
	json_t *checks = json_must(json_array());
	size_t i, n = json_array_size(own);
	unsigned worst = 0;

	if (json_array_append_new(
	        checks, make_check(v, node, "serfHealth", "Serf Health Status",
	                    0, "Agent alive and reachable")) < 0)
		abort(); /* out of memory */
	json_array_foreach(own, i, one)
	{
		unsigned is = (unsigned)json_integer_value(
		    json_object_get(one, "severity"));

		if (is > severity)
			is = severity;
		if (is > worst)
			worst = is;
		json_t *check = make_check(v, node,
		    check_id(v, text_of(service, "ID"), i, n),
		    text_of(one, "name"), is, text_of(one, "output"));
		json_set(
		    check, "Type", json_incref(json_object_get(one, "kind")));
		add_check(checks, check, service);
	}
	if (severity > worst)
		add_state(v, row, service, why, severity, checks);
	return checks;
}

/* ---- an instance ------------------------------------------------------- */

/* What it was registered as, or a name that no other service has. */
static const char *id_of(
    const struct view *v, const struct instance_row *row, const json_t *meta)
{
	size_t len = strlen(row->service);
	const char *said =
	    json_string_value(json_object_get(meta, CONSUL_ID_KEY));

	if (said)
		return said;
	if (!strncmp(row->name, row->service, len) &&
	    (!row->name[len] || row->name[len] == '-'))
		return row->name;
	return arena_printf(http_arena(v->q), "%s-%s", row->service, row->name);
}

static void append_tags(json_t *all, const json_t *tags)
{
	json_t *tag, *has;
	size_t i, k;

	json_array_foreach(tags, i, tag)
	{
		bool there = false;

		json_array_foreach(all, k, has)
		{
			there |= json_equal(has, tag);
		}
		if (!there && json_array_append(all, tag) < 0)
			abort(); /* out of memory */
	}
}

static json_t *make_tags(const struct view *v, const struct instance_row *row)
{
	json_t *all = json_must(json_array());
	json_t *own = json_nested(row->tags ? row->tags : "[]");

	append_tags(all, v->tags);
	append_tags(all, own);
	json_decref(own);
	return all;
}

static json_t *make_address(const char *address, int port)
{
	json_t *o = json_must(json_object());

	json_set(o, "Address", json_text(address));
	json_set(o, "Port", json_must(json_integer(port)));
	return o;
}

static json_t *make_tagged(const struct instance_row *row, int port)
{
	json_t *o = json_must(json_object());
	bool is_ipv6 = strchr(row->address, ':');

	json_set(o, is_ipv6 ? "lan_ipv6" : "lan_ipv4",
	    make_address(row->address, port));
	if (row->address6)
		json_set(o, "lan_ipv6", make_address(row->address6, port));
	return o;
}

static json_t *make_weights(const struct instance_row *row)
{
	json_t *o = json_must(json_object());
	int passing = instance_row_passing_weight(row);
	int warning = row->weight_warning == ROW_DEFAULT || row->is_overridden
	                  ? passing
	                  : row->weight_warning;

	/* Consul has none below 1 */
	json_set(o, "Passing", json_must(json_integer(passing ? passing : 1)));
	json_set(o, "Warning", json_must(json_integer(warning)));
	return o;
}

static json_t *make_service(
    const struct view *v, const struct instance_row *row)
{
	int port = row->port == ROW_DEFAULT ? v->port : row->port;
	json_t *meta = json_nested(row->meta ? row->meta : "{}");
	json_t *o = json_must(json_object());

	json_set(o, "ID", json_text(id_of(v, row, meta)));
	(void)json_object_del(meta, CONSUL_ID_KEY);
	json_set(o, "Service", json_text(row->service));
	json_set(o, "Tags", make_tags(v, row));
	json_set(o, "Address", json_text(row->address));
	json_set(o, "TaggedAddresses", make_tagged(row, port));
	json_set(o, "Meta", meta);
	json_set(o, "Port", json_must(json_integer(port)));
	json_set(o, "Weights", make_weights(row));
	json_set(o, "EnableTagOverride", json_false());
	json_set(o, "CreateIndex", json_must(json_integer(1)));
	json_set(o, "ModifyIndex", json_must(json_integer(v->index)));
	return o;
}

static void on_service(void *arg, const struct service_row *row)
{
	struct view *v = arg;

	v->port = row->port == ROW_DEFAULT ? 0 : row->port;
	v->tags = json_nested(row->tags ? row->tags : "[]");
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct view *v = arg;
	struct eligible_facts facts = eligible_facts(row);
	struct eligible e = eligible_judge(&facts, v->now_wall_ms);
	json_t *o = json_must(json_object());
	json_t *service = make_service(v, row);
	json_t *node =
	    consul_node(*row->node ? row->node : v->host, row->address);

	if (row->locality) {
		json_set(json_object_get(node, "Meta"), "locality",
		    json_text(row->locality));
	}
	json_set(o, "Node", node);
	json_set(o, "Checks", make_checks(v, row, service, e.why));
	json_set(o, "Service", service);
	json_set(o, "_Name", json_text(row->name));
	json_set(o, "_State", json_text(eligible_why_name(e.why)));
	json_set(o, "_Reason", json_text(row->reason ? row->reason : ""));
	json_set(o, "_Mine",
	    json_boolean(!*row->node || !strcmp(row->node, v->host)));
	if (json_array_append_new(v->list, o) < 0)
		abort(); /* out of memory */
}

static void on_done(void *arg)
{
	(void)arg;
}

int consul_view(struct http_request *q, struct registry *r, const char *service,
    json_t **ret_list, struct diag *reterr)
{
	struct view v = { .q = q,
		.host = consul_host(q, r),
		.now_wall_ms = clock_wall_ms(),
		.index = feed_revision(http_feed(q), http_zone(q), service),
		.list = json_must(json_array()),
		.checks = json_must(json_object()) };
	const struct registry_visitor visitor = { on_service, on_instance,
		on_done, &v, registry_pass_over };
	int error = registry_read_begin(r, reterr);

	if (!error) {
		error = registry_read_checks(
		    r, http_zone(q), service, on_check, &v, reterr);
		if (!error) {
			error = registry_read_service(
			    r, http_zone(q), service, &visitor, reterr);
		}
		registry_read_end(r);
	}
	json_decref(v.checks);
	json_decref(v.tags);
	if (error && error != -ENOENT) {
		json_decref(v.list);
		return error;
	}
	*ret_list = v.list;
	return 0;
}

/* ---- other shapes ------------------------------------------------------ */

const char *consul_status(const json_t *entry)
{
	const json_t *checks = json_object_get(entry, "Checks"), *check;
	unsigned worst = 0;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		const char *status = text_of(check, "Status");

		while (worst < 2 && strcmp(status, severities[worst]) != 0 &&
		       strcmp(status, "passing") != 0)
			worst++;
	}
	return severities[worst];
}

static void copy_as(
    json_t *to, const char *as, const json_t *from, const char *key)
{
	json_set(to, as, json_must(json_incref(json_object_get(from, key))));
}

json_t *consul_catalog_entry(const json_t *entry)
{
	static const char *const same[] = { "ID", "Node", "Address",
		"Datacenter", "TaggedAddresses" };
	static const char *const renamed[][2] = { { "ID", "ServiceID" },
		{ "Service", "ServiceName" }, { "Tags", "ServiceTags" },
		{ "Address", "ServiceAddress" }, { "Port", "ServicePort" },
		{ "Meta", "ServiceMeta" }, { "Weights", "ServiceWeights" },
		{ "TaggedAddresses", "ServiceTaggedAddresses" },
		{ "EnableTagOverride", "ServiceEnableTagOverride" },
		{ "CreateIndex", "CreateIndex" },
		{ "ModifyIndex", "ModifyIndex" } };
	const json_t *node = json_object_get(entry, "Node");
	const json_t *service = json_object_get(entry, "Service");
	json_t *o = json_must(json_object());

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		copy_as(o, same[i], node, same[i]);
	copy_as(o, "NodeMeta", node, "Meta");
	json_set(o, "ServiceKind", json_text(""));
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
		copy_as(o, renamed[i][1], service, renamed[i][0]);
	return o;
}

json_t *consul_agent_entry(const json_t *entry)
{
	json_t *o = json_must(json_copy(json_object_get(entry, "Service")));

	json_set(o, "Datacenter", json_text(CONSUL_DATACENTER));
	return o;
}
