// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/definition/definition_parts.h"
#include "registrar/lib/sockets.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define LISTENING_RULE "PORT or ADDRESS:PORT, for UDP with /udp behind it"
#define UNIT_RULE "the name of a unit of systemd"
#define UNIT_MAX 255 /* octets of a name, for systemd */

/* Another way to find a process is another row. */
static const struct process_type {
	const char *name;
	bool (*valid)(const char *text); /* NULL: any text */
	const char *expects;             /* NULL: no file may say it */
} types[PROCESS_KIND_N] = {
	[PROCESS_NONE] = { .name = "none" },
	[PROCESS_PIDFILE] = { "pidfile", path_is_absolute,
	    "the absolute path of a file that holds the process number" },
	[PROCESS_EXE] = { "exe", path_is_absolute,
	    "the absolute path of an executable" },
	[PROCESS_CMDLINE] = { "cmdline", NULL, "a regular expression" },
	[PROCESS_UNIT] = { "unit", text_is_clean, UNIT_RULE },
	[PROCESS_CGROUP] = { "cgroup", path_is_absolute,
	    "the absolute path of a cgroup's directory" },
	[PROCESS_LISTENING] = { "listening", text_is_clean, LISTENING_RULE },
	[PROCESS_CONTAINER] = { "container", text_is_clean,
	    CONTAINER_NAME_RULE },
	[PROCESS_PID] = { .name = "pid" },
};

const char *process_kind_name(enum process_kind k)
{
	return types[k].name;
}

bool process_spec_equal(
    const struct process_spec *a, const struct process_spec *b)
{
	return a->kind == b->kind && strcmp(a->what, b->what) == 0;
}

static int bad_shape(struct conf_context *c, const struct conf_node *node)
{
	return conf_bad(c, node,
	    "found %s for 'process', expected " PROCESS_RULE,
	    node->n > 1 ? "several keys" : conf_describe(c, node));
}

int take_process(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct raw_process *raw = at;

	(void)f;
	raw->given = true;
	raw->node = node;
	raw->spec = (struct process_spec){ .kind = PROCESS_NONE, .what = "" };
	if (node->type == CONF_SCALAR && strcmp(node->text, "none") == 0)
		return 0;
	if (node->type != CONF_MAP || node->n != 1)
		return bad_shape(c, node);
	const struct conf_node *value = node->first;

	for (unsigned i = PROCESS_NONE + 1; i < PROCESS_KIND_N; i++) {
		if (!types[i].expects ||
		    strcmp(types[i].name, value->key->text) != 0)
			continue;
		const struct conf_field what = { .key = types[i].name,
			.kind = CONF_STRING,
			.valid = types[i].valid,
			.expects = types[i].expects };

		raw->node = value;
		raw->spec.kind = (enum process_kind)i;
		return conf_take(c, &what, value, &raw->spec.what);
	}
	return conf_bad(c, value->key,
	    "found key %s in 'process', expected one of " PROCESS_KEYS,
	    conf_describe(c, value->key));
}

static bool is_port(const char *text)
{
	struct socket_spec s;

	return socket_spec_parse(text, &s) == 0 && s.low == s.high;
}

/* systemd.unit(5); a slash would leave the tree of cgroups. */
static bool is_unit(const char *text)
{
	const char *p = text;

	while (isalnum((unsigned char)*p) || (*p && strchr(":_.\\@-", *p)))
		p++;
	return *text && *text != '.' && !*p && strlen(text) <= UNIT_MAX;
}

/* As systemctl has it: only a known type behind the last dot is one. */
static bool has_unit_type(const char *text)
{
	static const char *const known[] = { "automount", "device", "mount",
		"path", "scope", "service", "slice", "socket", "swap", "target",
		"timer" };
	const char *dot = strrchr(text, '.');

	for (size_t i = 0; dot && i < sizeof(known) / sizeof(*known); i++) {
		if (!strcmp(dot + 1, known[i]))
			return true;
	}
	return false;
}

/* Not before the variables are gone: braces are counts in a pattern. */
static int check_process(struct conf_context *c, const struct conf_node *node,
    const struct process_spec *p)
{
	const struct process_type *t = &types[p->kind];
	const char *why = NULL;

	if (p->kind == PROCESS_CMDLINE)
		why = regex_problem(c->arena, p->what, false);
	if (why) {
		return conf_bad(c, node,
		    "found %s for 'cmdline', expected a POSIX extended "
		    "regular expression (%s)",
		    conf_describe(c, node), why);
	}
	if ((p->kind == PROCESS_LISTENING && !is_port(p->what)) ||
	    (p->kind == PROCESS_UNIT && !is_unit(p->what)) ||
	    (p->kind == PROCESS_CONTAINER && !is_container_name(p->what))) {
		return conf_bad(c, node, "found '%s' for '%s', expected %s",
		    p->what, t->name, t->expects);
	}
	return 0;
}

int resolve_process(struct conf_context *c, const struct raw_process *raw,
    const struct template_vars *v, struct process_spec *ret_p)
{
	struct process_spec p = { .kind = PROCESS_NONE, .what = "" };

	if (raw->given)
		p = raw->spec;
	if (p.kind != PROCESS_NONE) {
		int r = template_fill(
		    c, raw->node, TEMPLATE_PLAIN, p.what, v, &p.what);
		if (r < 0)
			return r;
	}
	int r = check_process(c, raw->node, &p);

	if (r < 0)
		return r;
	if (p.kind == PROCESS_UNIT && !has_unit_type(p.what))
		p.what = arena_printf(c->arena, "%s.service", p.what);
	*ret_p = p;
	return 0;
}
