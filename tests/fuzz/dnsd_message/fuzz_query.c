// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any octets as a request: nothing is read beyond them, and what is found
 * lies within them.
 */
#include "dnsd/message/wire/query.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_question(const struct query *q, size_t len)
{
	const struct dname *n = &q->name;

	must(WIRE_HEADER_LEN + (size_t)q->question_len <= len);
	must(q->question_len == n->len + 4);
	must(n->len >= 1 && n->label_n <= WIRE_LABELS_MAX);
	must(n->offset[n->label_n] == n->len - 1 && !n->lower[n->len - 1]);
	for (unsigned i = 0; i < n->len; i++) {
		uint8_t c = q->msg[WIRE_HEADER_LEN + i];
		bool upper = c >= 'A' && c <= 'Z';

		must(n->lower[i] == (upper ? c + 32 : c));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct query q;

	if (len > WIRE_MESSAGE_MAX)
		return 0;
	enum query_status s = query_parse(&q, data, len);
	must((s == QUERY_DROP) == (len < WIRE_HEADER_LEN || data[2] & WIRE_QR));
	if (s == QUERY_DROP)
		return 0;
	must(q.msg == data && q.edns.udp_len >= WIRE_UDP_MIN);
	must(q.id == wire_get16(data));
	must(q.edns.present ||
	     (!q.edns.version && !q.edns.nsid && !q.edns.dnssec_ok));
	must((s == QUERY_NOTIMP) == !!(data[2] & WIRE_OPCODE));
	must(s != QUERY_BADVERS || q.edns.version > 0);
	must(s != QUERY_OK || !q.edns.version);
	must(s != QUERY_COOKIE_ONLY || q.edns.cookie_at);
	must((size_t)q.edns.cookie_at + q.edns.cookie_len <= len);
	if (q.question_len) {
		check_question(&q, len);
	} else {
		must(s == QUERY_FORMERR || s == QUERY_NOTIMP ||
		     s == QUERY_COOKIE_ONLY);
	}
	return 0;
}
