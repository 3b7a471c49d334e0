// SPDX-License-Identifier: BSD-2-Clause
#include "schema/label.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *s, size_t len, size_t max)
{
	if (len < 1 || len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_letter_or_digit(s[i]) && s[i] != '-')
			return false;
	}
	return s[0] != '-' && s[len - 1] != '-';
}

bool label_is_valid(const char *s, size_t max)
{
	return is_label(s, strlen(s), max);
}

bool label_is_service(const char *s)
{
	return label_is_valid(s, LABEL_SERVICE_MAX);
}

bool label_is_instance(const char *s)
{
	return label_is_valid(s, LABEL_MAX) && strcmp(s, "tag") != 0 &&
	       strcmp(s, "zone") != 0;
}

bool label_is_zone(const char *s)
{
	if (strlen(s) > ZONE_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(s, ".");

		if (!is_label(s, len, LABEL_MAX))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

/* C0, DEL, and C1 as UTF-8 has them: c2 80 to c2 9f. */
bool label_fits(const char *instance, const char *service, const char *protocol,
    const char *zone)
{
	return strlen(instance) + strlen(service) + strlen(protocol) +
	           strlen(zone) <=
	       NAME_LABELS_MAX;
}

bool label_is_tag(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	for (; *p; p++) {
		if (*p < 0x20 || *p == 0x7f ||
		    (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return false;
	}
	return *s && strlen(s) <= TAG_MAX;
}

bool label_is_ipv4(const char *s)
{
	struct in_addr address;

	return inet_pton(AF_INET, s, &address) == 1;
}

bool label_is_ipv6(const char *s)
{
	struct in6_addr address;

	return s[strspn(s, "0123456789abcdef:")] == '\0' &&
	       inet_pton(AF_INET6, s, &address) == 1;
}
