// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/grpc_message.h"
#include "tests/unit/registrar_core/hex_support.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// clang-format off
static const struct {
	const char *why, *hex;
	uint64_t status;
	const char *problem; /* NULL: none */
} answers[] = {
	{ "serving", "00 00000002 0801", 1, NULL },
	{ "zero is not written", "00 00000000", 0, NULL },
	{ "but may be", "00 00000002 0800", 0, NULL },
	{ "the last one counts", "00 00000004 0801 0802", 2, NULL },
	{ "longer than it has to be", "00 00000004 08818000", 1, NULL },
	{ "a negative one has ten octets", "00 0000000b 08 ffffffffffffffffff01", UINT64_MAX, NULL },
	{ "other fields: varint", "00 00000005 109601 0801", 1, NULL },
	{ "64 bits", "00 0000000b 110102030405060708 0801", 1, NULL },
	{ "octets", "00 00000006 12026869 0801", 1, NULL },
	{ "32 bits", "00 00000007 1501020304 0801", 1, NULL },
	{ "the field in another type is another field", "00 00000005 0a0108 0801", 1, NULL },
	{ "nothing", "", 0, "it has no message" },
	{ "less than a frame", "00 000000", 0, "its message is cut short" },
	{ "less than it says", "00 00000003 0801", 0, "its message is cut short" },
	{ "4 GB", "00 ffffffff 0801", 0, "its message is cut short" },
	{ "more than it says", "00 00000001 0801", 0, "it has more than one message" },
	{ "compressed", "01 00000002 0801", 0, "its message is compressed" },
	{ "a flag without a meaning", "02 00000002 0801", 0, "it is no message of gRPC" },
	{ "a varint without an end", "00 00000002 0881", 0, "its message is no protobuf" },
	{ "of eleven octets", "00 0000000c 08 ffffffffffffffffffff01", 0, "its message is no protobuf" },
	{ "beyond 64 bits", "00 0000000b 08 ffffffffffffffffff02", 0, "its message is no protobuf" },
	{ "no value", "00 00000001 08", 0, "its message is no protobuf" },
	{ "field 0", "00 00000002 0001", 0, "its message is no protobuf" },
	{ "a field of a number too large", "00 00000006 808080801001", 0, "its message is no protobuf" },
	{ "octets that are not there", "00 00000003 120578", 0, "its message is no protobuf" },
	{ "nearly 2^64 of them", "00 0000000b 12 ffffffffffffffffff01", 0, "its message is no protobuf" },
	{ "32 bits of which 24 are there", "00 00000004 15010203", 0, "its message is no protobuf" },
	{ "a group", "00 00000002 0b0c", 0, "its message is no protobuf" },
};

static const struct {
	const char *text;
	int code;
	const char *name; /* NULL: none */
} codes[] = {
	{ "0", 0, "OK" },
	{ "4", 4, "DEADLINE_EXCEEDED" },
	{ "16", 16, "UNAUTHENTICATED" },
	{ "17", 17, NULL },
	{ "099", 99, NULL },
	{ "100", -EINVAL, NULL },
	{ "99999999999999999999", -EINVAL, NULL },
	{ "", -EINVAL, NULL },
	{ "-1", -EINVAL, NULL },
	{ " 1", -EINVAL, NULL },
	{ "1 ", -EINVAL, NULL },
};

static const struct {
	const char *text, *decoded;
} messages[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a%20b%25", "a b%" },
	{ "%e2%82%AC", "\xe2\x82\xac" },
	{ "%", "%" },
	{ "%4", "%4" },
	{ "%4g%41", "%4gA" },
	{ "%00end", "%00end" },
	{ "%2541", "%41" },
};
// clang-format on

static void answers_are_read(void **state)
{
	uint8_t data[64];

	(void)state;
	for (size_t n = 0; n < sizeof(answers) / sizeof(answers[0]); n++) {
		size_t len = hex_octets(answers[n].hex, data, sizeof(data));
		/* exactly as long: ASan sees what is read past its end */
		uint8_t *exact = malloc(len ? len : 1);
		uint64_t status = 0;
		const char *why;

		assert_non_null(exact);
		memcpy(exact, data, len);
		int r = grpc_answer_read(exact, len, &status, &why);

		if ((r < 0) != (answers[n].problem != NULL) ||
		    status != answers[n].status) {
			fail_msg("%s: %d, %" PRIu64, answers[n].why, r, status);
		}
		if (r < 0)
			assert_string_equal(why, answers[n].problem);
		free(exact);
	}
	assert_string_equal(grpc_health_name(3), "SERVICE_UNKNOWN");
	assert_null(grpc_health_name(4));
	assert_null(grpc_health_name(UINT64_MAX));
}

static void requests_are_written(void **state)
{
	static const struct {
		size_t name_len;
		const char *head; /* hex */
	} cases[] = {
		{ 0, "00 00000000" },
		{ 1, "00 00000003 0a01" },
		{ 127, "00 00000081 0a7f" },
		{ 128, "00 00000083 0a8001" },
		{ GRPC_SERVICE_MAX, "00 00000403 0a8008" },
		/* no more fits; definitions do not have it */
		{ GRPC_SERVICE_MAX + 1, "00 00000403 0a8008" },
	};
	char name[GRPC_SERVICE_MAX + 2];
	uint8_t message[GRPC_REQUEST_MAX], head[16];

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		size_t len = cases[n].name_len;

		memset(name, 's', len);
		name[len] = '\0';
		if (len > GRPC_SERVICE_MAX)
			len = GRPC_SERVICE_MAX;
		size_t head_len = hex_octets(cases[n].head, head, sizeof(head));

		assert_int_equal(
		    grpc_request_write(name, message), head_len + len);
		assert_memory_equal(message, head, head_len);
		assert_memory_equal(message + head_len, name, len);
	}
}

static void codes_have_names(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(codes) / sizeof(codes[0]); n++) {
		int code = grpc_status_parse(codes[n].text);

		if (code != codes[n].code)
			fail_msg("'%s': %d", codes[n].text, code);
		if (codes[n].name) {
			assert_string_equal(
			    grpc_status_name(code), codes[n].name);
		} else {
			assert_null(grpc_status_name(code));
		}
	}
}

static void messages_are_decoded(void **state)
{
	char text[32];

	(void)state;
	for (size_t n = 0; n < sizeof(messages) / sizeof(messages[0]); n++) {
		(void)snprintf(text, sizeof(text), "%s", messages[n].text);
		grpc_percent_decode(text);
		assert_string_equal(text, messages[n].decoded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(requests_are_written),
		cmocka_unit_test(codes_have_names),
		cmocka_unit_test(messages_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
