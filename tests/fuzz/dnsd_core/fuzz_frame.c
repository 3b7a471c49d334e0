// SPDX-License-Identifier: BSD-2-Clause
/*
 * A packet between dnsd and its forwarder: what is taken for a frame is one
 * as far as its parts are used.
 */
#include "dnsd/forward/frame.h"
#include "dnsd/message/wire/dname.h"

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
	char text[DNAME_TEXT_MAX];
	void *packet = malloc(len + 1);

	if (!packet)
		return 0;
	memcpy(packet, data, len);
	for (int forwarder = 0; forwarder < 2; forwarder++) {
		const struct frame *f = frame_read(packet, len, forwarder);

		if (!f)
			continue;
		check(FRAME_HEAD_LEN + f->name_len + (size_t)f->msg_len == len);
		check((f->kind >= FRAME_ANSWER) == (forwarder == 1));
		if (f->kind == FRAME_ASK)
			dname_to_text(frame_body(f), text);
	}
	free(packet);
	return 0;
}
