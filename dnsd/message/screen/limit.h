// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * limit - how often something may happen, for each of very many: a table of
 * accounts of a fixed size, for one thread alone.
 *
 * An account is credited `rate` a second, up to `burst`, and pays for each
 * time. Who goes on beyond runs into debt, down to `debt_s` seconds' worth,
 * and is limited until that is paid back (0: is limited, without debt).
 * When the table is full the account unused the longest of four makes room.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	LIMIT_ACCOUNTS = 1 << 18, /* 16 octets each */
	LIMIT_RATE_MAX = 1000000,
	LIMIT_DEBT_MAX_S = 3600,
};

struct limits;

struct limit_rule {
	uint32_t rate; /* a second; 0: no limit */
	uint32_t burst;
	uint32_t debt_s;
};

/* What an account is kept of. */
struct limit_key {
	uint64_t network; /* network_number() */
	uint64_t subject; /* such as the hash of a name */
	uint64_t kind;
};

/* Memory is used as accounts are. The key of its hash is drawn. Never NULL. */
struct limits *limits_new(void);
void limits_free(struct limits *l);

/*
 * Takes one. 0: it is within the limit; else how many times in a row it was
 * not, from 1, and from 1 again after 255. now_ms: any clock that does not go
 * back.
 */
unsigned limits_take(struct limits *l, const struct limit_key *key,
    const struct limit_rule *rule, uint64_t now_ms);
