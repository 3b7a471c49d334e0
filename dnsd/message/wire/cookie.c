// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/message/wire/cookie.h"

#include "dnsd/message/wire/wire.h"

#include <netinet/in.h>

enum {
	VERSION = 1,
	TIME_AT = COOKIE_CLIENT_LEN + 4,
	HASH_AT = TIME_AT + 4,
	HASHED_MAX = HASH_AT + 16, /* with an IPv6 address */
};

/* Puts the hash of what stands before it. */
static void put_hash(uint8_t cookie[COOKIE_LEN],
    const uint8_t key[SIPHASH_KEY_LEN], const struct sockaddr *peer)
{
	uint8_t hashed[HASHED_MAX];
	size_t len = HASH_AT;

	memcpy(hashed, cookie, HASH_AT);
	if (peer->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)peer;

		memcpy(hashed + len, &in->sin_addr, 4);
		len += 4;
	} else {
		const struct sockaddr_in6 *in6 = (const void *)peer;

		memcpy(hashed + len, &in6->sin6_addr, 16);
		len += 16;
	}
	uint64_t hash = siphash(key, hashed, len);
	memcpy(cookie + HASH_AT, &hash, sizeof(hash));
}

/* Without a branch on what differs: time must not tell how much was right. */
static bool same_hash(const uint8_t *a, const uint8_t *b)
{
	uint64_t x, y;

	memcpy(&x, a + HASH_AT, sizeof(x));
	memcpy(&y, b + HASH_AT, sizeof(y));
	return x == y;
}

/* Serial number arithmetic (RFC 1982): the wall clock wraps in 2106. */
static int32_t age_s(const uint8_t *cookie, uint32_t now_s)
{
	return (int32_t)(now_s - wire_get32(cookie + TIME_AT));
}

/* Index of the secret that made it; s->n: none did. */
static unsigned find_secret(const struct cookie_secrets *s,
    const struct sockaddr *peer, const uint8_t option[COOKIE_LEN])
{
	uint8_t made[COOKIE_LEN];
	unsigned i;

	memcpy(made, option, HASH_AT); /* reserved octets as they came */
	for (i = 0; i < s->n; i++) {
		put_hash(made, s->key[i], peer);
		if (same_hash(made, option))
			break;
	}
	return i;
}

static bool is_fresh(int32_t age)
{
	return age <= COOKIE_AGE_MAX_S && age >= -COOKIE_AHEAD_MAX_S;
}

static bool well_formed(size_t len)
{
	if (len == COOKIE_CLIENT_LEN)
		return true;
	return len >= COOKIE_CLIENT_LEN + COOKIE_SERVER_MIN &&
	       len <= COOKIE_CLIENT_LEN + COOKIE_SERVER_MAX;
}

enum cookie_status cookie_judge(const struct cookie_secrets *s,
    const struct sockaddr *peer, uint32_t now_s, const uint8_t *option,
    size_t len, uint8_t ret_cookie[COOKIE_LEN])
{
	enum cookie_status status = COOKIE_CLIENT_ONLY;

	if (!well_formed(len))
		return COOKIE_MALFORMED;
	if (len > COOKIE_CLIENT_LEN)
		status = COOKIE_BAD;
	if (len == COOKIE_LEN && option[COOKIE_CLIENT_LEN] == VERSION) {
		int32_t age = age_s(option, now_s);
		unsigned i =
		    is_fresh(age) ? find_secret(s, peer, option) : s->n;

		if (i < s->n)
			status = COOKIE_GOOD;
		if (i == 0 && age < COOKIE_RENEW_S) {
			memcpy(ret_cookie, option, COOKIE_LEN);
			return status;
		}
	}
	memcpy(ret_cookie, option, COOKIE_CLIENT_LEN);
	wire_put32(ret_cookie + COOKIE_CLIENT_LEN, (uint32_t)VERSION << 24);
	wire_put32(ret_cookie + TIME_AT, now_s);
	put_hash(ret_cookie, s->key[0], peer);
	return status;
}
