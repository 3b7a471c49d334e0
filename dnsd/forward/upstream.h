// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * upstream - a server that is asked about names of others, as people write
 * it: 9.9.9.9, 10.0.0.53:5353, [2620:fe::fe]:53, tls://1.1.1.1#one.one.one.one.
 */
#include "dnsd/transport/address.h"

#include <stdbool.h>

struct upstream {
	struct address address;
	const char *tls_name; /* borrowed from the text; NULL: no TLS */
};

enum { UPSTREAM_TEXT_MAX = 64 + 1 + 256 };

/* -EINVAL: it is none. */
int upstream_parse(const char *text, struct upstream *ret_u);
/* The same for tables of options; `system` is one, too. */
bool upstream_is_one(const char *text);
bool upstream_is_system(const char *text);
/* NAME=UPSTREAM: of one zone; not `system`. */
bool upstream_zone_is_one(const char *text);
/* Of such a text: the upstream's. */
const char *upstream_of_zone(const char *text);

/* ADDRESS@PORT[#NAME], as unbound.conf(5) has it. */
void upstream_to_text(
    const struct upstream *u, char ret_text[UPSTREAM_TEXT_MAX]);

/* Would who asks u ask a server of ours at `listen`, an ADDRESS:PORT? */
bool upstream_is_listener(const struct upstream *u, const char *listen);
