// SPDX-License-Identifier: BSD-2-Clause
/*
 * A request to the listener of metrics: it is whole or not, and what it asks
 * for does not depend on what comes behind it.
 */
#include "dnsd/metrics/listener.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *request = malloc(len + 1);
	bool head, again;

	if (!request)
		return 0;
	memcpy(request, data, len);
	enum listener_page page = listener_read(request, len, &head);
	check(page <= PAGE_MORE);
	check(page != PAGE_MORE || len < LISTENER_REQUEST_MAX);
	if (page < PAGE_TOO_LONG && len < LISTENER_REQUEST_MAX) {
		request[len] = 'x';
		check(listener_read(request, len + 1, &again) == page &&
		      again == head);
	}
	free(request);
	return 0;
}
