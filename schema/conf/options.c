// SPDX-License-Identifier: BSD-2-Clause
/*
 * Three passes over one struct, each overriding what the one before put
 * there: defaults, file, flags. Flags become nodes without a line, so the
 * same rows read and judge them.
 */
#include "schema/conf/options.h"

#include "schema/base/scoped.h"
#include "schema/conf/options_builtin.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define FLAGS_MAX 128 /* rows of one table */

/* A flag that was given: its row and its values, in their order. */
struct given {
	const struct conf_field *field;
	struct conf_node list; /* of scalars */
};

struct parse {
	const struct options_spec *spec;
	struct conf_context c;
	struct options_builtin builtin;
	struct given given[FLAGS_MAX + 1]; /* field NULL ends them */
	struct conf_strings rest;
	char *const *argv; /* what is left to read */
};

static bool in_scope(const struct parse *p, const struct conf_field *f)
{
	return !f->scope || (f->scope & p->spec->scope);
}

/* ---- command line ----------------------------------------------------- */

/* Two commands may mean different things by one flag. */
static const struct conf_field *find_row(const struct parse *p, const char *key)
{
	const struct conf_field *f = p->spec->table->fields;

	while (f->key && (strcmp(f->key, key) != 0 || !in_scope(p, f)))
		f++;
	return f->key ? f : NULL;
}

static const struct conf_field *find_flag(struct parse *p, const char *name)
{
	char key[64];
	const struct conf_field *f = NULL;

	if (!strchr(name, '_')) {
		options_swap(name, '-', '_', key);
		f = conf_find(&options_builtin_table, key);
		f = f ? f : find_row(p, key);
	}
	return f && in_scope(p, f) ? f : NULL;
}

/* The flags of this command, with "--"; for conf_nearest(). */
static const char *const *flag_names(struct parse *p)
{
	const char **names =
	    arena_alloc(p->c.arena, FLAGS_MAX + 8, sizeof(*names));
	const struct conf_table *tables[] = { &options_builtin_table,
		p->spec->table };
	unsigned n = 0;
	char buf[64];

	for (unsigned i = 0; i < 2; i++) {
		for (const struct conf_field *f = tables[i]->fields;
		     f->key && n < FLAGS_MAX; f++) {
			if (in_scope(p, f)) {
				names[n++] = arena_printf(p->c.arena, "--%s",
				    options_swap(f->key, '_', '-', buf));
			}
		}
	}
	return names;
}

static int bad_flag(struct parse *p, const char *arg)
{
	const char *const *names = flag_names(p);
	const char *near = conf_nearest(arg, names);
	const char *all = "";

	if (near) {
		return diags_add(p->c.diags, -EINVAL,
		    "found '%s', expected '%s'", arg, near);
	}
	for (; *names; names++) {
		all = arena_printf(
		    p->c.arena, "%s%s%s", all, *all ? ", " : "", *names);
	}
	/* an error is cut to its size, and half a list misleads */
	if (strlen(arg) + strlen(all) + sizeof("found '', expected one of ") >
	    DIAG_MAX) {
		return diags_add(p->c.diags, -EINVAL,
		    "found '%s', expected one of those that --help lists", arg);
	}
	return diags_add(
	    p->c.diags, -EINVAL, "found '%s', expected one of %s", arg, all);
}

static void add_value(
    struct parse *p, const struct conf_field *f, const char *text)
{
	struct given *g = p->given;
	struct conf_node *n = arena_alloc(p->c.arena, 1, sizeof(*n));

	while (g->field && g->field != f)
		g++;
	if (!g->field) {
		g->list.type = CONF_LIST;
		g->list.text = "";
	}
	g->field = f;
	n->text = text; /* not plain: no word on a command line is null */
	if (g->list.last) {
		g->list.last->next = n;
	} else {
		g->list.first = n;
	}
	g->list.last = n;
	g->list.n++;
}

