// SPDX-License-Identifier: BSD-2-Clause
/*
 * Buckets of WAYS slots, in two sizes, as most answers are short; the hashes
 * of a bucket lie side by side, so that one line says where to look. A slot is
 * a sequence lock: odd while it is written. Who looks copies it word by word
 * and believes the copy if the sequence is the same afterwards; the one who
 * writes never waits for who looks.
 *
 * An answer leaves a little before its time is over, so that what is behind
 * this table is asked in time for what is asked for often.
 */
#include "dnsd/message/data/front.h"

#include "dnsd/message/wire/dname.h"
#include "schema/base/xalloc.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	WAYS = 8,         /* a line of hashes */
	SHORT_WORDS = 24, /* 192 octets a slot */
	LONG_WORDS = 256,
	HEAD_WORDS = 5,
	KEPT_PERCENT = 90, /* of the TTL */
};

typedef _Atomic uint64_t word;

/* The words of a slot; behind them a struct foreign. */
enum head { SEQUENCE, HASH, META, SINCE_MS, UNTIL_MS };

struct slots {
	word *hashes; /* of each slot; what it says itself is believed */
	word *words;
	uint64_t bucket_n;
	unsigned slot_words;
};

struct front {
	struct slots by_size[2];
	unsigned turn; /* which way is overwritten next */
};

static_assert(
    LONG_WORDS * 8 - HEAD_WORDS * 8 >= sizeof(struct foreign) + FRONT_MSG_MAX,
    "the longest answer has room in a slot");

static void make(struct slots *s, unsigned slot_words, size_t len)
{
	s->slot_words = slot_words;
	s->bucket_n = len / ((slot_words + 1) * sizeof(word) * WAYS);
	s->hashes = xcalloc(s->bucket_n * WAYS, sizeof(*s->hashes));
	s->words = xcalloc(s->bucket_n * WAYS, slot_words * sizeof(*s->words));
}

struct front *front_new(size_t len)
{
	struct front *f = xcalloc(1, sizeof(*f));

	make(&f->by_size[0], SHORT_WORDS, len / 4 * 3);
	make(&f->by_size[1], LONG_WORDS, len / 4);
	return f;
}

void front_free(struct front *f)
{
	if (!f)
		return;
	for (unsigned size = 0; size < 2; size++) {
		free(f->by_size[size].hashes);
		free(f->by_size[size].words);
	}
	free(f);
}

/* ---- keys ------------------------------------------------------------- */

static uint64_t hash_of(const struct front_key *k)
{
	return k->name->suffix_hash[k->name->label_n] ^
	       (k->type + 1U) * 0x9e3779b97f4a7c15U;
}

static uint64_t meta_of(const struct front_key *k)
{
	return (uint64_t)k->type | (uint64_t)k->dnssec_ok << 16 |
	       (uint64_t)k->checking_disabled << 17 | (uint64_t)1 << 18;
}

/* The first of the bucket. */
static uint64_t place_of(const struct slots *s, uint64_t hash)
{
	/* the upper half: the lower one is that of other tables */
	return ((hash >> 32) * s->bucket_n >> 32) * WAYS;
}

static word *slot_at(const struct slots *s, uint64_t place)
{
	return s->words + place * s->slot_words;
}

/*
 * Each in order with those around it, rather than by fences, which
 * ThreadSanitizer does not know: what is read before the sequence is read
 * again stays before it, and so what is written behind the odd one.
 */
static uint64_t get(const word *w)
{
	return atomic_load_explicit(w, memory_order_acquire);
}

static void set(word *w, uint64_t v)
{
	atomic_store_explicit(w, v, memory_order_release);
}

/* ---- who looks -------------------------------------------------------- */

static bool is_for(const struct foreign *a, const struct front_key *k)
{
	return a->len > WIRE_HEADER_LEN + k->name->len &&
	       !memcmp(a->msg + WIRE_HEADER_LEN, k->name->lower, k->name->len);
}

/* The first words say how many there are; none that were torn are believed. */
static void copy_words(
    const struct slots *s, const word *slot, struct front_copy *ret_c)
{
	unsigned room = s->slot_words - HEAD_WORDS, n = 2;
	struct foreign head;

	for (unsigned i = 0; i < n; i++) {
		uint64_t v = get(slot + HEAD_WORDS + i);

		memcpy(ret_c->foreign + 8 * (size_t)i, &v, 8);
		if (i)
			continue;
		memcpy(&head, ret_c->foreign, sizeof(head));
		n = (unsigned)((foreign_size(head.len) + 7) / 8);
		if (n > room)
			n = room;
	}
}

