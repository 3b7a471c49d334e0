// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/eureka/eureka_impl.h"

#define BELOW(base)                                                            \
	{ HTTP_GET, base "/apps", ACCESS_READ, eureka_get_apps },              \
	    { HTTP_GET, base "/apps/", ACCESS_READ, eureka_get_apps },         \
	    { HTTP_GET, base "/apps/delta", ACCESS_READ, eureka_get_apps },    \
	    { HTTP_GET, base "/apps/{}", ACCESS_READ, eureka_get_app },        \
	    { HTTP_GET, base "/apps/{}/{}", ACCESS_READ,                       \
		    eureka_get_instance },                                     \
	    { HTTP_GET, base "/vips/{}", ACCESS_READ, eureka_get_vip },        \
	    { HTTP_GET, base "/svips/{}", ACCESS_READ, eureka_get_vip },       \
	    { HTTP_POST, base "/apps/{}", ACCESS_WRITE, eureka_post },         \
	    { HTTP_PUT, base "/apps/{}/{}", ACCESS_WRITE, eureka_put },        \
	    { HTTP_DELETE, base "/apps/{}/{}", ACCESS_WRITE, eureka_delete },  \
	    { HTTP_PUT, base "/apps/{}/{}/status", ACCESS_WRITE,               \
		    eureka_put_status },                                       \
	{                                                                      \
		HTTP_DELETE, base "/apps/{}/{}/status", ACCESS_WRITE,          \
		    eureka_delete_status                                       \
	}

static const struct http_route routes[] = {
	BELOW("/eureka/v2"),
	BELOW("/eureka"),
	{ 0 },
};

const struct http_api eureka_http = { .name = "eureka", .routes = routes };
