// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/lib/wall.h"

#include "schema/conf/units.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define DAY_MS 86400000

const char *wall_text(struct arena *a, int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000);
	char text[64] = "";
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		return arena_printf(a, "%lld ms", (long long)wall_ms);
	return arena_strdup(a, text);
}

const char *wall_age(struct arena *a, int64_t ms)
{
	static const struct {
		int64_t s;
		char unit, next;
		int64_t next_s;
	} units[] = {
		{ 86400, 'd', 'h', 3600 },
		{ 3600, 'h', 'm', 60 },
		{ 60, 'm', 's', 1 },
	};
	int64_t s = ms > 0 ? ms / 1000 : 0; /* clocks may differ */

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		int64_t rest = s % units[i].s / units[i].next_s;

		if (s < units[i].s)
			continue;
		if (!rest) {
			return arena_printf(a, "%lld%c",
			    (long long)(s / units[i].s), units[i].unit);
		}
		return arena_printf(a, "%lld%c%lld%c",
		    (long long)(s / units[i].s), units[i].unit, (long long)rest,
		    units[i].next);
	}
	return arena_printf(a, "%llds", (long long)s);
}

const char *wall_since(
    struct arena *a, int64_t now_wall_ms, int64_t then_wall_ms)
{
	int64_t ms;

	if (__builtin_sub_overflow(now_wall_ms, then_wall_ms, &ms))
		ms = now_wall_ms > then_wall_ms ? INT64_MAX : 0;
	return wall_age(a, ms);
}

int wall_parse(const char *text, int64_t now_wall_ms, int64_t *ret_wall_ms)
{
	static const struct {
		const char *format;
		bool today; /* it names no day */
	} forms[] = {
		{ "%Y-%m-%dT%H:%M:%S", false },
		{ "%Y-%m-%d %H:%M:%S", false },
		{ "%Y-%m-%dT%H:%M", false },
		{ "%Y-%m-%d %H:%M", false },
		{ "%Y-%m-%d", false },
		{ "%H:%M:%S", true },
		{ "%H:%M", true },
	};
	int64_t ms;

	if (units_duration(text, &ms) == 0) {
		*ret_wall_ms = now_wall_ms - ms;
		return 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { .tm_year = 70, .tm_mday = 1 };
		const char *end = strptime(text, forms[i].format, &tm);

		if (!end ||
		    (*end && strcmp(end, "Z") != 0 && strcmp(end, " UTC") != 0))
			continue;
		ms = (int64_t)timegm(&tm) * 1000;
		if (forms[i].today)
			ms += now_wall_ms - now_wall_ms % DAY_MS;
		*ret_wall_ms = ms;
		return 0;
	}
	return -EINVAL;
}
