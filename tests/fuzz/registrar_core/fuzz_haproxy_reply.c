// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever a proxy answers is cut into answers that lie within it, and what
 * is read of their lines fits where it is put.
 */
#include "registrar/mesh/haproxy/reply.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_lines(const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = nl ? (size_t)(nl - text) : (size_t)(end - text);
		struct reply_server row;

		if (reply_server_row(text, n, &row)) {
			assert(strlen(row.backend) < sizeof(row.backend));
			assert(strlen(row.name) < sizeof(row.name));
			assert(strlen(row.address) < sizeof(row.address));
		}
		text += n + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *at = (const char *)data, *text;
	size_t used, text_len;

	while ((used = reply_next(at, len, &text, &text_len)) > 0) {
		assert(used <= len && text >= at);
		assert(text + text_len <= at + used);
		assert(reply_version(text, text_len) >= -1);
		read_lines(text, text_len);
		at += used;
		len -= used;
	}
	return 0;
}
