// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a DNS server answers to a check: type in the first octet, then the
 * message. How long it takes, and how much memory, is the fuzzer's to measure.
 */
#include "registrar/net/dns_message.h"
#include "schema/base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_question q = { .name = "web.test" };
	struct dns_answer answer;
	const char *why = NULL;

	if (size < 3)
		return 0;
	q.type = data[0];
	q.id = (uint16_t)(data[1] << 8 | data[2]);
	struct arena *a = arena_new();
	int r = dns_answer_read(a, &q, data + 1, size - 1, &answer, &why);

	if (r < 0 ? r != -ENOMSG && (r != -EBADMSG || !why)
	          : answer.n > DNS_DATA_MAX || answer.rcode > 15)
		abort();
	for (unsigned n = 0; r == 0 && n < answer.n; n++) {
		if (strlen(answer.data[n]) > (size_t)5 * DNS_ANSWER_MAX)
			abort();
	}
	arena_free(a);
	return 0;
}
