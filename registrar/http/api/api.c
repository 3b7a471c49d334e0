// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/api/api_impl.h"
#include "registrar/lib/json.h"
#include "schema/base/version.h"

static void get_version(struct http_request *q)
{
	json_t *o = json_must(json_object());

	json_set(o, "version", json_text(ROLLCALL_VERSION));
	json_set(o, "revision",
	    json_integer(feed_revision(http_feed(q), http_zone(q), NULL)));
	http_reply_json(q, 200, o);
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/api/v1/version", ACCESS_READ, get_version },
	{ HTTP_GET, "/api/v1/status", ACCESS_READ, api_get_status },
	{ HTTP_GET, "/api/v1/overview", ACCESS_READ, api_get_overview },
	{ HTTP_GET, "/api/v1/programs", ACCESS_READ, api_get_programs },
	{ HTTP_GET, "/api/v1/services", ACCESS_READ, api_get_services },
	{ HTTP_GET, "/api/v1/services/{}", ACCESS_READ, api_get_service },
	{ HTTP_GET, "/api/v1/instances/{}/{}", ACCESS_READ, api_get_instance },
	{ HTTP_GET, "/api/v1/watch", ACCESS_READ, api_get_watch },
	{ HTTP_GET, "/api/v1/explain/{*}", ACCESS_READ, api_get_explain },
	{ HTTP_GET, "/api/v1/history", ACCESS_READ, api_get_history },
	{ HTTP_GET, "/api/v1/history/{*}", ACCESS_READ, api_get_history },
	{ HTTP_PUT, "/api/v1/instances/{}/{}", ACCESS_WRITE, api_put_instance },
	{ HTTP_DELETE, "/api/v1/instances/{}/{}", ACCESS_WRITE,
	    api_delete_instance },
	{ HTTP_POST, "/api/v1/instances/{}/{}/renew", ACCESS_WRITE,
	    api_renew_instance },
	{ HTTP_POST, "/api/v1/instances/{}/{}/{}", ACCESS_OPERATE,
	    api_post_instance },
	{ HTTP_POST, "/api/v1/services/{}/{}", ACCESS_OPERATE,
	    api_post_service },
	{ HTTP_PUT, "/api/v1/checks/{}/{}/{}", ACCESS_WRITE, api_put_check },
	{ 0 },
};

const struct http_api api_http = { .name = "api", .routes = routes };
