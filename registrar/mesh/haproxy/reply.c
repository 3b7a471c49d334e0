// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/haproxy/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MAX 512

size_t reply_next(
    const char *data, size_t len, const char **ret_text, size_t *ret_len)
{
	size_t line = 0;

	for (size_t i = 0; i + 1 < len; i++) {
		if (data[i] == '\n') {
			line = i + 1;
			continue;
		}
		if (i != line || data[i + 1] != ' ')
			continue;
		if (data[i] == '+') { /* another line may begin here */
			line = i + 2;
			i++;
			continue;
		}
		if (data[i] != '>')
			continue;
		size_t from = 0, to = line;

		while (
		    from + 1 < to && data[from] == '+' && data[from + 1] == ' ')
			from += 2;
		while (to > from && data[to - 1] == '\n')
			to--;
		while (from < to && data[from] == '\n')
			from++;
		*ret_text = data + from;
		*ret_len = to - from;
		return i + 2;
	}
	return 0;
}

bool reply_server_row(const char *line, size_t len, struct reply_server *ret_s)
{
	char text[ROW_MAX];

	*ret_s = (struct reply_server){ 0 };
	if (len >= sizeof(text) || !len || !isdigit((unsigned char)*line))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	/* be_id be_name srv_id srv_name addr op admin uweight iweight since
	 * check_status check_result check_health check_state agent_state
	 * be_forced srv_forced fqdn port ... */
	char *save = NULL, *word[19];
	unsigned n = 0;

	for (char *w = strtok_r(text, " ", &save); w && n < 19;
	     w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	if (n < 19 || strlen(word[1]) >= sizeof(ret_s->backend) ||
	    strlen(word[3]) >= sizeof(ret_s->name) ||
	    strlen(word[4]) >= sizeof(ret_s->address))
		return false;
	(void)snprintf(ret_s->backend, sizeof(ret_s->backend), "%s", word[1]);
	(void)snprintf(ret_s->name, sizeof(ret_s->name), "%s", word[3]);
	(void)snprintf(ret_s->address, sizeof(ret_s->address), "%s", word[4]);
	ret_s->admin = (int)strtol(word[6], NULL, 10);
	ret_s->weight = (int)strtol(word[7], NULL, 10);
	ret_s->port = (int)strtol(word[18], NULL, 10);
	return true;
}

int reply_version(const char *text, size_t len)
{
	static const char begin[] = "New version created: ";
	size_t n = sizeof(begin) - 1;
	int version = 0;

	if (len <= n || memcmp(text, begin, n) != 0)
		return -1;
	for (; n < len && isdigit((unsigned char)text[n]); n++) {
		if (version > 100000000)
			return -1;
		version = 10 * version + (text[n] - '0');
	}
	return version;
}