/* `--flag value`, `--flag=value`, and `--flag` alone for a bool. */
static int take_flag(struct parse *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	const char *name =
	    equals ? arena_memdup(p->c.arena, arg, (size_t)(equals - arg))
	           : arg;
	const struct conf_field *f = find_flag(p, name + 2);

	if (!f)
		return bad_flag(p, name);
	if (equals) {
		add_value(p, f, equals + 1);
	} else if (f->kind == CONF_BOOL) {
		add_value(p, f, "true");
	} else if (!*p->argv) {
		return diags_add(p->c.diags, -EINVAL,
		    "%s: found nothing after it, expected %s", name,
		    f->arg ? f->arg : "a value");
	} else {
		add_value(p, f, *p->argv++);
	}
	return 0;
}

static int read_args(struct parse *p)
{
	bool flags = true;
	int r = 0;

	while (*p->argv) {
		const char *arg = *p->argv++;

		if (flags && strcmp(arg, "--") == 0) {
			flags = false;
		} else if (flags && strcmp(arg, "-h") == 0) {
			p->builtin.help = true;
		} else if (flags && strncmp(arg, "--", 2) == 0) {
			r = take_flag(p, arg) < 0 ? -EINVAL : r;
		} else if (flags && arg[0] == '-' && arg[1]) {
			r = bad_flag(p, arg);
		} else {
			p->rest.items[p->rest.n++] = arg;
		}
	}
	return r;
}

static int apply_one(struct parse *p, const struct given *g, void *options)
{
	bool builtin =
	    conf_find(&options_builtin_table, g->field->key) == g->field;
	void *base = builtin ? (void *)&p->builtin : options;
	const struct conf_node *n = &g->list;
	char buf[64];

	p->c.file = arena_printf(
	    p->c.arena, "--%s", options_swap(g->field->key, '_', '-', buf));
	if (g->field->kind != CONF_STRINGS) {
		if (g->list.n > 1) {
			return conf_bad(&p->c, n,
			    "found %u times, expected once", g->list.n);
		}
		n = g->list.first;
	}
	return conf_take(&p->c, g->field, n, base);
}

/* Once for the built-in flags, which come first, once for the others. */
static void apply_flags(struct parse *p, bool builtin, void *options)
{
	for (const struct given *g = p->given; g->field; g++) {
		if (builtin == (conf_find(&options_builtin_table,
		                    g->field->key) == g->field))
			(void)apply_one(p, g, options);
	}
}

/* ---- file ------------------------------------------------------------- */

static bool is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static void bad_top(struct parse *p, const struct conf_node *key)
{
	const struct options_spec *s = p->spec;
	const char *names[FLAGS_MAX + 16] = { s->program };
	const char *all = s->program;
	unsigned n = 1;

	for (unsigned i = 0; s->others && s->others[i] && n < 16; i++)
		names[n++] = s->others[i];
	for (const struct conf_field *f = s->table->fields;
	     f->key && n < FLAGS_MAX; f++) {
		if (f->common)
			names[n++] = f->key;
	}
	const char *near = conf_nearest(key->text, names);

	for (unsigned i = 1; i < n; i++)
		all = arena_printf(p->c.arena, "%s, %s", all, names[i]);
	conf_bad(&p->c, key, "found key %s at the top, expected %s%s",
	    conf_describe(&p->c, key), near ? "" : "one of ",
	    near ? near : all);
}

static void take_section(
    struct parse *p, const struct conf_node *map, void *options)
{
	const struct conf_table *t = p->spec->table;

	if (map->type != CONF_MAP) {
		conf_bad(&p->c, map, "found %s for '%s', expected a map",
		    conf_describe(&p->c, map), p->spec->program);
		return;
	}
	for (const struct conf_node *n = map->first; n; n = n->next) {
		const struct conf_field *f = conf_find(t, n->key->text);
		char buf[64];

		if (f && f->flag_only) {
			conf_bad(&p->c, n->key,
			    "found key %s, expected the flag --%s alone",
			    conf_describe(&p->c, n->key),
			    options_swap(f->key, '_', '-', buf));
		} else if (f) {
			(void)conf_take(&p->c, f, n, options);
		} else {
			conf_bad_key(&p->c, n->key, t);
		}
	}
}

static void take_file(
    struct parse *p, const struct conf_node *root, void *options)
{
	const struct conf_node *section = NULL;

