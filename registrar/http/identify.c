// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who asks: by a token, by who is at the other end of the Unix socket, or
 * nobody known. A token is looked up in the registry, and what was found is
 * good for a moment: one that is revoked is not taken any more.
 */
#include "registrar/http/http_impl.h"
#include "registrar/http/serve.h"
#include "registrar/http/token.h"
#include "schema/base/clock.h"
#include "schema/base/xalloc.h"
#include "schema/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FRESH_MS 250
#define RULES_MAX 256
#define WRONG_MAX 20 /* tokens of a client that are none, in WRONG_MS */
#define WRONG_MS 10000

/* A token that was found; shared by those who asked with it. */
struct http_known {
	struct access_who who;
	struct access_rule rules[RULES_MAX];
	struct arena *arena;
	char hash[TOKEN_HASH_MAX];
	int64_t expires_wall_ms;
	int64_t looked_ms;
	unsigned holders; /* requests, and the cache */
};

/* ---- without a token -------------------------------------------------- */

static void set_anonymous(
    struct access_who *who, struct access_rule *rule, const char *rights)
{
	(void)snprintf(who->id, sizeof(who->id), "anonymous");
	(void)snprintf(who->source, sizeof(who->source), "api/anonymous");
	who->is_anonymous = true;
	who->rule_n = 1;
	who->rules = rule;
	rule->prefix = "";
	(void)access_parse_rights(rights, &rule->rights);
}

void http_identify_init(struct http *h)
{
	set_anonymous(&h->local, &h->local_rule, h->options->anonymous_local);
	set_anonymous(&h->far, &h->far_rule, h->options->anonymous);
	h->root_rule = (struct access_rule){ "", ACCESS_ALL };
	h->root = (struct access_who){ .id = "owner",
		.source = "api/owner",
		.rule_n = 1,
		.rules = &h->root_rule };
}

/* Root, and whoever we run as: who could write the registry by hand. */
static bool is_owner(const struct http_conn *c)
{
	return c->listener->is_unix && (!c->uid || c->uid == geteuid());
}

/* ---- tokens ----------------------------------------------------------- */

static void drop(struct http_known *k)
{
	if (!k || --k->holders)
		return;
	arena_free(k->arena);
	free(k);
}

void http_identify_release(struct http_request *q)
{
	drop(q->known);
	q->known = NULL;
	q->who = NULL;
}

static bool take_rules(struct http_known *k, const char *text)
{
	json_t *rules = json_loads(text, 0, NULL), *value;
	const char *prefix;
	bool good = json_is_object(rules);

	json_object_foreach(rules, prefix, value)
	{
		struct access_rule *r = &k->rules[k->who.rule_n];

		good =
		    good && k->who.rule_n < RULES_MAX &&
		    json_is_string(value) &&
		    access_parse_rights(json_string_value(value), &r->rights);
		if (!good)
			break;
		r->prefix = arena_strdup(k->arena, prefix);
		k->who.rule_n++;
	}
	json_decref(rules);
	return good;
}

static void on_token(void *arg, const struct token_row *row)
{
	struct http_known **ret = arg, *k = xcalloc(1, sizeof(*k));

	k->arena = arena_new();
	k->holders = 1;
	(void)snprintf(k->who.id, sizeof(k->who.id), "%s", row->id);
	(void)snprintf(k->who.source, sizeof(k->who.source), "api/%s", row->id);
	(void)snprintf(k->hash, sizeof(k->hash), "%s", row->hash);
	k->expires_wall_ms = row->expires_wall_ms;
	k->who.rules = k->rules;
	if (take_rules(k, row->rules)) {
		*ret = k;
	} else {
		drop(k);
	}
}

static unsigned slot_of(const char *id)
{
	return (unsigned)strtoul(id, NULL, 16) % HTTP_KNOWN_SLOTS;
}

/* NULL: there is none, or none can be read (-EAGAIN). */
static struct http_known *look_up(
    struct http *h, const char *id, int *ret_error)
{
	struct http_known **slot = &h->known[slot_of(id)], *k = *slot;
	int64_t now_ms = clock_mono_ms();

	*ret_error = 0;
	if (k && !strcmp(k->who.id, id) && now_ms - k->looked_ms < FRESH_MS)
		return k;
	struct registry *r = feed_registry(h->feed, NULL);

	drop(k);
	*slot = k = NULL;
	*ret_error =
	    r ? registry_read_token(r, id, on_token, &k, NULL) : -EAGAIN;
	if (k) {
		k->looked_ms = now_ms;
		*slot = k;
	}
	return k;
}

static bool is_wrong_too_often(struct http_conn *c, bool wrong)
{
	struct log_limit *l = &c->listener->http->wrong[c->slot];
	int64_t now_ms = clock_mono_ms();

	if (wrong)
		return !log_limit_ok(l, WRONG_MAX, WRONG_MS, now_ms);
	return l->used >= WRONG_MAX && now_ms - l->window_start_ms < WRONG_MS;
}

static const char *token_of(const struct http_request *q)
{
	static const char bearer[] = "Bearer ";
	const char *text = http_header(q, "X-Consul-Token");

	if (text && *text)
		return text;
	text = http_header(q, "Authorization");
	if (!text || strncasecmp(text, bearer, sizeof(bearer) - 1) != 0)
		return NULL;
	text += sizeof(bearer) - 1;
	return text + strspn(text, " ");
}

static struct http_known *check(
    struct http_request *q, const char *text, int *ret_error)
{
	char id[ACCESS_ID_MAX], hash[TOKEN_HASH_MAX];
	struct http_known *k = NULL;

	*ret_error = 0;
	token_hash(text, hash);
	if (token_id_of(text, id))
		k = look_up(q->http, id, ret_error);
	if (!k || !token_hash_is_equal(k->hash, hash) ||
	    (k->expires_wall_ms && k->expires_wall_ms <= clock_wall_ms()))
		return NULL;
	return k;
}

static bool by_token(struct http_request *q, const char *text)
{
	int error;

	if (is_wrong_too_often(q->conn, false)) {
		http_fail(q, 429, NULL, "too many wrong tokens");
		return false;
	}
	struct http_known *k = check(q, text, &error);

	if (k) {
		k->holders++;
		q->known = k;
		q->who = &k->who;
		return true;
	}
	if (error < 0 && error != -ENOENT) {
		http_fail(q, 503, NULL, "tokens cannot be read now");
		return false;
	}
	(void)is_wrong_too_often(q->conn, true);
	http_set_header(
	    q, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
	http_fail(q, 401, NULL, "this token is not known, or is over");
	return false;
}

bool http_identify(struct http_request *q)
{
	struct http *h = q->http;
	const char *text = token_of(q);

	http_identify_release(q);
	q->peer = arena_strdup(http_arena(q), q->conn->peer_text);
	if (text && *text)
		return by_token(q, text);
	if (is_owner(q->conn)) {
		q->who = &h->root;
	} else {
		q->who = q->conn->is_local || q->listener->is_unix ? &h->local
		                                                   : &h->far;
	}
	return true;
}

/* Of a reply that goes on. */
bool http_identify_again(struct http_request *q)
{
	struct http_known *k = q->known, *now;
	int error;

	if (!k)
		return true;
	now = look_up(q->http, k->who.id, &error);
	if (!now)
		return error == -EAGAIN;
	return token_hash_is_equal(now->hash, k->hash) &&
	       (!now->expires_wall_ms ||
	           now->expires_wall_ms > clock_wall_ms());
}

void http_identify_end(struct http *h)
{
	for (unsigned k = 0; k < HTTP_KNOWN_SLOTS; k++)
		drop(h->known[k]);
}
