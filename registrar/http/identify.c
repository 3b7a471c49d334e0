// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/http_impl.h"
#include "registrar/http/serve.h"

#include <stdio.h>

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
}

bool http_identify(struct http_request *q)
{
	struct http *h = q->http;
	bool is_local = q->conn->is_local || q->listener->is_unix;

	q->peer = arena_strdup(http_arena(q), q->conn->peer_text);
	q->who = is_local ? &h->local : &h->far;
	return true;
}