	if (root->type != CONF_MAP) {
		conf_bad(&p->c, root, "found %s, expected a map of sections",
		    conf_describe(&p->c, root));
		return;
	}
	for (const struct conf_node *n = root->first; n; n = n->next) {
		const char *key = n->key->text;
		const struct conf_field *f = conf_find(p->spec->table, key);

		if (strcmp(key, p->spec->program) == 0) {
			section = n;
		} else if (f && f->common) {
			(void)conf_take(&p->c, f, n, options);
		} else if (!is_listed(p->spec->others, key)) {
			bad_top(p, n->key);
		}
	}
	if (section)
		take_section(p, section, options);
}

/* The file that --config names must exist; the usual one need not. */
static int read_file(struct parse *p, void *options, const char **ret_path)
{
	const char *usual = p->spec->file ? p->spec->file : OPTIONS_FILE;
	const char *path = p->builtin.config ? p->builtin.config : usual;
	const struct conf_node *root;
	scoped_free char *text = NULL;
	struct diag why;
	size_t len;
	int r = conf_read_file(path, CONF_MAX_LEN, &text, &len, &why);

	if (r == -ENOENT && !p->builtin.config)
		return 0;
	if (r < 0)
		return diags_add(p->c.diags, r, "%s", why.text);
	p->c.file = arena_strdup(p->c.arena, path);
	if ((r = conf_parse_any(&p->c, text, len, &root)) < 0)
		return r;
	*ret_path = p->c.file;
	if (root) /* else all of it is a comment */
		take_file(p, root, options);
	return 0;
}

/* ---- all together ----------------------------------------------------- */

static bool is_null(const struct conf_field *f, const void *options)
{
	const void *at = (const char *)options + f->offset;

	if (f->kind == CONF_STRING)
		return !*(const char *const *)at;
	return f->kind == CONF_STRINGS && !((const struct conf_strings *)at)->n;
}

static int check_required(struct parse *p, const void *options)
{
	int r = 0;
	char buf[64];

	for (const struct conf_field *f = p->spec->table->fields; f->key; f++) {
		if (!f->required || !in_scope(p, f) || !is_null(f, options))
			continue;
		r = diags_add(p->c.diags, -EINVAL,
		    "--%s: found nothing, expected %s",
		    options_swap(f->key, '_', '-', buf),
		    f->arg ? f->arg : "a value");
	}
	return r;
}

static int check_rest(struct parse *p)
{
	const struct options_spec *s = p->spec;

	if (p->rest.n > s->rest_max) {
		return diags_add(p->c.diags, -EINVAL,
		    "found argument '%s', expected %s",
		    p->rest.items[s->rest_max],
		    s->rest_max ? "no more of them" : "only flags");
	}
	if (p->rest.n < s->rest_min) {
		return diags_add(p->c.diags, -EINVAL,
		    "found no %s, expected at least %u", s->rest_name,
		    s->rest_min);
	}
	return 0;
}

int options_parse(const struct options_spec *spec, char *const argv[],
    struct arena *a, void *ret_options, struct options_result *ret_result,
    struct diags *reterr)
{
	struct parse *p = arena_alloc(a, 1, sizeof(*p));
	unsigned rows = 0, args = 0;
	int r;

	while (spec->table->fields[rows].key)
		rows++;
	assert(rows + BUILTIN_N <= FLAGS_MAX && !spec->table->also);
	p->spec = spec;
	p->c.arena = a;
	p->c.diags = reterr;
	while (argv[args])
		args++;
	p->argv = args ? argv + 1 : argv;
	p->rest.items = arena_alloc(a, args + 1, sizeof(*p->rest.items));
	*ret_result = (struct options_result){ .action = OPTIONS_RUN };
	r = read_args(p);
	apply_flags(p, true, ret_options);
	if (p->builtin.help || p->builtin.version) {
		ret_result->action =
		    p->builtin.help ? OPTIONS_HELP : OPTIONS_VERSION;
		return 0;
	}
	conf_defaults(&p->c, spec->table, ret_options);
	if (read_file(p, ret_options, &ret_result->config) < 0)
		r = -EINVAL;
	apply_flags(p, false, ret_options);
	if (r < 0 || p->c.error_n)
		return -EINVAL;
	if (check_required(p, ret_options) < 0 || check_rest(p) < 0)
		return -EINVAL;
	ret_result->rest = p->rest;
	return 0;
}
