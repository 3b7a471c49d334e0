// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the handler takes for an answer, to be counted and not to be timed:
 *
 *	valgrind --tool=callgrind --toggle-collect=answer_all
 *	    bench.handle QUESTION ROUNDS
 *
 * collects the instructions of ROUNDS batches of 32 of that question ("web"
 * has seven instances, "static" is of a zone file) and of nothing else. The
 * draws are the same in each run.
 */
#include "tests/support/ask.h"
#include "tests/support/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "zone svc.test\n"
                           "record static 60 A 192.0.2.99\n"
                           "service web port 80\n"
                           "instance i1 192.0.2.1 weight 1\n"
                           "instance i2 192.0.2.2 weight 10\n"
                           "instance i3 192.0.2.3 weight 20\n"
                           "instance i4 192.0.2.4 weight 30\n"
                           "instance i5 192.0.2.5 weight 40\n"
                           "instance i6 192.0.2.6 weight 50\n"
                           "instance i7 192.0.2.7 weight 60\n";

void answer_all(struct world *w, struct message *m, unsigned rounds);

/* By its name, callgrind knows what to count. */
__attribute__((noinline)) void answer_all(
    struct world *w, struct message *m, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		reclaim_in(w->reader);
		handle_batch(w->handler, m, HANDLE_BATCH_MAX, VIA_UDP);
		reclaim_out(w->reader);
	}
}

int main(int argc, char *argv[])
{
	static uint8_t response[HANDLE_BATCH_MAX]
	                       [WORLD_UDP_MAX + RESPOND_SLACK];
	struct message m[HANDLE_BATCH_MAX];
	uint8_t msg[ASK_MAX];
	char name[ASK_NAME_MAX];
	struct ask a;

	if (argc != 3) {
		(void)fputs("usage: bench.handle QUESTION ROUNDS\n", stderr);
		return 2;
	}
	struct world *w = world_new(text);
	ask_parse(&a, name, argv[1]);
	size_t len = ask_build(&a, msg);
	for (unsigned i = 0; i < HANDLE_BATCH_MAX; i++)
		m[i] = (struct message){ msg, len, response[i], 0, NULL };
	answer_all(w, m, (unsigned)strtoul(argv[2], NULL, 10));
	printf("%zu octets\n", m[0].response_len);
	world_free(w);
	return 0;
}
