// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/exec/runner_message.h"

#include <string.h>

/* ---- writing ---------------------------------------------------------- */

/* without its NUL, which the last part of a string brings along */
static void put(struct run_message *m, const char *text, size_t len)
{
	if (m->too_long || len > sizeof(m->buf) - m->len) {
		m->too_long = true;
		return;
	}
	memcpy(m->buf + m->len, text, len);
	m->len += len;
}

static void put_string(struct run_message *m, const char *text)
{
	put(m, text, strlen(text) + 1);
}

void run_message_init(
    struct run_message *m, const char *user, const char *group, const char *dir)
{
	m->head = (struct run_header){ .type = RUN_BEGIN };
	m->len = sizeof(m->head);
	m->too_long = false;
	put_string(m, user);
	put_string(m, group);
	put_string(m, dir);
}

void run_message_arg(struct run_message *m, const char *arg)
{
	put_string(m, arg);
	m->head.arg_n++;
}

void run_message_env(struct run_message *m, const char *name, const char *value)
{
	put(m, name, strlen(name));
	put(m, "=", 1);
	put_string(m, value);
	m->head.env_n++;
}

bool run_message_finish(struct run_message *m)
{
	memcpy(m->buf, &m->head, sizeof(m->head));
	return !m->too_long && m->head.arg_n &&
	       m->head.arg_n <= RUN_WORDS_MAX && m->head.env_n <= RUN_WORDS_MAX;
}

/* ---- reading ---------------------------------------------------------- */

struct reader {
	char *at, *end;
};

/* The next string; NULL: there is none. */
static char *next(struct reader *r)
{
	char *text = r->at;
	size_t left = (size_t)(r->end - r->at);
	size_t len = strnlen(text, left);

	if (len == left)
		return NULL;
	r->at += len + 1;
	return text;
}

static bool read_list(struct reader *r, uint32_t n, char **ret_list)
{
	for (uint32_t i = 0; i < n; i++) {
		ret_list[i] = next(r);
		if (!ret_list[i])
			return false;
	}
	ret_list[n] = NULL;
	return true;
}

bool run_request_read(char *buf, size_t len, struct run_request *ret_q)
{
	struct reader r = { buf + sizeof(ret_q->head), buf + len };

	if (len < sizeof(ret_q->head))
		return false;
	memcpy(&ret_q->head, buf, sizeof(ret_q->head));
	if (ret_q->head.type != RUN_BEGIN)
		return true;
	ret_q->user = next(&r);
	ret_q->group = ret_q->user ? next(&r) : NULL;
	ret_q->dir = ret_q->group ? next(&r) : NULL;
	return ret_q->dir && ret_q->head.arg_n &&
	       ret_q->head.arg_n <= RUN_WORDS_MAX &&
	       ret_q->head.env_n <= RUN_WORDS_MAX &&
	       read_list(&r, ret_q->head.arg_n, ret_q->argv) &&
	       read_list(&r, ret_q->head.env_n, ret_q->envp);
}
