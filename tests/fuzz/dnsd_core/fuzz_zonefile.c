// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any octets as a zone file. What is refused is refused with a place; what is
 * accepted is served: names of the zone and below them are asked for, and
 * ldns reads every response (reply_matches()).
 */
#include "dnsd/zonefile/zonefile.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/reply.h"
#include "tests/support/world.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NODES_MAX = 24, /* asked for */
	DIGITS_MAX = 3, /* of a number beside $GENERATE: thousands are slow */
	INPUT_MAX = 8192,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
const char *__lsan_default_suppressions(void);

/* ldns 1.8.3 loses two octets where CERT begins with what is no type. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libldns.so\n";
}

/* Made once for all inputs. */
static struct world *server;

static void end(void)
{
	world_free(server);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* ---- questions -------------------------------------------------------- */

static void ask(
    const uint8_t *name, size_t len, uint16_t type, enum transport via)
{
	uint8_t msg[WIRE_HEADER_LEN + WIRE_NAME_MAX + 4] = { 0, 1, 0, 0, 0, 1 };
	char reason[REPLY_REASON_MAX];
	uint8_t *p = msg + WIRE_HEADER_LEN;

	memcpy(p, name, len);
	p = wire_put16(p + len, type);
	p = wire_put16(p, CLASS_IN);
	world_handle(server, msg, (size_t)(p - msg), via);
	bool ok = reply_matches(msg, (size_t)(p - msg), server->response,
	    server->response_len, via, WORLD_UDP_MAX, reason);
	must(ok, reason);
}

/* The name as it is, and with a label before it. */
static void ask_about(const struct node *n, uint16_t type)
{
	uint8_t below[WIRE_NAME_MAX + 2] = { 1, 'x' };

	ask(n->name, n->name_len, type, VIA_UDP);
	ask(n->name, n->name_len, type, VIA_TCP);
	memcpy(below + 2, n->name, n->name_len);
	if (n->name_len + 2 <= WIRE_NAME_MAX)
		ask(below, n->name_len + 2u, type, VIA_UDP);
}

static void ask_node(const struct node *n)
{
	static const uint16_t types[] = { TYPE_A, TYPE_NS, TYPE_DS, TYPE_ANY,
		TYPE_CNAME, TYPE_SOA };
	const struct rrset *s = node_first(n);

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		ask_about(n, types[i]);
	for (unsigned i = 0; i < n->rrset_n; i++, s = rrset_next(s)) {
		struct rr rr;
		const uint8_t *at = s->records;

		for (unsigned k = 0; k < s->rr_n; k++)
			at = rr_read(s, at, &rr);
		must(at == s->records + s->len, "octets behind a set");
		/* transfers and their like are other questions */
		if (s->type < 249 || s->type > 255)
			ask_about(n, s->type);
	}
}

static void ask_all(const struct zone_image *m)
{
	unsigned n = 0;

	for (uint32_t i = 0; i <= m->mask && n < NODES_MAX; i++) {
		if (m->slot[i]) {
			ask_node(zone_image_at(m, (uint32_t)m->slot[i]));
			n++;
		}
	}
}

/* ---- one input -------------------------------------------------------- */

static void serve(struct zonefile *z)
{
	if (catalog_find_zone(server->catalog, &z->apex))
		return;
	struct zone *zone = zone_new(&z->apex, catalog_seed(server->catalog));
	struct zone_image *image = take_ptr(&z->image);

	(void)zone_set_image(zone, image);
	catalog_add_zone(server->catalog, zone);
	ask_all(image);
	catalog_remove_zone(server->catalog, zone);
	(void)reclaim_run(server->reclaim);
}

static bool is_slow(const char *text, size_t len)
{
	unsigned digits = 0, most = 0;

	for (size_t i = 0; i < len; i++) {
		digits = isdigit((unsigned char)text[i]) ? digits + 1 : 0;
		most = digits > most ? digits : most;
	}
	return strcasestr(text, "$GENERATE") && most > DIGITS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char file[] = "a.test.zone";
	struct diag diag = { "" };
	struct zonefile z;

	if (!server) {
		server = world_new("zone other.invalid\n");
		(void)atexit(end);
	}
	if (len > INPUT_MAX)
		return 0;
	scoped_free char *text = xmalloc(len + 1);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	if (is_slow(text, len))
		return 0;
	if (zonefile_read(file, text, len, catalog_seed(server->catalog), &z,
	        &diag) < 0) {
		must(!z.image, "an image of what is wrong");
		must(!strncmp(diag.text, file, sizeof(file) - 1) &&
		         diag.text[sizeof(file) - 1] == ':' &&
		         isdigit((unsigned char)diag.text[sizeof(file)]),
		    diag.text);
	} else {
		serve(&z);
	}
	zonefile_release(&z);
	return 0;
}
