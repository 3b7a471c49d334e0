// SPDX-License-Identifier: BSD-2-Clause
/*
 * Containers in definitions: which ones for_each means.
 */
#include "registrar/definition/definition_parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 255
#define PORT_RULE "a port in the container: N, for UDP N/udp"

bool is_container_name(const char *text)
{
	const char *p = text;

	while (isalnum((unsigned char)*p) || (*p && strchr("_.-", *p)))
		p++;
	return isalnum((unsigned char)*text) && !*p &&
	       strlen(text) <= NAME_MAX_LEN;
}

/* 0: it is none. */
static int parse_port(const char *text, bool *ret_udp)
{
	char *end;
	long port = strtol(text, &end, 10);

	*ret_udp = !strcmp(end, "/udp");
	if (!isdigit((unsigned char)*text) || port < 1 || port > 65535 ||
	    (*end && !*ret_udp && strcmp(end, "/tcp") != 0))
		return 0;
	return (int)port;
}

static bool is_port(const char *text)
{
	bool udp;

	return parse_port(text, &udp) != 0;
}

int container_filter_port(const struct container_filter *f, bool *ret_udp)
{
	*ret_udp = false;
	return f->port_text ? parse_port(f->port_text, ret_udp) : 0;
}

/* KEY or KEY=VALUE. */
static bool is_label(const char *text)
{
	return *text && *text != '=' && text_is_clean(text);
}

/* In the order of enum container_address. */
static const char *const addresses[] = { "published", "network", NULL };

#define AT(member) .offset = offsetof(struct container_filter, member)

static const struct conf_field fields[] = {
	{ .key = "name",
	    .kind = CONF_CUSTOM,
	    .custom = take_regex,
	    .expects = "a regular expression",
	    AT(name) },
	{ .key = "image",
	    .kind = CONF_CUSTOM,
	    .custom = take_regex,
	    .expects = "a regular expression",
	    AT(image) },
	{ .key = "label",
	    .kind = CONF_STRINGS,
	    .valid = is_label,
	    .expects = "KEY, KEY=VALUE, or a list of these",
	    AT(labels) },
	{ .key = "port",
	    .kind = CONF_STRING,
	    .valid = is_port,
	    .expects = PORT_RULE,
	    AT(port_text) },
	{ .key = "address",
	    .kind = CONF_ENUM,
	    .names = addresses,
	    .absent = CONTAINER_PUBLISHED,
	    AT(address) },
	{ .key = "network",
	    .kind = CONF_STRING,
	    .valid = text_is_clean,
	    .expects = "the name of a network",
	    AT(network) },
	{ 0 },
};
static const struct conf_table table = { .what = "'container'",
	.size = sizeof(struct container_filter),
	.fields = fields };

int take_container(struct conf_context *c, const struct conf_node *node,
    struct container_filter *f)
{
	int r = conf_fill(c, &table, node, f);

	if (r < 0)
		return r;
	if (!f->name && !f->image && !f->labels.n) {
		return conf_bad(c, node,
		    "found 'container' that does not say which, expected at "
		    "least one of name, image, label");
	}
	if (f->network && f->address != CONTAINER_NETWORK) {
		return conf_bad(c, conf_get(node, "network")->key,
		    "found 'network' where its address is not asked for, "
		    "expected 'address: network' beside it");
	}
	return 0;
}

bool container_filter_equal(
    const struct container_filter *a, const struct container_filter *b)
{
	if (a->labels.n != b->labels.n)
		return false;
	for (unsigned n = 0; n < a->labels.n; n++) {
		if (strcmp(a->labels.items[n], b->labels.items[n]) != 0)
			return false;
	}
	return text_equal(a->name, b->name) && text_equal(a->image, b->image) &&
	       text_equal(a->port_text, b->port_text) &&
	       text_equal(a->network, b->network) && a->address == b->address;
}
