// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the commands `explain` and `history` say with --json.
 */
#include "registrar/command/commands.h"
#include "registrar/http/api/api_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 100
#define LIMIT_MAX 10000
#define FITS 65535 /* as many addresses as fit */

typedef int (*write_fn)(FILE *out, FILE *err, const struct registrar_options *o,
    const struct conf_strings *rest);

static void trim(char *text)
{
	size_t len = strlen(text);
	static const char before[] = "registrar: ";

	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (!strncmp(text, before, sizeof(before) - 1)) {
		memmove(
		    text, text + sizeof(before) - 1, len - sizeof(before) + 2);
	}
}

static void say(struct http_request *q, write_fn fn,
    const struct registrar_options *o, const struct conf_strings *rest)
{
	char *text = NULL, *why = NULL;
	size_t text_n, why_n;
	FILE *out = open_memstream(&text, &text_n);
	FILE *err = open_memstream(&why, &why_n);

	if (!out || !err)
		abort(); /* out of memory */
	int code = fn(out, err, o, rest);

	if (fclose(out) != 0 || fclose(err) != 0)
		abort(); /* out of memory */
	if (code == EXIT_WRONG || code == EXIT_FAILED) {
		trim(why);
		http_fail(q, code == EXIT_WRONG ? 404 : 503, NULL, "%s", why);
	} else {
		http_reply(q, 200, "application/json", text, text_n);
	}
	free(text);
	free(why);
}

static struct registrar_options *options(struct http_request *q)
{
	struct registrar_options *o = arena_alloc(http_arena(q), 1, sizeof(*o));

	o->run.registry = http_registry_path(q);
	o->run.zone = http_zone(q);
	o->json = true;
	return o;
}

/* NAME is what explain takes; ?type=SRV, A or AAAA; ?max_answers=N as dnsd. */
void api_get_explain(struct http_request *q)
{
	struct registrar_options *o = options(q);
	const char *words[] = { http_part(q, 0), http_param(q, "type"), NULL };
	const struct conf_strings rest = { words, words[1] ? 2 : 1 };
	const char *service = words[0] + (*words[0] == '_');
	int64_t max;

	service = arena_memdup(http_arena(q), service, strcspn(service, "./"));
	/* of a longer name all is to be readable: what it names is found later
	 */
	if (!http_require(
	        q, ACCESS_READ, strchr(words[0], '.') ? "" : service) ||
	    !http_param_int(q, "max_answers", 0, FITS, FITS, &max))
		return;
	o->max_answers = (int)max;
	say(q, explain_write, o, &rest);
}

/* ?since=TIME, ?at=TIME, ?limit=N */
void api_get_history(struct http_request *q)
{
	struct registrar_options *o = options(q);
	const char *name = http_part(q, 0);
	const char *words[] = { name, NULL };
	const struct conf_strings rest = { words, *name ? 1 : 0 };
	struct target t = { .service = "" };
	int64_t limit;

	if (*name &&
	    target_parse(name, http_zone(q), http_arena(q), &t, NULL) < 0) {
		http_fail(q, 400, "path", "expected SERVICE[/INSTANCE]");
		return;
	}
	if (!http_require(q, ACCESS_READ, t.service) ||
	    !http_param_int(q, "limit", 1, LIMIT_MAX, LIMIT, &limit))
		return;
	o->limit = (int)limit;
	o->since = http_param(q, "since");
	o->at = http_param(q, "at");
	say(q, history_write, o, &rest);
}
