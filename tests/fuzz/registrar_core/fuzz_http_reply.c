// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever a server says is read the same whether it comes at once or in
 * pieces, and never makes more than its bounds. The first octet says how
 * large pieces are, and whether the request was HEAD.
 */
#include "registrar/net/http_reply.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum http_progress read_all(struct http_reply *r, bool head,
    const uint8_t *data, size_t len, size_t piece)
{
	enum http_progress now = HTTP_READING;

	http_reply_init(r, head);
	while (len && now == HTTP_READING) {
		size_t part = len < piece ? len : piece;

		now = http_reply_feed(r, (const char *)data, part);
		data += part;
		len -= part;
	}
	return now == HTTP_READING ? http_reply_end(r) : now;
}

static void check_reply(const struct http_reply *r, enum http_progress now)
{
	assert(now != HTTP_READING);
	assert((now == HTTP_BROKEN) == !!r->problem);
	assert(now == HTTP_BROKEN || (r->status >= 100 && r->status <= 999));
	assert(strlen(r->reason) < HTTP_REASON_MAX);
	assert(r->body_len <= HTTP_BODY_MAX);
	assert(!r->body || r->body[r->body_len] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_reply whole, pieces;

	if (!len)
		return 0;
	bool head = data[0] & 1;
	size_t piece = (size_t)(data[0] >> 1) + 1;
	enum http_progress a =
	    read_all(&whole, head, data + 1, len - 1, SIZE_MAX);
	enum http_progress b =
	    read_all(&pieces, head, data + 1, len - 1, piece);

	check_reply(&whole, a);
	check_reply(&pieces, b);
	/* pieces may stop before they know that it is all */
	assert(a == b || (a == HTTP_COMPLETE && b == HTTP_ENOUGH) ||
	       (a == HTTP_BROKEN && b == HTTP_ENOUGH));
	if (a == b) {
		assert(whole.status == pieces.status);
		assert(whole.problem == pieces.problem);
		assert(whole.body_len == pieces.body_len);
		assert(!whole.body_len ||
		       memcmp(whole.body, pieces.body, whole.body_len) == 0);
	}
	http_reply_release(&whole);
	http_reply_release(&pieces);
	return 0;
}
