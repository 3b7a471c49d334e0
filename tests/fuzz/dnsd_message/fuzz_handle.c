// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any octets as a request to a small server: the first one says by which
 * transport, and what the server asks of its clients; the rest is the
 * message. ldns reads every response, and what holds for all of them is
 * checked (reply_matches()).
 */
#include "tests/support/reply.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char text[] =
    "zone svc.test\n"
    "record text 60 TXT \"a-b\"\n"
    "record a.empty 60 A 192.0.2.99\n"
    "record *.wild 60 A 192.0.2.98\n"
    "record alias 60 CNAME web\n"
    "record loop 60 CNAME loop\n"
    "record there 60 DNAME eu.svc.test.\n"
    "record sub 60 NS ns.sub\n"
    "record sub 60 NS ns.elsewhere.\n"
    "record ns.sub 60 AAAA 2001:db8::99\n"
    "record mx 60 MX 10 mail\n"
    "record mail 60 A 192.0.2.97\n"
    "service web port 8080 max 0\n"
    "meta version 2.3.1\n"
    "tag all\n"
    "instance i1 192.0.2.1 weight 10\n"
    "meta rack r1\n"
    "tag v2\n"
    "instance i2 192.0.2.2 six 2001:db8::2 weight 20 port 9090\n"
    "instance i3 2001:db8::3 priority 1 weight 30\n"
    "instance i4 192.0.2.4 health critical\n"
    "service dns protocol udp port 53\n"
    "instance u1 192.0.2.31 mode draining\n"
    "service krb protocol udp port 88 name kdc\n"
    "port 88\n"
    "port 749 name admin\n"
    "tag v2\n"
    "instance k1 192.0.2.51\n"
    "port 750 name admin\n"
    "service down empty nxdomain\n"
    "instance x1 192.0.2.41 health critical\n"
    "zone eu.svc.test negative 9\n"
    "service web\n"
    "instance e1 192.0.2.111\n"
    "instance e2 192.0.2.1\n"
    "zone 192.in-addr.arpa\n"
    "record * 60 PTR wild.test.\n"
    "record 9.2.0 60 PTR static.test.\n"
    "zone 8.b.d.0.1.0.0.2.ip6.arpa\n";

/* Too many for UDP, in both families. */
static void add_big(struct world *w)
{
	char big[100 * 96] = "zone svc.test\nservice big max 0\n";

	for (unsigned i = 0; i < 100; i++) {
		size_t len = strlen(big);

		(void)snprintf(big + len, sizeof(big) - len,
		    "instance i%u 10.0.0.%u six 2001:db8::%x weight %u\n", i, i,
		    i, i % 5);
	}
	world_add(w, big);
}

/* Made once for all inputs. */
static struct world *server;

static void end(void)
{
	world_free(server);
}

static void begin(void)
{
	server = world_new(text);
	add_big(server);
	(void)atexit(end);
}

enum { STREAM = 1, COOKIES = 2, REQUIRED = 4, LIMITS = 8 };

/* The policy that the first octet of an input asks for. */
static void guard(uint8_t how)
{
	struct policy *p = &server->policy;
	uint32_t rate = how & LIMITS ? 3 : 0;

	p->cookies = how & REQUIRED  ? COOKIES_REQUIRE
	             : how & COOKIES ? COOKIES_ON
	                             : COOKIES_OFF;
	p->secrets.n = 2;
	for (unsigned i = 0; i < RESPONSE_CLASSES; i++)
		p->responses[i] = (struct limit_rule){ rate, rate, 2 };
	p->queries = (struct limit_rule){ 10 * rate, 10 * rate, 0 };
	p->slip = 2;
	p->prefixes = (struct network_prefixes){ 24, 56 };
	p->watches = rate > 0;
	/* some are within the limits, some are not */
	server->handler->screen.now_mono_ms += 50;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char reason[REPLY_REASON_MAX];

	if (!server)
		begin();
	if (!len || len > WIRE_MESSAGE_MAX)
		return 0;
	enum transport via = data[0] & STREAM ? VIA_TCP : VIA_UDP;
	/* draws depend on the input alone */
	rng_seed_fixed(&server->handler->responder.rng, len);
	guard(data[0]);
	world_handle(server, data + 1, len - 1, via);
	if (data[0] & LIMITS && !server->response_len)
		return 0; /* dropped */
	if (!reply_matches(data + 1, len - 1, server->response,
	        server->response_len, via, WORLD_UDP_MAX, reason)) {
		(void)fprintf(stderr, "%s\n", reason);
		abort();
	}
	return 0;
}
