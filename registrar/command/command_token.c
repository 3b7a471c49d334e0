// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar token: who may do what over HTTP.
 */
#include "registrar/command/commands.h"
#include "registrar/http/token.h"
#include "registrar/lib/json.h"
#include "registrar/lib/wall.h"
#include "registrar/report/status.h"
#include "schema/base/clock.h"
#include "schema/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULES_DEFAULT "=read"

/* PREFIX=RIGHTS, in the arena as JSON. */
static const char *rules_json(struct arena *a, const struct conf_strings *said)
{
	static const char *const none[] = { RULES_DEFAULT };
	json_t *o = json_must(json_object());

	for (unsigned k = 0; k < (said->n ? said->n : 1); k++) {
		const char *text = said->n ? said->items[k] : none[k];
		const char *at = strchr(text, '=');

		json_set(o, arena_memdup(a, text, (size_t)(at - text)),
		    json_text(at + 1));
	}
	char *text = json_dumps(o, JSON_COMPACT);

	if (!text)
		abort(); /* out of memory */
	const char *copy = arena_strdup(a, text);

	free(text);
	json_decref(o);
	return copy;
}

static int create(struct registry *reg, const struct registrar_options *o,
    struct arena *a, struct diag *reterr)
{
	char text[TOKEN_TEXT_MAX], id[ACCESS_ID_MAX], hash[TOKEN_HASH_MAX];
	int64_t now_wall_ms = clock_wall_ms();

	token_make(text, id);
	token_hash(text, hash);
	const struct token_row row = { .id = id,
		.hash = hash,
		.rules = rules_json(a, &o->rules),
		.note = o->note ? o->note : "",
		.created_wall_ms = now_wall_ms,
		.expires_wall_ms =
		    o->lifetime_ms ? now_wall_ms + o->lifetime_ms : 0 };
	int error = registry_put_token(reg, &row, reterr);

	if (error == 0)
		(void)puts(text);
	return error;
}

struct list {
	struct arena *arena;
	json_t *all; /* NULL: as text */
};

static void on_token(void *arg, const struct token_row *row)
{
	struct list *l = arg;

	if (l->all) {
		json_t *o = json_must(json_object());

		json_set(o, "id", json_text(row->id));
		json_set(o, "rules", json_nested(row->rules));
		json_set(o, "note", json_text(row->note));
		json_set(
		    o, "created_wall_ms", json_integer(row->created_wall_ms));
		json_set(o, "expires_wall_ms",
		    row->expires_wall_ms ? json_integer(row->expires_wall_ms)
		                         : json_null());
		json_array_append_new(l->all, o);
		return;
	}
	(void)printf("%s  %s  ", row->id,
	    row->expires_wall_ms
	        ? arena_printf(l->arena, "until %s",
	              wall_text(l->arena, row->expires_wall_ms))
	        : "for ever");
	status_put_safe(stdout, row->rules, 0);
	(void)fputs(*row->note ? "  " : "", stdout);
	status_put_safe(stdout, row->note, 0);
	(void)fputc('\n', stdout);
}

static int list(struct registry *reg, const struct registrar_options *o,
    struct arena *a, struct diag *reterr)
{
	struct list l = { a, o->json ? json_must(json_array()) : NULL };
	int error = registry_read_tokens(reg, on_token, &l, reterr);

	if (l.all && error == 0) {
		(void)json_dumpf(l.all, stdout, JSON_INDENT(2));
		(void)fputc('\n', stdout);
	}
	json_decref(l.all);
	return error;
}

static int run(const struct registrar_options *o,
    const struct conf_strings *rest, struct arena *a, struct diag *reterr)
{
	const char *verb = rest->items[0];
	bool lists = !strcmp(verb, "list"), makes = !strcmp(verb, "create");
	bool revokes = !strcmp(verb, "revoke");
	struct registry *reg;

	if ((!lists && !makes && !revokes) || (rest->n > 1) != revokes) {
		return diag_set(reterr, -EINVAL,
		    "found '%s', expected create, list or revoke ID", verb);
	}
	if (!makes && access(o->run.registry, F_OK) < 0) {
		return diag_set(reterr, -errno, "cannot open '%s': %s",
		    o->run.registry, strerror(errno));
	}
	int error = registry_open(o->run.registry,
	    lists ? REGISTRY_READ : REGISTRY_WRITE, &reg, reterr);

	if (error < 0)
		return error;
	error = lists   ? list(reg, o, a, reterr)
	        : makes ? create(reg, o, a, reterr)
	                : registry_withdraw_token(reg, rest->items[1], reterr);
	registry_close(reg);
	return error;
}

int command_token(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	struct arena *a = arena_new();
	struct diag why;
	int error = run(o, rest, a, &why);

	arena_free(a);
	if (error == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: %s\n", why.text);
	return error == -EINVAL || error == -ENOENT ? EXIT_WRONG : EXIT_FAILED;
}
