// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_drained - `on_drained: {exec: [/path/program], signal: TERM}`:
 * what is done with an instance that no answer names any more.
 */
#include "registrar/definition/definition_parts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static const char *const signal_names[] = { "TERM", "INT", "QUIT", "HUP",
	"USR1", "USR2", "WINCH", "KILL", NULL };
static const int signal_numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1,
	SIGUSR2, SIGWINCH, SIGKILL };

#define DAY_MS INT64_C(86400000)
#define AT(member) .offset = offsetof(struct raw_drained, member)

static const struct conf_field fields[] = {
	{ .key = "exec",
	    .kind = CONF_STRINGS,
	    .expects = "a list of a program and its arguments",
	    AT(spec.exec.argv) },
	{ .key = "timeout",
	    .kind = CONF_DURATION,
	    .low = 10,
	    .high = DAY_MS,
	    .fallback = "60s",
	    AT(spec.timeout_ms) },
	{ .key = "signal",
	    .kind = CONF_ENUM,
	    .names = signal_names,
	    .absent = -1,
	    AT(signal) },
	{ 0 },
};
#undef AT

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct raw_drained *raw = base;

	if (conf_get(map, "exec"))
		return exec_check_argv(c, map, &raw->spec);
	for (const struct conf_node *n = map->first; n; n = n->next) {
		if (strcmp(n->key->text, "signal") != 0 && raw->signal >= 0) {
			return conf_bad(c, n->key,
			    "found '%s' without 'exec', expected both",
			    n->key->text);
		}
	}
	if (raw->signal >= 0)
		return 0;
	return conf_bad(c, map,
	    "found 'on_drained' without 'exec' and 'signal', expected one of "
	    "them, or both");
}

static const struct conf_table table = { .what = "'on_drained'",
	.fields = fields,
	.also = &exec_how_table,
	.finish = finish };

int take_drained(struct conf_context *c, const struct conf_field *f,
    const struct conf_node *node, void *at)
{
	struct raw_drained *raw = at;

	(void)f;
	if (node->type == CONF_SCALAR && strcmp(node->text, "none") == 0) {
		*raw = (struct raw_drained){ .signal = -1 };
	} else if (node->type != CONF_MAP) {
		return conf_bad(c, node,
		    "found %s for 'on_drained', expected " DRAINED_RULE,
		    conf_describe(c, node));
	} else if (conf_fill(c, &table, node, raw) < 0) {
		return -EINVAL;
	}
	raw->given = true;
	raw->node = node;
	return 0;
}

int resolve_drained(struct conf_context *c, const struct raw_drained *raw,
    const struct template_vars *v, const struct process_spec *process,
    struct drained_spec *ret_d)
{
	struct check_spec spec = raw->spec;

	*ret_d = (struct drained_spec){ 0 };
	if (!raw->given || raw->node->type != CONF_MAP)
		return 0;
	if (raw->signal >= 0 && process->kind == PROCESS_NONE) {
		return conf_bad(c, conf_get(raw->node, "signal")->key,
		    "found 'signal' without 'process', expected a process to "
		    "send it to");
	}
	if (spec.exec.argv.n &&
	    check_type_exec.resolve(c, raw->node, v, &spec) < 0)
		return -EINVAL;
	*ret_d = (struct drained_spec){ .exec = spec.exec,
		.timeout_ms = spec.timeout_ms,
		.signal = raw->signal < 0 ? 0 : signal_numbers[raw->signal] };
	return 0;
}

bool drained_spec_equal(
    const struct drained_spec *a, const struct drained_spec *b)
{
	const struct check_spec x = { .exec = a->exec },
	                        y = { .exec = b->exec };

	return a->signal == b->signal && a->timeout_ms == b->timeout_ms &&
	       check_type_exec.equal(&x, &y);
}
