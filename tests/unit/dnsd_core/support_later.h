// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * desk - somebody who answers afterwards, as test_later*.c tell him to. What
 * he does is the first letter of the question's name, none of them in a zone
 * of the site:
 *
 *	now.a    answers at once
 *	wait.a   answers after WAIT_MS, meanwhile his thread waits
 *	hold.a   keeps the ticket until desk_answer() or desk_release_all()
 *	none.a   forgets it
 *	drop.a   says that there will be no answer
 *	block.a  waits until the server ends, or desk_unblock()
 *
 * NOTIFY is answered from the catalog as a question would be. His answers are
 * a TXT "afterwards" in class CH.
 */
#include "tests/unit/dnsd_core/support_stream.h"

#include <pthread.h>

enum { HELD_MAX = 4096, WAIT_MS = 20 };

struct desk {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct later *later;
	uint64_t held[HELD_MAX];
	size_t len[HELD_MAX]; /* of the requests held */
	unsigned held_n, taken_n;
	bool unblocked, stopped;
	struct later_handler handler;
	const struct later_handler *table[LATER_KINDS];
};

static inline void desk_decide(void *arg, struct query *q,
    const struct handler_source *source, struct answer *ret_a)
{
	(void)arg;
	(void)q;
	(void)source;
	ret_a->kind = ANSWER_CHAOS;
	ret_a->chaos = "afterwards";
}

static inline void desk_look_up(void *arg, struct query *q,
    const struct handler_source *source, struct answer *ret_a)
{
	struct locus l;

	(void)arg;
	answer_locate(&l, q, source->catalog);
	answer_decide(ret_a, q, &l, source->catalog, source->identity);
}

static inline void desk_wait_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

static inline void desk_block(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	while (!d->stopped && !d->unblocked)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

static inline void desk_take(void *arg, const struct later_request *r)
{
	struct desk *d = arg;
	char what = (char)r->query->name.lower[1];

	pthread_mutex_lock(&d->lock);
	d->later = r->later;
	d->taken_n++;
	if (what == 'h' && d->held_n < HELD_MAX) {
		d->held[d->held_n] = r->ticket;
		d->len[d->held_n++] = r->len;
	}
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	if (r->deferral->kind != LATER_OUTSIDE) {
		(void)later_answer(r->later, r->ticket, desk_look_up, NULL);
		return;
	}
	if (what == 'w')
		desk_wait_ms(WAIT_MS);
	if (what == 'b')
		desk_block(d);
	if (what == 'd')
		(void)later_drop(r->later, r->ticket);
	if (what == 'n' && r->query->name.lower[2] == 'o' &&
	    r->query->name.lower[3] == 'n')
		return; /* none */
	if (what == 'n' || what == 'w')
		(void)later_answer(r->later, r->ticket, desk_decide, NULL);
}

static inline void desk_unblock(struct desk *d)
{
	pthread_mutex_lock(&d->lock);
	d->unblocked = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static inline void desk_stop(void *arg)
{
	struct desk *d = arg;

	pthread_mutex_lock(&d->lock);
	d->stopped = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static inline struct desk *desk_new(void)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	d->handler = (struct later_handler){ desk_take, desk_stop, d };
	d->table[LATER_OUTSIDE] = &d->handler;
	d->table[LATER_NOTIFY] = &d->handler;
	return d;
}

static inline void desk_free(struct desk *d)
{
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* Until he holds n tickets, or has taken n requests. */
static inline void desk_await(struct desk *d, const unsigned *what, unsigned n)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		pthread_mutex_lock(&d->lock);
		bool there = *what >= n;
		pthread_mutex_unlock(&d->lock);
		if (there)
			return;
		desk_wait_ms(1);
	}
	fail_msg("%u of %u", *what, n);
}

/* False: it is too late for that one. */
static inline bool desk_answer(struct desk *d, unsigned i)
{
	return later_answer(d->later, d->held[i], desk_decide, NULL);
}

/* From another thread than those of the server; last come, first served. */
static inline unsigned desk_release_all(struct desk *d)
{
	unsigned answered = 0;

	for (;;) {
		pthread_mutex_lock(&d->lock);
		uint64_t ticket = d->held_n ? d->held[--d->held_n] : 0;
		struct later *l = d->stopped ? NULL : d->later;
		pthread_mutex_unlock(&d->lock);
		if (!ticket || !l)
			return answered;
		answered += later_answer(l, ticket, desk_decide, NULL);
	}
}

/* ---- a site with a desk ----------------------------------------------- */

static inline struct site *desk_site(struct desk *d, const struct site_plan *p)
{
	struct site_plan plan = *p;

	plan.later = d->table;
	if (!plan.idle_ms)
		plan.idle_ms = IDLE_LONG_MS;
	if (!plan.connection_max)
		plan.connection_max = CONNECTIONS;
	if (!plan.config.thread_n)
		plan.config.thread_n = 2;
	if (!plan.config.slot_n)
		plan.config.slot_n = 1024;
	if (!plan.config.patience_ms)
		plan.config.patience_ms = IDLE_LONG_MS;
	return site_make(&plan);
}

/* Of the site's threads together. */
static inline uint64_t counted_all(const struct site *s, enum stat what)
{
	return counted(s, what) + stats_get(udp_stats(s->udp), what) +
	       later_stat(s->later, what);
}

static inline void wait_count_all(
    const struct site *s, enum stat what, uint64_t n)
{
	for (int i = 0; counted_all(s, what) < n && i < PATIENCE_MS; i++)
		desk_wait_ms(1);
	assert_int_equal(counted_all(s, what), n);
}

/* A socket that hears only who it asks: 127.0.0.1 or what is given. */
static inline int udp_client_new(const struct site *s, in_addr_t address_be)
{
	struct sockaddr_in in = { 0 };
	struct timeval patience = { PATIENCE_MS / 1000, 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(&in, &s->door.address.storage, sizeof(in));
	in.sin_addr.s_addr = address_be;
	assert_true(fd >= 0);
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (void *)&in, sizeof(in)), 0);
	return fd;
}

static inline void udp_ask(int fd, const char *text, uint16_t id)
{
	char name[ASK_NAME_MAX];
	uint8_t msg[ASK_MAX];
	struct ask a;

	ask_parse(&a, name, text);
	size_t len = ask_build(&a, msg);
	wire_put16(msg, id);
	assert_int_equal(send(fd, msg, len, 0), len);
}

/* The caller frees; NULL: nothing came. */
static inline char *udp_hear(int fd, uint16_t *ret_id)
{
	uint8_t msg[WIRE_MESSAGE_MAX];
	ssize_t n = recv(fd, msg, sizeof(msg), 0);

	if (n < WIRE_HEADER_LEN)
		return NULL;
	*ret_id = wire_get16(msg);
	return reply_text(msg, (size_t)n);
}

/* A question of that opcode, framed. */
static inline void script_opcode(
    struct script *s, const char *text, uint16_t id, enum opcode opcode)
{
	size_t flags = s->len + FRAME_LEN + 2;

	script_ask(s, text, id);
	s->octets[flags] = (uint8_t)(s->octets[flags] | (unsigned)opcode << 3);
}

static inline void ask_opcode(
    int fd, const char *text, uint16_t id, enum opcode opcode)
{
	struct script s = { 0 };

	script_opcode(&s, text, id, opcode);
	say(fd, &s);
	script_free(&s);
}