static bool look(const struct slots *s, const word *slot,
    const struct front_key *k, uint64_t now, struct front_copy *ret_c)
{
	uint64_t before = get(slot + SEQUENCE);
	uint64_t since = get(slot + SINCE_MS), until = get(slot + UNTIL_MS);

	if (before & 1 || get(slot + HASH) != hash_of(k) ||
	    get(slot + META) != meta_of(k) || now >= until || now < since)
		return false;
	copy_words(s, slot, ret_c);
	if (get(slot + SEQUENCE) != before)
		return false;
	ret_c->age_s = (uint32_t)((now - since) / 1000);
	return is_for(front_foreign(ret_c), k);
}

bool front_find(const struct front *f, const struct front_key *k,
    uint64_t now_mono_ms, struct front_copy *ret_c)
{
	uint64_t hash = hash_of(k);

	for (unsigned size = 0; size < 2; size++) {
		const struct slots *s = &f->by_size[size];

		uint64_t place = place_of(s, hash), end = place + WAYS;

		for (; place < end; place++) {
			if (get(s->hashes + place) == hash &&
			    look(s, slot_at(s, place), k, now_mono_ms, ret_c))
				return true;
		}
	}
	return false;
}

static const uint64_t nothing[HEAD_WORDS];
static const struct foreign no_answer;

/* ---- who puts --------------------------------------------------------- */

static void write_slot(const struct slots *s, uint64_t place,
    const uint64_t head[HEAD_WORDS], const struct foreign *a)
{
	word *slot = slot_at(s, place);
	uint64_t sequence = get(slot + SEQUENCE);
	size_t len = foreign_size(a->len);

	set(s->hashes + place, head[HASH]);
	set(slot + SEQUENCE, sequence + 1);
	for (unsigned i = HASH; i < HEAD_WORDS; i++)
		set(slot + i, head[i]);
	for (size_t at = 0; at < len; at += 8) {
		uint64_t v = 0;

		memcpy(
		    &v, (const uint8_t *)a + at, len - at < 8 ? len - at : 8);
		set(slot + HEAD_WORDS + at / 8, v);
	}
	set(slot + SEQUENCE, sequence + 2);
}

/* Which way to use: that of the same key, one that is over, or any. */
static uint64_t choose(struct front *f, const struct slots *s,
    const uint64_t head[HEAD_WORDS], uint64_t now)
{
	uint64_t first = place_of(s, head[HASH]);
	uint64_t found = first + f->turn++ % WAYS;

	for (uint64_t place = first; place < first + WAYS; place++) {
		const word *slot = slot_at(s, place);

		if (get(slot + HASH) == head[HASH] &&
		    get(slot + META) == head[META])
			return place;
		if (get(slot + UNTIL_MS) <= now)
			found = place;
	}
	return found;
}

/* One of the other size would be found before it, or after. */
static void forget(const struct slots *s, const uint64_t head[HEAD_WORDS])
{
	uint64_t place = place_of(s, head[HASH]), end = place + WAYS;

	for (; place < end; place++) {
		const word *slot = slot_at(s, place);

		if (get(slot + HASH) == head[HASH] &&
		    get(slot + META) == head[META])
			write_slot(s, place, nothing, &no_answer);
	}
}

void front_put(struct front *f, const struct front_key *k,
    const struct foreign *a, uint64_t now_mono_ms)
{
	uint64_t kept_ms = (uint64_t)a->ttl_s * KEPT_PERCENT * 10;
	const uint64_t head[HEAD_WORDS] = { 0, hash_of(k), meta_of(k),
		now_mono_ms, now_mono_ms + kept_ms };

	if (!kept_ms || a->len > FRONT_MSG_MAX || !is_for(a, k))
		return;
	unsigned size =
	    foreign_size(a->len) > (SHORT_WORDS - HEAD_WORDS) * sizeof(word);
	forget(&f->by_size[!size], head);
	const struct slots *s = &f->by_size[size];
	write_slot(s, choose(f, s, head, now_mono_ms), head, a);
}

void front_clear(struct front *f)
{
	for (unsigned size = 0; size < 2; size++) {
		const struct slots *s = &f->by_size[size];

		for (uint64_t i = 0; i < s->bucket_n * WAYS; i++) {
			if (get(slot_at(s, i) + SEQUENCE))
				write_slot(s, i, nothing, &no_answer);
		}
	}
}
