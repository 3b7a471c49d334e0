// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * conflict - which services the static records of their zone hide, in whole
 * or in part: a record of the same name and type, a CNAME, a cut or a DNAME
 * on the way to it, another zone that has the name.
 *
 * Found for a service that is new and for a zone whose records are; told in
 * one line, with the first few names. Control thread.
 */
#include <stddef.h>

struct catalog;
struct service;
struct zone;

struct conflicts {
	const struct catalog *catalog; /* borrowed */
	unsigned n;
	char names[384]; /* "web.svc.internal. A, ..." of the first ones */
	size_t len;
};

/* Adds what is hidden of the service. */
void conflicts_add(struct conflicts *c, const struct service *s);
/* The same of the names by which the zone's services are browsed. */
void conflicts_add_browsing(struct conflicts *c, const struct zone *z);
/* And what is hidden by z itself, which lies below a zone with services. */
void conflicts_add_zone(struct conflicts *c, const struct zone *z);
/* The same of the names that its addresses have in a zone of such names. */
void conflicts_add_addresses(
    struct conflicts *c, const struct service *s, const struct zone *z);
/* A warning if there were any; none are left. */
void conflicts_report(struct conflicts *c);
