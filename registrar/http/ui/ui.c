// SPDX-License-Identifier: BSD-2-Clause
/*
 * All addresses in the page are relative, so that it works below any prefix
 * that a reverse proxy puts before it. It holds nothing of the registry:
 * whoever may not read that may still have it, to enter a token.
 */
#include "registrar/http/ui/ui.h"

#include "registrar/http/ui/ui_files.h"

#include <string.h>

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

void ui_set_headers(struct http_request *q)
{
	http_set_header(q, "Content-Security-Policy", policy);
	http_set_header(q, "Referrer-Policy", "no-referrer");
}

static void send_file(struct http_request *q, const struct ui_file *file)
{
	ui_set_headers(q);
	/* kept, but asked for each time: it is of this very program */
	http_set_header(q, "Cache-Control", "no-cache");
	if (!http_is_unchanged(q, file->tag))
		http_reply(q, 200, file->type, file->octets, file->len);
}

static void get_page(struct http_request *q)
{
	send_file(q, &ui_files[0]);
}

static void get_file(struct http_request *q)
{
	for (const struct ui_file *f = ui_files; f->name; f++) {
		if (!strcmp(f->name, http_part(q, 0))) {
			send_file(q, f);
			return;
		}
	}
	http_fail(q, 404, NULL, "the page has no such file");
}

static void lead_on(struct http_request *q)
{
	http_set_header(q, "Location", "ui/");
	http_reply(q, 308, NULL, "", 0);
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/ui", 0, lead_on },
	{ HTTP_GET, "/ui/", 0, get_page },
	{ HTTP_GET, "/ui/plain", ACCESS_READ, ui_get_plain },
	{ HTTP_GET, "/ui/plain/{}", ACCESS_READ, ui_get_plain_service },
	{ HTTP_GET, "/ui/{}", 0, get_file },
	{ 0 },
};

const struct http_api ui_http = { .name = "ui", .routes = routes };
