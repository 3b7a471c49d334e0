// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar mesh check, explain ...: what the mesh is told to do.
 */
#include "registrar/command/commands.h"
#include "registrar/mesh/review.h"
#include "registrar/mesh/rules.h"
#include "schema/base/clock.h"
#include "schema/follow.h"

#include <errno.h>
#include <string.h>

#define LOOK_MS 1000

static int fail(const struct diag *why, int code)
{
	(void)fprintf(stderr, "registrar: %s\n", why->text);
	return code;
}

/* All there is now. */
static int load(const struct registrar_options *o, struct mesh_model *m,
    struct diag *reterr)
{
	struct follow *f = follow_new(o->run.registry, REGISTRY_READ, LOOK_MS);
	int error = follow_look(f, 0, reterr);

	if (error == 0)
		error = mesh_model_read(m, f, NULL, NULL, reterr);
	follow_free(f);
	return error;
}

static int check(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	(void)o;
	(void)rest;
	return mesh_review(m, stdout) ? EXIT_UNHEALTHY : EXIT_DONE;
}

/* SERVICE or SERVICE.ZONE; NULL and a message: it is not there. */
static struct mesh_service *find(
    const struct registrar_options *o, struct mesh_model *m, const char *text)
{
	char name[REGISTRY_KEY_MAX];
	const char *dot = strchr(text, '.');
	const char *zone = dot ? dot + 1 : o->run.zone;

	(void)snprintf(name, sizeof(name), "%.*s",
	    dot ? (int)(dot - text) : (int)sizeof(name) - 1, text);
	struct mesh_service *s = mesh_model_find(m, zone, name);

	if (!s || !s->in_mesh) {
		(void)fprintf(stderr,
		    "registrar: found '%s.%s', which is %s, expected a service "
		    "of the mesh\n",
		    name, zone, s ? "not in the mesh" : "not there");
		return NULL;
	}
	return s;
}

static void print_words(const char *what, const struct conf_strings *words)
{
	for (unsigned i = 0; i < words->n; i++) {
		(void)printf("%s%s", i ? ", " : what, words->items[i]);
	}
}

static unsigned print_instances(struct mesh_service *to)
{
	unsigned n = 0;

	mesh_service_settle(to, clock_wall_ms());
	for (unsigned i = 0; i < to->n; i++) {
		const struct mesh_instance *x = &to->instances[i];
		bool gets = x->gets_calls && x->weight > 0;

		n += gets;
		(void)printf("  %s %s%s%s:%d: %s, %s, weight %d\n", x->name,
		    strchr(x->address, ':') ? "[" : "", x->address,
		    strchr(x->address, ':') ? "]" : "", x->port,
		    gets ? "gets calls" : "gets none",
		    eligible_why_name(x->why), x->weight);
	}
	if (!n)
		(void)puts("no instance gets calls");
	return n;
}

static int explain(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	struct mesh_service *from = find(o, m, rest->items[1]);
	struct mesh_service *to = from ? find(o, m, rest->items[2]) : NULL;
	const struct mesh_caller *caller;

	if (!to)
		return EXIT_WRONG;
	enum mesh_rule rule = mesh_rule_find(from, to, &caller);
	bool in = mesh_rule_lets_in(rule);

	(void)printf("%s.%s %s call %s.%s: %s", from->name, from->zone,
	    in ? "may" : "may not", to->name, to->zone, mesh_rule_text(rule));
	if (caller) {
		print_words("; methods ", &caller->methods);
		print_words("; paths ", &caller->paths);
	}
	(void)puts("");
	if (in && !mesh_calls(from, to)) {
		(void)printf(
		    "%s.%s does not list it in 'calls', so its sidecar "
		    "does not know the way\n",
		    from->name, from->zone);
		in = false;
	}
	return print_instances(to) && in ? EXIT_DONE : EXIT_UNHEALTHY;
}

static const struct sub {
	const char *name;
	unsigned rest_n;
	const char *usage;
	int (*fn)(const struct registrar_options *o, struct mesh_model *m,
	    const struct conf_strings *rest);
} subs[] = {
	{ "check", 1, "mesh check", check },
	{ "explain", 3, "mesh explain CALLER CALLEE", explain },
	{ NULL, 0, NULL, NULL },
};

static int wrong(const char *word)
{
	const char *names[] = { "check", "explain", NULL };
	const char *near = conf_nearest(word, names);

	(void)fprintf(stderr, "registrar: found '%s', expected '%s'\n", word,
	    near ? near : "mesh check' or 'mesh explain CALLER CALLEE");
	return EXIT_WRONG;
}

int command_mesh(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	const struct sub *s = subs;
	struct diag why;

	while (s->name && strcmp(s->name, rest->items[0]) != 0)
		s++;
	if (!s->name)
		return wrong(rest->items[0]);
	if (rest->n != s->rest_n) {
		(void)fprintf(stderr,
		    "registrar: found %u words, expected 'registrar %s'\n",
		    rest->n, s->usage);
		return EXIT_WRONG;
	}
	struct mesh_model *m = mesh_model_new();
	int error = load(o, m, &why);
	int code = error < 0 ? fail(&why, EXIT_FAILED) : s->fn(o, m, rest);

	mesh_model_free(m);
	return code;
}
