// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a shell asks while somebody types: flags from the table of options,
 * services and instances from the registry. A registry that cannot be read
 * completes to nothing, silently: nobody wants an error in the prompt.
 */
#include "registrar/command/commands.h"
#include "schema/registry.h"

#include <stdio.h>
#include <string.h>

#define PAGE 500
#define LINES_MAX 2000 /* more is of no use at a prompt */

static void offer_flag(const char *key, const char *prefix)
{
	char flag[64];

	(void)snprintf(flag, sizeof(flag), "--%s", key);
	for (char *p = flag; *p; p++) {
		if (*p == '_')
			*p = '-';
	}
	if (strncmp(flag, prefix, strlen(prefix)) == 0)
		(void)puts(flag);
}

/* "--log-level" is log_level. */
static bool is_flag_of(const struct conf_field *f, const char *flag)
{
	const char *p = f->key;

	for (flag += 2; *p && *flag; p++, flag++) {
		if (*p != (*flag == '-' ? '_' : *flag))
			return false;
	}
	return !*p && !*flag;
}

static void offer_values(const struct conf_field *f, const char *prefix)
{
	size_t len = strlen(prefix);

	for (size_t k = 0; f->names && f->names[k]; k++) {
		if (strncmp(f->names[k], prefix, len) == 0)
			(void)puts(f->names[k]);
	}
	if (f->word && strncmp(f->word, prefix, len) == 0)
		(void)puts(f->word);
}

bool complete_values(const char *flag, const char *prefix)
{
	const struct conf_field *f = registrar_options_table.fields;

	if (strncmp(flag, "--", 2) != 0)
		return false;
	if (strcmp(flag, "--config") == 0)
		return true;
	while (f->key && !is_flag_of(f, flag))
		f++;
	if (!f->key || f->kind == CONF_BOOL)
		return false;
	offer_values(f, prefix);
	return true;
}

void complete_flags(unsigned scope, const char *prefix)
{
	const struct conf_field *f = registrar_options_table.fields;

	for (; f->key; f++) {
		if (!f->scope || f->scope & scope)
			offer_flag(f->key, prefix);
	}
	offer_flag("config", prefix);
	offer_flag("help", prefix);
}

struct completion {
	const char *home; /* its services are named without zone */
	const char *prefix;
	bool instances;
	unsigned lines;
	char service[256]; /* as it is written */
	char zone[128], name[128];
};

static void offer(struct completion *c, const char *text)
{
	if (strncmp(text, c->prefix, strlen(c->prefix)) != 0 ||
	    c->lines == LINES_MAX)
		return;
	c->lines++;
	(void)puts(text);
}

static void on_service(void *arg, const struct service_row *row)
{
	struct completion *c = arg;
	bool home = strcmp(row->zone, c->home) == 0;

	(void)snprintf(c->zone, sizeof(c->zone), "%s", row->zone);
	(void)snprintf(c->name, sizeof(c->name), "%s", row->name);
	(void)snprintf(c->service, sizeof(c->service), "%s%s%s", row->name,
	    home ? "" : ".", home ? "" : row->zone);
	offer(c, c->service);
}

static void on_instance(void *arg, const struct instance_row *row)
{
	struct completion *c = arg;
	char text[sizeof(c->service) + 80];

	(void)snprintf(text, sizeof(text), "%s/%s", c->service, row->name);
	if (c->instances)
		offer(c, text);
}

static void on_done(void *arg)
{
	(void)arg;
}

void complete_targets(
    const struct registrar_options *o, bool instances, const char *prefix)
{
	struct completion c = {
		.home = o->run.zone, .prefix = prefix, .instances = instances
	};
	const struct registry_visitor v = { .service = on_service,
		.instance = on_instance,
		.done = on_done,
		.arg = &c,
		.broken = registry_pass_over };
	struct registry_key after = { 0 };
	struct registry *reg;
	unsigned n;

	if (registry_open(o->run.registry, REGISTRY_READ, &reg, NULL) < 0)
		return;
	do {
		n = 0;
		if (registry_read_page(reg, &after, PAGE, &v, &n, NULL) < 0)
			break;
	} while (n && c.lines < LINES_MAX);
	registry_close(reg);
}
