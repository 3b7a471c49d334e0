// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * label - the rules for names and addresses in the registry.
 *
 * The database enforces the same rules by its constraints (a test holds the
 * two together); these are for those who want to say so with file and line.
 * Labels are those of RFC 1035 2.3.1 as relaxed by RFC 1123 2.1, in lower
 * case: a leading digit is allowed, nothing but letters, digits and hyphens.
 * Pure functions; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

/* A service gets '_' before them: one octet less than 63. */
#define LABEL_SERVICE_MAX 62
#define LABEL_MAX 63
/* Leaves room for I._S._P before it in the 255 octets of a name. */
#define ZONE_MAX 120

/* What is expected, for messages. */
#define LABEL_SERVICE_RULE "1..62 of a-z 0-9 '-', no '-' at either end"
#define LABEL_RULE "1..63 of a-z 0-9 '-', no '-' at either end"
#define LABEL_INSTANCE_RULE LABEL_RULE ", not tag or zone"
#define ZONE_RULE                                                              \
	"lower case labels joined by dots, at most 120 octets, no final dot"

/* A label of at most max octets: localities take LABEL_MAX. */
bool label_is_valid(const char *s, size_t max);
/* Services; protocols ("tcp") obey the same rule and are at most 15. */
bool label_is_service(const char *s);
/* As label_is_valid; "tag" and "zone" stand in T.tag.S.Z and L.zone.S.Z. */
bool label_is_instance(const char *s);
bool label_is_zone(const char *s);

/* Of the four parts of I._S._P.Z together: 255 octets, less dots and `_`. */
#define NAME_LABELS_MAX 248
/* What is expected of one that does not fit, for messages. */
#define LABELS_RULE "one with which I._S._P.Z is at most 255 octets"
bool label_fits(const char *instance, const char *service, const char *protocol,
    const char *zone);

#define TAG_MAX 512
/* Octets of the JSON of all tags, of all metadata. */
#define TAGS_MAX_LEN 4096
#define META_MAX_LEN 16384
#define TAG_RULE "1..512 octets without control characters"

/* Any text that prints; only tags that are labels become names. */
bool label_is_tag(const char *s);

#define ADDRESS_RULE "an IPv4 address or an IPv6 address in lower case"

/* Four numbers without leading zeros: one spelling for each address. */
bool label_is_ipv4(const char *s);
/* Lower case hex without a dotted tail ("::ffff:192.0.2.1"). */
bool label_is_ipv6(const char *s);
