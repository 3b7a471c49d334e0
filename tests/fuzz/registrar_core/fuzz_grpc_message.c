// SPDX-License-Identifier: BSD-2-Clause
/*
 * An answer of the health service is refused with a reason, or has a status;
 * what is written with that status is read the same. A grpc-message becomes
 * no longer, and no text of a code is taken for another one.
 */
#include "registrar/net/grpc_message.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The shortest message that says so. */
static size_t write_status(uint64_t status, uint8_t ret_msg[16])
{
	size_t len = 5;

	memset(ret_msg, 0, 5);
	ret_msg[len++] = 1 << 3;
	for (; status >= 0x80; status >>= 7)
		ret_msg[len++] = (uint8_t)(status | 0x80);
	ret_msg[len++] = (uint8_t)status;
	ret_msg[4] = (uint8_t)(len - 5);
	return len;
}

static void check_answer(const uint8_t *data, size_t len)
{
	uint64_t status = 0, again = 0;
	const char *why = NULL;
	uint8_t message[16];

	if (grpc_answer_read(data, len, &status, &why) < 0) {
		assert(why && *why && status == 0);
		return;
	}
	assert(len >= 5 && data[0] == 0);
	len = write_status(status, message);
	assert(grpc_answer_read(message, len, &again, &why) == 0);
	assert(again == status);
}

static void check_text(const uint8_t *data, size_t len)
{
	scoped_free char *text = xmalloc(len + 1);
	char digits[16];

	memcpy(text, data, len);
	text[len] = '\0';
	size_t text_len = strlen(text);
	int code = grpc_status_parse(text);

	assert(code >= -EINVAL && code <= 99);
	if (code >= 0) {
		/* but for zeros before it */
		(void)snprintf(digits, sizeof(digits), "%d", code);
		assert(strcmp(text + text_len - strlen(digits), digits) == 0);
	}
	grpc_percent_decode(text);
	assert(strlen(text) <= text_len);
}

static void check_request(const uint8_t *data, size_t len)
{
	uint8_t message[GRPC_REQUEST_MAX];
	scoped_free char *service = xmalloc(len + 1);

	memcpy(service, data, len);
	service[len] = '\0';
	size_t written = grpc_request_write(service, message);

	assert(written >= 5 && written <= sizeof(message));
	assert(written - 5 == (size_t)(message[3] << 8 | message[4]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_answer(data, len);
	check_text(data, len);
	check_request(data, len);
	return 0;
}
