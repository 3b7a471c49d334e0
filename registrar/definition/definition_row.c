// SPDX-License-Identifier: BSD-2-Clause
/*
 * Definitions compared, and as rows of the registry.
 */
#include "registrar/definition/definition.h"

#include <stdio.h>
#include <string.h>

/* NULL equals NULL alone. */
static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool definition_instance_row_equal(
    const struct definition_instance *a, const struct definition_instance *b)
{
	return text_equal(a->name, b->name) &&
	       text_equal(a->address, b->address) &&
	       text_equal(a->address6, b->address6) && a->port == b->port &&
	       text_equal(a->ports, b->ports) && a->priority == b->priority &&
	       a->weight == b->weight &&
	       a->weight_warning == b->weight_warning &&
	       text_equal(a->tags, b->tags) && text_equal(a->meta, b->meta) &&
	       text_equal(a->locality, b->locality);
}

bool definition_instance_equal(
    const struct definition_instance *a, const struct definition_instance *b)
{
	if (!definition_instance_row_equal(a, b) ||
	    !process_spec_equal(&a->process, &b->process) ||
	    !drained_spec_equal(&a->drained, &b->drained) ||
	    a->check_n != b->check_n || a->group_n != b->group_n)
		return false;
	for (unsigned i = 0; i < a->check_n; i++) {
		if (a->checks[i].group != b->checks[i].group ||
		    !check_spec_equal(&a->checks[i], &b->checks[i]))
			return false;
	}
	for (unsigned i = 0; i < a->group_n; i++) {
		if (a->groups[i].any != b->groups[i].any ||
		    a->groups[i].parent != b->groups[i].parent)
			return false;
	}
	return true;
}

bool definition_service_row_equal(
    const struct definition_service *a, const struct definition_service *b)
{
	return text_equal(a->zone, b->zone) && text_equal(a->name, b->name) &&
	       text_equal(a->protocol, b->protocol) && a->port == b->port &&
	       text_equal(a->port_name, b->port_name) &&
	       text_equal(a->ports, b->ports) && a->ttl_s == b->ttl_s &&
	       a->max_answers == b->max_answers && a->on_empty == b->on_empty &&
	       text_equal(a->tags, b->tags) && text_equal(a->meta, b->meta) &&
	       text_equal(a->mesh, b->mesh);
}

static void say(char *buf, size_t len, const char *key, const char *value)
{
	size_t at = strlen(buf);

	(void)snprintf(
	    buf + at, len - at, "%s%s %s", at ? ", " : "", key, value);
}

static void say_number(
    char *buf, size_t len, const char *key, int was, int value)
{
	char text[16] = "none";

	if (was == value)
		return;
	if (value != ROW_DEFAULT)
		(void)snprintf(text, sizeof(text), "%d", value);
	say(buf, len, key, text);
}

void definition_service_differs(const struct definition_service *a,
    const struct definition_service *b, char *buf, size_t len)
{
	*buf = '\0';
	if (!text_equal(a->protocol, b->protocol))
		say(buf, len, "protocol", b->protocol);
	say_number(buf, len, "port", a->port, b->port);
	say_number(buf, len, "ttl", a->ttl_s, b->ttl_s);
	say_number(buf, len, "max_answers", a->max_answers, b->max_answers);
	if (a->on_empty != b->on_empty)
		say(buf, len, "on_empty", on_empty_name(b->on_empty));
	if (!text_equal(a->tags, b->tags))
		say(buf, len, "tags", b->tags);
	if (!text_equal(a->meta, b->meta))
		say(buf, len, "meta", b->meta);
	if (!text_equal(a->mesh, b->mesh))
		say(buf, len, "mesh", b->mesh ? b->mesh : "none");
}

bool requires_equal(
    const struct health_policy *a, const struct health_policy *b)
{
	if (a->require_n != b->require_n)
		return false;
	for (unsigned i = 0; i < a->require_n; i++) {
		if (strcmp(a->requires[i].zone, b->requires[i].zone) != 0 ||
		    strcmp(a->requires[i].service, b->requires[i].service) != 0)
			return false;
	}
	return true;
}

void definition_service_row(const struct definition_service *s,
    const char *source, const char *file, struct service_row *ret_row)
{
	*ret_row = (struct service_row){
		.zone = s->zone,
		.name = s->name,
		.protocol = s->protocol,
		.port = s->port,
		.port_name = s->port_name,
		.ports = s->ports,
		.ttl_s = s->ttl_s,
		.max_answers = s->max_answers,
		.on_empty = s->on_empty,
		.tags = s->tags,
		.meta = s->meta,
		.mesh = s->mesh,
		.source = source,
		.definition = file,
	};
}

void definition_instance_row(const struct definition_service *s,
    const struct definition_instance *i, const char *source, const char *file,
    struct instance_row *ret_row)
{
	*ret_row = (struct instance_row){
		.zone = s->zone,
		.service = s->name,
		.name = i->name,
		.address = i->address,
		.address6 = i->address6,
		.port = i->port,
		.ports = i->ports,
		.priority = i->priority,
		.weight = i->weight,
		.weight_warning = i->weight_warning,
		.health = HEALTH_STARTING,
		.mode = MODE_ACTIVE,
		.tags = i->tags,
		.meta = i->meta,
		.locality = i->locality,
		.source = source,
		.definition = file,
		.reason = "",
	};
}
