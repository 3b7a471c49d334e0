// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the handler takes for an answer, to be counted and not to be timed:
 *
 *	valgrind --tool=callgrind --toggle-collect=answer_all
 *	    bench.handle QUESTION ROUNDS [ADDRESS [metrics]]
 *
 * collects the instructions of ROUNDS batches of 32 of that question ("web"
 * has seven instances, "big" 100, "static" is of a zone file) and of nothing
 * else. The draws are the same in each run. Nobody is limited; with an address
 * there are limits as by default (guard.c), which that client does not reach;
 * with `metrics` behind it everything is counted for them (tally.h).
 */
#include "dnsd/message/screen/networks.h"
#include "tests/support/ask.h"
#include "tests/support/batch.h"

#include <arpa/inet.h>
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

/* Lines of one text: each call of world_add() ends the service. */
static void add_big(struct world *w)
{
	static char big[100 * 64];
	size_t len = (size_t)snprintf(big, sizeof(big), "service big\n");

	for (unsigned i = 0; i < 100; i++) {
		len += (size_t)snprintf(big + len, sizeof(big) - len,
		    "instance i%u 10.0.0.%u weight %u\n", i, i, 1 + i % 50);
	}
	world_add(w, big);
}

/* Returns them: they are the caller's. */
static struct networks *add_limits(struct world *w)
{
	static const char *const near[] = { "127.0.0.0/8", "10.0.0.0/8",
		"172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
		"100.64.0.0/10", "::1", "fe80::/10", "fc00::/7" };
	struct networks *n = networks_new(near, sizeof(near) / sizeof(*near));

	w->policy.watches = true;
	w->policy.unwatched = n;
	for (unsigned i = 0; i < RESPONSE_CLASSES; i++) {
		w->policy.responses[i] =
		    (struct limit_rule){ LIMIT_RATE_MAX, LIMIT_RATE_MAX, 15 };
		w->policy.spared[i] = n;
	}
	return n;
}

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

	if (argc < 3 || argc > 5) {
		(void)fputs("usage: bench.handle QUESTION ROUNDS [ADDRESS "
		            "[metrics]]\n",
		    stderr);
		return 2;
	}
	struct world *w = world_new(text);
	struct sockaddr_in peer = { .sin_family = AF_INET };
	struct networks *near = NULL;
	add_big(w);
	if (argc > 3) {
		near = add_limits(w);
		(void)inet_pton(AF_INET, argv[3], &peer.sin_addr);
	}
	struct tallies *tallies = argc > 4 ? tallies_new(1, 1000) : NULL;
	if (tallies)
		w->handler->tally = tallies_take(tallies);
	ask_parse(&a, name, argv[1]);
	size_t len = ask_build(&a, msg);
	for (unsigned i = 0; i < HANDLE_BATCH_MAX; i++) {
		m[i] = (struct message){ msg, len, response[i], 0,
			near ? (const void *)&peer : NULL };
	}
	answer_all(w, m, (unsigned)strtoul(argv[2], NULL, 10));
	printf("%zu octets\n", m[0].response_len);
	world_free(w);
	networks_free(near);
	tallies_free(tallies);
	return 0;
}
