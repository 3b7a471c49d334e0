// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any text is either refused with a reason, each line of it in the form that
 * is promised, or becomes a definition that equals itself and is read the
 * same a second time.
 */
#include "registrar/definition/definition_each.h"
#include "schema/label.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct definition_defaults defaults = { "svc.test", "127.0.0.1",
	NULL };

static void check_errors(const struct diags *e)
{
	assert(e->n > 0);
	for (unsigned i = 0; i < e->n; i++) {
		const char *text = e->items[i].text;

		assert(strncmp(text, "f:", 2) == 0);
		assert(text[2] >= '1' && text[2] <= '9');
		assert(strstr(text, ": found "));
		/* the words are cut only when the line is full */
		assert(strstr(text, "expected") || strlen(text) > DIAG_MAX - 2);
	}
}

static void check_instance(
    const struct definition_instance *a, const struct definition_instance *b)
{
	assert(label_is_instance(a->name));
	assert(a->port == ROW_DEFAULT || (a->port >= 1 && a->port <= 65535));
	assert(a->weight >= 0 && a->weight <= 65535);
	assert(a->process.what && a->tags && a->meta);
	for (unsigned i = 0; i < a->check_n; i++) {
		const struct check_spec *s = &a->checks[i];

		assert(label_is_valid(s->name, LABEL_MAX));
		assert(s->rise >= 1 && s->fall >= 1);
		assert((s->kind == CHECK_TTL) == (s->interval_ms == 0));
		assert(
		    s->kind != CHECK_EXEC || s->exec.argv.items[0][0] == '/');
		assert(s->kind != CHECK_HTTP || s->http.target[0] == '/');
	}
	assert(definition_instance_equal(a, b));
}

/* What is found may say anything; nothing but an instance comes of it. */
static void check_each(const struct definition *a, const struct each_spec *x,
    const struct definition *b, const struct each_spec *y)
{
	struct conf_pair items[] = { { "pid", "4711" }, { "exe", "a b{c}" },
		{ "port", "8080" }, { "1", "{name}\n" }, { "2", "65536" },
		{ "container", "../x" }, { "label.a", "\xff\"'" },
		{ LABEL_VARS, "" } };
	const struct each_found found = { .name = "../X_y-",
		.address = "192.0.2.1",
		.port = 8080,
		.process = { PROCESS_PID, "4711 1" },
		.vars = { items, sizeof(items) / sizeof(items[0]) } };
	struct definition_made *m = NULL, *n = NULL;
	struct diags e = { 0 };

	assert(each_spec_equal(x, y));
	int r = definition_make(a, x, &found, &m, &e);

	assert(definition_make(b, y, &found, &n, NULL) == r);
	if (r < 0) {
		assert(!m && !n);
		check_errors(&e);
		return;
	}
	check_instance(&m->instance, &n->instance);
	definition_made_free(m);
	definition_made_free(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct definition *a = NULL, *b = NULL;
	struct diags e = { 0 };
	const char *text = (const char *)data;

	if (definition_parse("f", text, len, &defaults, &a, &e) < 0) {
		assert(!a);
		check_errors(&e);
		return 0;
	}
	assert(e.n == 0);
	int r = definition_parse("f", text, len, &defaults, &b, NULL);

	assert(r == 0 && a->service_n == b->service_n);
	for (unsigned i = 0; i < a->service_n; i++) {
		const struct definition_service *s = &a->services[i];
		const struct definition_service *t = &b->services[i];

		assert(label_is_service(s->name) && label_is_zone(s->zone));
		assert(s->instance_n + s->each_n >= 1);
		assert(s->each_n == t->each_n);
		assert(definition_service_row_equal(s, t));
		for (unsigned k = 0; k < s->instance_n; k++)
			check_instance(&s->instances[k], &t->instances[k]);
		for (unsigned k = 0; k < s->each_n; k++)
			check_each(a, &s->each[k], b, &t->each[k]);
	}
	definition_free(a);
	definition_free(b);
	return 0;
}
