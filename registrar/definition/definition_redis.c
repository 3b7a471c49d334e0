// SPDX-License-Identifier: BSD-2-Clause
/*
 * definition_redis - `redis: "{address}:{port}"`: PING is answered.
 */
#include "registrar/definition/definition_parts.h"

#include <string.h>

#define DEFAULT_PORT 6379
#define AT(member) .offset = offsetof(struct check_spec, redis.member)

static const struct conf_field fields[] = {
	{ .key = "redis",
	    .kind = CONF_STRING,
	    .required = true,
	    .expects = "an address and port such as '{address}:{port}'",
	    AT(to) },
	{ .key = "user",
	    .kind = CONF_STRING,
	    .valid = text_is_clean,
	    .expects = "the name of a user",
	    AT(user) },
	{ .key = "password_file",
	    .kind = CONF_STRING,
	    .valid = path_is_absolute,
	    .expects = "the absolute path of a file",
	    AT(password_file) },
	{ 0 },
};
static int finish(
    struct conf_context *c, const struct conf_node *map, void *base);

static const struct conf_table table = { .what = "a redis check",
	.fields = fields,
	.also = &check_common_table,
	.finish = finish };

static int finish(
    struct conf_context *c, const struct conf_node *map, void *base)
{
	const struct check_redis *r = &((struct check_spec *)base)->redis;

	if (!r->user || r->password_file)
		return 0;
	return conf_bad(c, conf_get(map, "user")->key,
	    "found 'user' without 'password_file', expected both or none");
}

static int resolve(struct conf_context *c, const struct conf_node *at,
    const struct template_vars *v, struct check_spec *s)
{
	struct endpoint e;
	int r = resolve_endpoint(
	    c, conf_get(at, "redis"), v, DEFAULT_PORT, &s->redis.to, &e);

	s->redis.address = e.address;
	s->redis.port = e.port;
	return r;
}

static bool equal(const struct check_spec *x, const struct check_spec *y)
{
	const struct check_redis *a = &x->redis, *b = &y->redis;

	return strcmp(a->to, b->to) == 0 && regex_equal(a->user, b->user) &&
	       regex_equal(a->password_file, b->password_file);
}

const struct check_type check_type_redis = {
	.name = "redis",
	.kind = CHECK_REDIS,
	.table = &table,
	.resolve = resolve,
	.equal = equal,
};
