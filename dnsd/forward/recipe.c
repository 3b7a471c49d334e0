// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/forward/recipe.h"

#include "dnsd/forward/upstream.h"
#include "dnsd/message/wire/dname.h"
#include "dnsd/options.h"
#include "schema/base/scoped.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Special names that libunbound 1.17 does not keep here by itself, as it does
 * those of RFC 6303, 6761, 7686 and 8375: .alt, and what RFC 9462 asks of the
 * resolver itself.
 */
static const char *const kept[] = { "alt.", "resolver.arpa." };

/* What others are shown of the name; NULL: it is none. */
static bool to_name(const char *text, char ret_name[DNAME_TEXT_MAX])
{
	struct dname name;

	if (!dname_from_text(&name, text))
		return false;
	dname_to_text(name.lower, ret_name);
	/* quotes are what strings end with there */
	return !strpbrk(ret_name, "\"\\");
}

static bool is_released(const struct options *o, const char *name)
{
	char other[DNAME_TEXT_MAX];

	for (unsigned i = 0; i < o->special_names_out.n; i++) {
		if (to_name(o->special_names_out.items[i], other) &&
		    strcmp(name, other) == 0)
			return true;
	}
	return false;
}

/*
 * A server is dead when it has been waited for as long as DEAD_MS in vain, is
 * left alone for as long as it is remembered, and then one question finds out
 * whether it is back. libunbound expects of a server that answers after 1.5 s
 * 2.7 times that at first, which has to be less. One that is not known is
 * waited for until another can be asked, or, where there is no other, nearly
 * as long as clients wait (forward.h).
 */
static void put_patience(
    FILE *f, const struct options *o, const struct conf_strings *upstreams)
{
	enum { DEAD_MS = 4000, UNKNOWN_MS = 400, ALONE_MS = 1300 };

	(void)fprintf(f,
	    "\tinfra-cache-max-rtt: %d\n"
	    "\tinfra-cache-min-rtt: 50\n"
	    "\tunknown-server-time-limit: %d\n"
	    "\tinfra-keep-probing: yes\n"
	    "\tinfra-host-ttl: %d\n",
	    DEAD_MS, upstreams->n == 1 ? ALONE_MS : UNKNOWN_MS,
	    o->recursion ? 15 : 7);
}

static void put_cache(FILE *f, const struct options *o)
{
	(void)fprintf(f,
	    "\tmsg-cache-size: 16m\n"
	    "\trrset-cache-size: 32m\n"
	    "\tprefetch: yes\n"
	    "\tcache-min-ttl: %" PRId64 "\n"
	    "\tcache-max-ttl: %" PRId64 "\n"
	    "\tcache-max-negative-ttl: %" PRId64 "\n",
	    o->outside_min_ttl_ms / 1000, o->outside_max_ttl_ms / 1000,
	    (o->outside_max_ttl_ms < 3600000 ? o->outside_max_ttl_ms
	                                     : 3600000) /
	        1000);
	if (!o->serve_stale_ms)
		return;
	(void)fprintf(f,
	    "\tserve-expired: yes\n"
	    "\tserve-expired-ttl: %" PRId64 "\n"
	    "\tserve-expired-reply-ttl: %d\n"
	    "\tserve-expired-client-timeout: 1500\n",
	    o->serve_stale_ms / 1000, RECIPE_STALE_MARK_S);
}

static void put_validation(FILE *f, const struct options *o)
{
	char name[DNAME_TEXT_MAX];

	(void)fprintf(f, "\tmodule-config: \"%siterator\"\n",
	    o->validation ? "validator " : "");
	if (!o->validation)
		return;
	(void)fprintf(f, "\ttrust-anchor-file: \"%s\"\n", o->trust_anchor);
	for (unsigned i = 0; i < o->negative_trust_anchors.n; i++) {
		if (to_name(o->negative_trust_anchors.items[i], name))
			(void)fprintf(f, "\tdomain-insecure: \"%s\"\n", name);
	}
	for (unsigned i = 0; i < o->zones.n; i++) {
		if (to_name(o->zones.items[i], name))
			(void)fprintf(f, "\tdomain-insecure: \"%s\"\n", name);
	}
}

static void put_special_names(FILE *f, const struct options *o)
{
	char name[DNAME_TEXT_MAX];

	for (unsigned i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (is_released(o, kept[i]))
			continue;
		(void)fprintf(f,
		    "\tlocal-zone: \"%s\" static\n"
		    "\tlocal-data: \"%s 10800 IN SOA localhost. "
		    "nobody.invalid. 1 3600 1200 604800 10800\"\n",
		    kept[i], kept[i]);
	}
	for (unsigned i = 0; i < o->special_names_out.n; i++) {
		if (to_name(o->special_names_out.items[i], name)) {
			(void)fprintf(
			    f, "\tlocal-zone: \"%s\" nodefault\n", name);
		}
	}
}

