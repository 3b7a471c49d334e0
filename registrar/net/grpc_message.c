// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/grpc_message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FRAME_LEN 5
#define STATUS_MAX 99 /* in a grpc-status; 16 are in use */

/* ---- the request ------------------------------------------------------ */

size_t grpc_request_write(
    const char *service, uint8_t ret_msg[GRPC_REQUEST_MAX])
{
	size_t len = strnlen(service, GRPC_SERVICE_MAX);
	uint8_t *p = ret_msg + FRAME_LEN;

	/* a field that is empty is not there */
	if (len) {
		*p++ = 1 << 3 | 2; /* field 1, octets with their length */
		if (len >= 0x80)
			*p++ = (uint8_t)(len | 0x80);
		*p++ = (uint8_t)(len >= 0x80 ? len >> 7 : len);
		memcpy(p, service, len);
		p += len;
	}
	size_t message_len = (size_t)(p - ret_msg) - FRAME_LEN;

	memset(ret_msg, 0, FRAME_LEN); /* not compressed */
	ret_msg[3] = (uint8_t)(message_len >> 8);
	ret_msg[4] = (uint8_t)message_len;
	return (size_t)(p - ret_msg);
}

/* ---- the answer ------------------------------------------------------- */

/* What is left to be read; the first error sticks. */
struct reader {
	const uint8_t *at, *end;
	bool bad;
};

static uint64_t read_varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70 && r->at < r->end; shift += 7) {
		uint8_t octet = *r->at++;

		/* of the tenth only one bit has room */
		if (shift == 63 && octet > 1)
			break;
		value |= (uint64_t)(octet & 0x7f) << shift;
		if (octet < 0x80)
			return value;
	}
	r->bad = true;
	return 0;
}

static void skip(struct reader *r, uint64_t len)
{
	if (len > (uint64_t)(r->end - r->at)) {
		r->bad = true;
		return;
	}
	r->at += len;
}

/* Of a field that means nothing here. */
static void skip_value(struct reader *r, unsigned wire_type)
{
	switch (wire_type) {
	case 0:
		(void)read_varint(r);
		return;
	case 1:
		skip(r, 8);
		return;
	case 2:
		skip(r, read_varint(r));
		return;
	case 5:
		skip(r, 4);
		return;
	default: /* groups have gone out of use */
		r->bad = true;
		return;
	}
}

/* A field that stands twice has its last value; one that is absent, 0. */
static uint64_t read_status(struct reader *r)
{
	uint64_t status = 0;

	while (r->at < r->end && !r->bad) {
		uint64_t tag = read_varint(r);

		if (tag >> 3 == 0 || tag > UINT32_MAX) {
			r->bad = true;
		} else if (tag == 1 << 3) {
			status = read_varint(r);
		} else {
			skip_value(r, tag & 7);
		}
	}
	return status;
}

static uint32_t frame_length(const uint8_t *data)
{
	return (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 |
	       (uint32_t)data[3] << 8 | data[4];
}

/* What is wrong with the frame around a message; NULL: nothing. */
static const char *frame_problem(const uint8_t *data, size_t len)
{
	if (!len)
		return "it has no message";
	if (len < FRAME_LEN)
		return "its message is cut short";
	if (data[0] == 1)
		return "its message is compressed";
	if (data[0] != 0)
		return "it is no message of gRPC";
	if (len - FRAME_LEN < frame_length(data))
		return "its message is cut short";
	if (len - FRAME_LEN > frame_length(data))
		return "it has more than one message";
	return NULL;
}

int grpc_answer_read(
    const uint8_t *data, size_t len, uint64_t *ret_status, const char **ret_why)
{
	*ret_why = frame_problem(data, len);
	if (*ret_why)
		return -EINVAL;
	struct reader r = { .at = data + FRAME_LEN, .end = data + len };
	uint64_t status = read_status(&r);

	if (r.bad) {
		*ret_why = "its message is no protobuf";
		return -EINVAL;
	}
	*ret_status = status;
	return 0;
}

const char *grpc_health_name(uint64_t h)
{
	static const char *const names[] = {
		[GRPC_UNKNOWN] = "UNKNOWN",
		[GRPC_SERVING] = "SERVING",
		[GRPC_NOT_SERVING] = "NOT_SERVING",
		[GRPC_SERVICE_UNKNOWN] = "SERVICE_UNKNOWN",
	};

	return h < sizeof(names) / sizeof(*names) ? names[h] : NULL;
}

/* ---- status and its message ------------------------------------------- */

int grpc_status_parse(const char *text)
{
	int code = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		code = code * 10 + (*text - '0');
		if (code > STATUS_MAX)
			return -EINVAL;
	}
	return code;
}

const char *grpc_status_name(int code)
{
	static const char *const names[] = { "OK", "CANCELLED", "UNKNOWN",
		"INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
		"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
		"UNAUTHENTICATED" };
	bool known = code >= 0 && code < (int)(sizeof(names) / sizeof(*names));

	return known ? names[code] : NULL;
}

/* -1: it is no hexadecimal digit. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void grpc_percent_decode(char *text)
{
	char *out = text;

	while (*text) {
		int high = *text == '%' ? digit(text[1]) : -1;
		int low = high >= 0 ? digit(text[2]) : -1;

		/* what is no escape stays as it is, as the protocol says */
		if (low < 0 || (high == 0 && low == 0)) {
			*out++ = *text++;
		} else {
			*out++ = (char)(high << 4 | low);
			text += 3;
		}
	}
	*out = '\0';
}
