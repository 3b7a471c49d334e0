// SPDX-License-Identifier: BSD-2-Clause
/*
 * Checks that come with a registration: a definition of one instance, which
 * is read here as a registrar will read it, so that what is wrong is said to
 * who asks. What a stranger may have checked is a list of what is allowed:
 * kinds and keys that name nothing of this host but the instance itself.
 */
#include "registrar/definition/definition.h"
#include "registrar/http/http_impl.h"
#include "registrar/http/register.h"
#include "registrar/http/serve.h"
#include "registrar/lib/json.h"
#include "schema/registration.h"

#include <stdlib.h>
#include <string.h>

#define CHECKS_MAX 16

/* A target is an address with a port, perhaps behind a scheme. */
static const char *const kinds[] = { "tcp", "http", "grpc", "h2ping", "udp",
	"dns", "icmp", NULL };
static const char *const keys[] = { "ttl", "name", "interval", "timeout",
	"grace", "jitter", "rise", "fall", "method", "status", "warn_status",
	"body", "send", "expect", "silence", "service", "authority", "query",
	"type", "answer", NULL };

static bool is_in(const char *const *list, const char *word)
{
	while (*list && strcmp(*list, word) != 0)
		list++;
	return *list;
}

static const char *skip(const char *text, const char *word)
{
	size_t len = strlen(word);

	return len && !strncmp(text, word, len) ? text + len : NULL;
}

/* Behind the address may come a port, then a path or nothing. */
static bool is_port(const char *text)
{
	const char *after;

	if (*text == ':') {
		after = skip(text + 1, "{port}");
		text =
		    after ? after : text + 1 + strspn(text + 1, "0123456789");
	}
	return !*text || *text == '/' || *text == '?';
}

static bool is_own_target(const struct registration *what, const char *text)
{
	static const char *const schemes[] = { "http://", "https://", "" };
	const char *const addresses[] = { "{address}", what->address,
		what->address6 ? what->address6 : "" };

	for (size_t k = 0; k < 2 && schemes[k]; k++) {
		const char *after = skip(text, schemes[k]);

		if (after) {
			text = after;
			break;
		}
	}
	for (size_t k = 0; k < 3; k++) {
		const char *after = skip(text, addresses[k]);

		if (!after && *text == '[' &&
		    (after = skip(text + 1, addresses[k])))
			after = *after == ']' ? after + 1 : NULL;
		if (after && is_port(after))
			return true;
	}
	return false;
}

static const char *field(struct http_request *q, size_t k, const char *key)
{
	return arena_printf(http_arena(q), "checks.%zu.%.64s", k, key);
}

static bool may_check_key(struct http_request *q,
    const struct registration *what, size_t k, const char *key,
    const json_t *value)
{
	const char *text = json_string_value(value);

	/* {file:...} and its like are read by the registrar */
	if (text && (strstr(text, "{file") || strstr(text, "{env"))) {
		http_fail(q, 403, field(q, k, key),
		    "a secret takes the right to exec");
		return false;
	}
	if (is_in(kinds, key)) {
		if (text && is_own_target(what, text))
			return true;
		http_fail(q, 403, field(q, k, key),
		    "expected {address} with a port: another target takes "
		    "the right to exec");
		return false;
	}
	if (is_in(keys, key) && !json_is_object(value))
		return true;
	http_fail(q, 403, field(q, k, key), "this key takes the right to exec");
	return false;
}

static bool may_check(
    struct http_request *q, const struct registration *what, json_t *checks)
{
	json_t *check, *value;
	const char *key;
	size_t k;

	if (http_may(q, ACCESS_EXEC, what->service))
		return true;
	json_array_foreach(checks, k, check)
	{
		if (!json_is_object(check)) {
			http_fail(
			    q, 422, field(q, k, ""), "expected an object");
			return false;
		}
		json_object_foreach(check, key, value)
		{
			if (!may_check_key(q, what, k, key, value))
				return false;
		}
	}
	return true;
}

static json_t *instance_of(const struct registration *what)
{
	json_t *o = json_must(json_object());

	json_set(o, "name", json_text(what->instance));
	json_set(o, "address", json_text(what->address));
	if (what->address6)
		json_set(o, "address6", json_text(what->address6));
	if (what->port != ROW_DEFAULT)
		json_set(o, "port", json_integer(what->port));
	json_set(o, "weight", json_integer(what->weight));
	json_set(o, "priority", json_integer(what->priority));
	return o;
}

static char *text_of(const struct registration *what, json_t *checks)
{
	json_t *o = json_must(json_object()), *all = json_must(json_array());

	json_set(o, "service", json_text(what->service));
	json_set(o, "zone", json_text(what->zone));
	json_set(o, "protocol", json_text(what->own.protocol));
	if (what->own.port != ROW_DEFAULT)
		json_set(o, "port", json_integer(what->own.port));
	json_array_append_new(all, instance_of(what));
	json_set(o, "instances", all);
	json_set(o, "checks", json_incref(checks));
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	if (!text)
		abort(); /* out of memory */
	return text;
}

/* As a registrar will read it. */
static bool is_readable(struct http_request *q, const char *text)
{
	const struct definition_defaults defaults = { .zone = http_zone(q),
		.address = http_address(q) };
	struct diags why = { .n = 0 };
	struct definition *d;

	if (strlen(text) > REGISTRATION_TEXT_MAX) {
		http_fail(q, 413, "checks", "expected at most %d octets in all",
		    REGISTRATION_TEXT_MAX);
		return false;
	}
	if (definition_parse(
	        "registration", text, strlen(text), &defaults, &d, &why) < 0) {
		/* file, line and column say nothing to who asks */
		const char *at = strstr(why.items[0].text, ": ");

		http_fail(
		    q, 422, "checks", "%s", at ? at + 2 : why.items[0].text);
		return false;
	}
	definition_free(d);
	return true;
}

bool register_set_checks(
    struct http_request *q, struct registration *what, json_t *checks)
{
	if (!json_is_array(checks) || json_array_size(checks) > CHECKS_MAX) {
		http_fail(q, 422, "checks", "expected a list of at most %d",
		    CHECKS_MAX);
		return false;
	}
	if (!json_array_size(checks))
		return true;
	if (!may_check(q, what, checks))
		return false;
	char *text = text_of(what, checks);
	bool good = is_readable(q, text);

	what->text = arena_strdup(http_arena(q), text);
	what->checks = checks;
	what->health = HEALTH_STARTING;
	free(text);
	return good;
}