/* One over TLS is reached through a port of bridge.h, the n-th of them. */
static void put_upstream(FILE *f, const char *server, unsigned *tls_n)
{
	char text[UPSTREAM_TEXT_MAX];
	struct upstream u;

	if (upstream_parse(server, &u) < 0)
		return;
	upstream_to_text(&u, text);
	if (u.tls_name) {
		(void)fprintf(f,
		    "\n#tls %s\n"
		    "\tforward-addr: \"127.0.0.1@{tls %u}\"\n",
		    text, (*tls_n)++);
	} else {
		(void)fprintf(f, "\tforward-addr: \"%s\"\n", text);
	}
}

static bool is_tls(const char *server)
{
	struct upstream u;

	return upstream_parse(server, &u) == 0 && u.tls_name;
}

static void put_upstreams(
    FILE *f, const struct conf_strings *upstreams, unsigned *tls_n)
{
	if (!upstreams->n)
		return;
	(void)fprintf(f, "forward-zone:\n\tname: \".\"\n");
	if (is_tls(upstreams->items[0]))
		(void)fprintf(f, "\tforward-tcp-upstream: yes\n");
	for (unsigned i = 0; i < upstreams->n; i++)
		put_upstream(f, upstreams->items[i], tls_n);
}

static bool zone_name(const char *text, char ret_name[DNAME_TEXT_MAX])
{
	char own[DNAME_TEXT_MAX];
	size_t len = strcspn(text, "=");

	if (len >= sizeof(own))
		return false;
	memcpy(own, text, len);
	own[len] = '\0';
	return to_name(own, ret_name);
}

/* Was it the name of one before? Then it is there already. */
static bool is_repeated(const struct conf_strings *zones, unsigned i)
{
	char name[DNAME_TEXT_MAX], other[DNAME_TEXT_MAX];

	if (!zone_name(zones->items[i], name))
		return true;
	for (unsigned k = 0; k < i; k++) {
		if (zone_name(zones->items[k], other) &&
		    strcmp(name, other) == 0)
			return true;
	}
	return false;
}

/* They are nobody's business but their servers', and are seldom signed. */
static void put_upstream_zones(
    FILE *f, const struct options *o, unsigned *tls_n)
{
	const struct conf_strings *zones = &o->upstream_zones;
	char name[DNAME_TEXT_MAX], other[DNAME_TEXT_MAX];

	for (unsigned i = 0; i < zones->n; i++) {
		if (is_repeated(zones, i) || !zone_name(zones->items[i], name))
			continue;
		(void)fprintf(f,
		    "server:\n"
		    "\tdomain-insecure: \"%s\"\n"
		    "\tlocal-zone: \"%s\" transparent\n"
		    "forward-zone:\n\tname: \"%s\"\n",
		    name, name, name);
		if (is_tls(upstream_of_zone(zones->items[i])))
			(void)fprintf(f, "\tforward-tcp-upstream: yes\n");
		for (unsigned k = i; k < zones->n; k++) {
			if (zone_name(zones->items[k], other) &&
			    strcmp(name, other) == 0) {
				put_upstream(f,
				    upstream_of_zone(zones->items[k]), tls_n);
			}
		}
	}
}

char *recipe_text(const struct options *o, const struct conf_strings *upstreams)
{
	char *text = NULL;
	unsigned tls_n = 0;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort(); /* out of memory */
	(void)fprintf(f, "#ca %s\n", o->upstream_ca);
	(void)fprintf(f, "server:\n"
	                 "\tverbosity: 0\n"
	                 "\tdo-not-query-localhost: no\n"
	                 "\toutgoing-range: 512\n"
	                 "\toutgoing-num-tcp: 32\n"
	                 "\tnum-queries-per-thread: 2048\n"
	                 "\tedns-buffer-size: 1232\n"
	                 "\tuse-caps-for-id: yes\n");
	if (o->root_hints)
		(void)fprintf(f, "\troot-hints: \"%s\"\n", o->root_hints);
	put_patience(f, o, upstreams);
	put_cache(f, o);
	put_validation(f, o);
	put_special_names(f, o);
	put_upstreams(f, upstreams, &tls_n);
	put_upstream_zones(f, o, &tls_n);
	if (fclose(f) != 0)
		abort(); /* out of memory */
	return text;
}
