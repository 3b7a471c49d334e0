// SPDX-License-Identifier: BSD-2-Clause
/* What dnsd and its forwarder take for a frame of the other one. */
#include "dnsd/forward/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *why;
	struct frame head;
	const char *body;
	size_t body_len;
	bool by_dnsd, by_forwarder; /* who may send it */
} cases[] = {
	{ "a question", { .kind = FRAME_ASK, .id = 1, .name_len = 5 }, "\3www",
	    5, true, false },
	{ "of the root", { .kind = FRAME_ASK, .id = 1, .name_len = 1 }, "", 1,
	    true, false },
	{ "without a name", { .kind = FRAME_ASK, .id = 1 }, "", 0, false,
	    false },
	{ "whose name does not end", { .kind = FRAME_ASK, .name_len = 4 },
	    "\3www", 4, false, false },
	{ "whose name ends early", { .kind = FRAME_ASK, .name_len = 6 },
	    "\3www\0", 6, false, false },
	{ "with a pointer", { .kind = FRAME_ASK, .name_len = 2 }, "\300\14", 2,
	    false, false },
	{ "of another length", { .kind = FRAME_ASK, .name_len = 4 }, "\3www", 5,
	    false, false },
	{ "a cancellation", { .kind = FRAME_CANCEL, .id = 7 }, "", 0, true,
	    false },
	{ "with something behind it", { .kind = FRAME_CANCEL, .id = 7 }, "x", 1,
	    false, false },
	{ "a ping", { .kind = FRAME_PING }, "", 0, true, false },
	{ "a pong", { .kind = FRAME_PONG }, "", 0, false, true },
	{ "an answer",
	    { .kind = FRAME_ANSWER, .msg_len = 12, .security = FRAME_SECURE },
	    "twelve octet", 12, false, true },
	{ "without a message", { .kind = FRAME_ANSWER, .rcode = 2 }, "", 0,
	    false, true },
	{ "shorter than a header", { .kind = FRAME_ANSWER, .msg_len = 11 },
	    "eleven octe", 11, false, false },
	{ "of another length", { .kind = FRAME_ANSWER, .msg_len = 13 },
	    "twelve octet", 12, false, false },
	{ "with a security that is none",
	    { .kind = FRAME_ANSWER, .security = FRAME_SECURE + 1 }, "", 0,
	    false, false },
	{ "with an RCODE of EDNS", { .kind = FRAME_ANSWER, .rcode = 16 }, "", 0,
	    false, false },
	{ "a kind that is none", { .kind = FRAME_KINDS }, "", 0, false, false },
	{ "no kind", { .kind = 0 }, "", 0, false, false },
	{ "at hand, twice", { .kind = FRAME_ANSWER, .is_kept = 2 }, "", 0,
	    false, false },
	{ "at hand", { .kind = FRAME_ANSWER, .is_kept = 1 }, "", 0, false,
	    true },
	{ "a question at hand",
	    { .kind = FRAME_ASK, .name_len = 5, .is_kept = 1 }, "\3www", 5,
	    false, false },
	{ "something where nothing is", { .kind = FRAME_PING, .zero = 1 }, "",
	    0, false, false },
};

static void test_cases(void **state)
{
	_Alignas(struct frame) uint8_t packet[FRAME_HEAD_LEN + 16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = FRAME_HEAD_LEN + cases[i].body_len;

		print_message("%s\n", cases[i].why);
		memcpy(packet, &cases[i].head, FRAME_HEAD_LEN);
		memcpy(
		    packet + FRAME_HEAD_LEN, cases[i].body, cases[i].body_len);
		assert_int_equal(
		    frame_read(packet, len, false) != NULL, cases[i].by_dnsd);
		assert_int_equal(frame_read(packet, len, true) != NULL,
		    cases[i].by_forwarder);
		/* cut anywhere it is none */
		for (size_t cut = 0; cut < len; cut++) {
			bool bare = cut == FRAME_HEAD_LEN &&
			            !cases[i].head.name_len &&
			            !cases[i].head.msg_len;

			if (!bare && cut != len) {
				assert_null(frame_read(packet, cut, false));
				assert_null(frame_read(packet, cut, true));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
