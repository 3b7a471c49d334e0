// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_postgres - `postgres: "{address}:{port}"`: a session that
 * answers SELECT 1.
 */
#include "registrar/definition/definition_parts.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_PORT 5432
#define AT(member) .offset = offsetof(struct check_spec, postgres.member)

static const char *const sslmodes[] = { "prefer", "disable", "require",
	"verify-ca", "verify-full", NULL };

static const struct conf_field fields[] = {
	{ .key = "postgres",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}'",
	    AT(to) },
	{ .key = "user",
	    .kind = CONF_STRING,
	    .valid = text_is_clean,
	    .expects = "the name of a user",
	    .fallback = "postgres",
	    AT(user) },
	{ .key = "database",
	    .kind = CONF_STRING,
	    .valid = text_is_clean,
	    .expects = "the name of a database",
	    .fallback = "postgres",
	    AT(database) },
	{ .key = "password_file",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a file",
	    AT(password_file) },
	{ .key = "sslmode", .kind = CONF_ENUM, .names = sslmodes, AT(sslmode) },
	{ .key = "ca_file",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a file of certificates",
	    AT(ca_file) },
	{ .key = "server_name",
	    .kind = CONF_STRING,
	    .valid = text_is_clean,
	    .expects = "the name of a host",
	    AT(server_name) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = { .what = "a postgres check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

const char *postgres_sslmode_name(int mode)
{
	return sslmodes[mode];
}

/* libpq would look for certificates in somebody's home. */
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct check_postgres *p = &((struct check_spec *)base)->postgres;
	const struct conf_node *node = conf_get(map, "sslmode");
	bool verifies = strncmp(sslmodes[p->sslmode], "verify-", 7) == 0;

	if (verifies == !!p->ca_file)
		return 0;
	if (verifies) {
		return conf_bad(c, node,
		    "found '%s' for 'sslmode', expected 'ca_file' beside it",
		    node->text);
	}
	return conf_bad(c, conf_get(map, "ca_file"),
	    "found 'ca_file' where nothing is verified, expected 'sslmode: "
	    "verify-full' or 'verify-ca'");
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct endpoint e;
	int r = resolve_endpoint(
	    c, conf_get(at, "postgres"), v, DEFAULT_PORT, &s->postgres.to, &e);

	s->postgres.address = e.address;
	s->postgres.port = e.port;
	return r;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_postgres *a = &x->postgres, *b = &y->postgres;

	return strcmp(a->to, b->to) == 0 && strcmp(a->user, b->user) == 0 &&
	       strcmp(a->database, b->database) == 0 &&
	       a->sslmode == b->sslmode &&
	       text_equal(a->password_file, b->password_file) &&
	       text_equal(a->ca_file, b->ca_file) &&
	       text_equal(a->server_name, b->server_name);
}

const struct check_type check_type_postgres = {
	.name = "postgres",
	.kind = CHECK_POSTGRES,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
