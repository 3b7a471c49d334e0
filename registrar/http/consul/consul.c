// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/consul/consul_impl.h"
#include "schema/base/version.h"

#include <string.h>

#define LEADER "127.0.0.1:8300"

/* Sentences, as Consul has them. */
static void fail(struct http_request *q, const struct http_problem *p)
{
	int status = p->status == 401 ? 403 : p->status;
	const char *text = status == 403
	                       ? arena_printf(http_arena(q),
	                             "Permission denied: %s\n", p->detail)
	                       : arena_printf(http_arena(q), "%s\n", p->detail);

	http_reply(q, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* ---- about the agent ---------------------------------------------------- */

static json_t *make_member(const char *host)
{
	json_t *o = json_must(json_object()), *tags = json_must(json_object());

	json_set(tags, "dc", json_text(CONSUL_DATACENTER));
	json_set(tags, "role", json_text("consul"));
	json_set(o, "Name", json_text(host));
	json_set(o, "Addr", json_text("127.0.0.1"));
	json_set(o, "Port", json_must(json_integer(8301)));
	json_set(o, "Tags", tags);
	json_set(o, "Status", json_must(json_integer(1)));
	json_set(o, "ProtocolMin", json_must(json_integer(1)));
	json_set(o, "ProtocolMax", json_must(json_integer(5)));
	json_set(o, "ProtocolCur", json_must(json_integer(2)));
	json_set(o, "DelegateMin", json_must(json_integer(2)));
	json_set(o, "DelegateMax", json_must(json_integer(5)));
	json_set(o, "DelegateCur", json_must(json_integer(4)));
	return o;
}

static void get_self(struct http_request *q)
{
	struct registry *r = http_registry(q);

	if (!r)
		return;
	const char *host = consul_host(q, r);
	json_t *o = json_must(json_object()),
	       *config = json_must(json_object());

	json_set(config, "Datacenter", json_text(CONSUL_DATACENTER));
	json_set(config, "PrimaryDatacenter", json_text(CONSUL_DATACENTER));
	json_set(config, "NodeName", json_text(host));
	json_set(config, "NodeID", json_text(""));
	json_set(config, "Revision", json_text("rollcall"));
	json_set(config, "Server", json_true());
	json_set(config, "Version", json_text(ROLLCALL_VERSION));
	json_set(o, "Config", config);
	json_set(o, "DebugConfig", json_must(json_object()));
	json_set(o, "Member", make_member(host));
	json_set(o, "Meta", json_must(json_object()));
	json_set(o, "Stats", json_must(json_object()));
	http_reply_json(q, 200, o);
}

static void get_members(struct http_request *q)
{
	struct registry *r = http_registry(q);
	json_t *list = json_must(json_array());

	if (!r) {
		json_decref(list);
		return;
	}
	(void)json_array_append_new(list, make_member(consul_host(q, r)));
	http_reply_json(q, 200, list);
}

static void get_leader(struct http_request *q)
{
	http_reply_json(q, 200, json_text(LEADER));
}

static void get_peers(struct http_request *q)
{
	json_t *list = json_must(json_array());

	(void)json_array_append_new(list, json_text(LEADER));
	http_reply_json(q, 200, list);
}

static void get_datacenters(struct http_request *q)
{
	json_t *list = json_must(json_array());

	(void)json_array_append_new(list, json_text(CONSUL_DATACENTER));
	http_reply_json(q, 200, list);
}

/* ---- what has no meaning here ------------------------------------------- */

static void refuse(struct http_request *q)
{
	http_fail(q, 501, NULL,
	    "Rollcall has no %.100s: its registry holds services, their "
	    "instances and their health",
	    http_part(q, 0));
}

static void refuse_kv(struct http_request *q)
{
	http_fail(q, 501, NULL,
	    "Rollcall has no key/value store: its registry holds services, "
	    "their instances and their health");
}

#define WRITES (HTTP_PUT | HTTP_POST | HTTP_GET)
#define ANY (HTTP_GET | HTTP_PUT | HTTP_POST | HTTP_DELETE)

static const struct http_route routes[] = {
	{ HTTP_GET, "/v1/status/leader", ACCESS_NONE, get_leader },
	{ HTTP_GET, "/v1/status/peers", ACCESS_NONE, get_peers },
	{ HTTP_GET, "/v1/agent/self", ACCESS_READ, get_self },
	{ HTTP_GET, "/v1/agent/members", ACCESS_READ, get_members },
	{ HTTP_GET, "/v1/agent/services", ACCESS_READ,
	    consul_get_agent_services },
	{ HTTP_GET, "/v1/agent/checks", ACCESS_READ, consul_get_agent_checks },
	{ HTTP_GET, "/v1/agent/service/{}", ACCESS_READ,
	    consul_get_agent_service },
	{ HTTP_PUT, "/v1/agent/service/register", ACCESS_WRITE,
	    consul_put_register },
	/* old clients GET what is not to be repeated */
	{ WRITES, "/v1/agent/service/deregister/{}", ACCESS_WRITE,
	    consul_put_deregister },
	{ HTTP_PUT, "/v1/agent/service/maintenance/{}", ACCESS_OPERATE,
	    consul_put_maintenance },
	{ WRITES, "/v1/agent/check/pass/{}", ACCESS_WRITE, consul_put_pass },
	{ WRITES, "/v1/agent/check/warn/{}", ACCESS_WRITE, consul_put_warn },
	{ WRITES, "/v1/agent/check/fail/{}", ACCESS_WRITE, consul_put_fail },
	{ HTTP_PUT, "/v1/agent/check/update/{}", ACCESS_WRITE,
	    consul_put_update },
	{ HTTP_GET, "/v1/agent/health/service/id/{}", ACCESS_READ,
	    consul_get_agent_health_id },
	{ HTTP_GET, "/v1/agent/health/service/name/{}", ACCESS_READ,
	    consul_get_agent_health_name },
	{ HTTP_GET, "/v1/catalog/datacenters", ACCESS_READ, get_datacenters },
	{ HTTP_GET, "/v1/catalog/services", ACCESS_READ, consul_get_services },
	{ HTTP_GET, "/v1/catalog/service/{}", ACCESS_READ,
	    consul_get_catalog_service },
	{ HTTP_GET, "/v1/catalog/nodes", ACCESS_READ, consul_get_nodes },
	{ HTTP_GET, "/v1/catalog/node/{}", ACCESS_READ, consul_get_node },
	{ HTTP_GET, "/v1/catalog/node-services/{}", ACCESS_READ,
	    consul_get_node_services },
	{ HTTP_GET, "/v1/health/service/{}", ACCESS_READ,
	    consul_get_health_service },
	{ HTTP_GET, "/v1/health/checks/{}", ACCESS_READ,
	    consul_get_health_checks },
	{ HTTP_GET, "/v1/health/node/{}", ACCESS_READ, consul_get_health_node },
	{ HTTP_GET, "/v1/health/state/{}", ACCESS_READ,
	    consul_get_health_state },
	{ ANY, "/v1/kv/{*}", ACCESS_NONE, refuse_kv },
	{ ANY, "/v1/{*}", ACCESS_NONE, refuse },
	{ 0 },
};

const struct http_api consul_http = {
	.name = "consul", .routes = routes, .fail = fail
};
