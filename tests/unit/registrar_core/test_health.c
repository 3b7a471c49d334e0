// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/health/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* verdicts: . pass, w warn, x fail, + process there, - process gone */
static enum verdict verdict_of(char c)
{
	switch (c) {
	case '.':
		return VERDICT_PASS;
	case 'w':
		return VERDICT_WARN;
	case 'x':
		return VERDICT_FAIL;
	case '+':
		return VERDICT_ALIVE;
	default:
		return VERDICT_GONE;
	}
}

/* states: s starting, P passing, W warning, C critical, D dead */
static char letter_of(enum health h)
{
	static const char letters[HEALTH_N] = { [HEALTH_STARTING] = 's',
		[HEALTH_PASSING] = 'P',
		[HEALTH_WARNING] = 'W',
		[HEALTH_CRITICAL] = 'C',
		[HEALTH_DEAD] = 'D' };

	return letters[h];
}

static enum health health_of(char letter)
{
	for (int h = 0; h < HEALTH_N; h++) {
		if (letter_of((enum health)h) == letter)
			return (enum health)h;
	}
	fail_msg("no state has the letter %c", letter);
	return HEALTH_STARTING;
}

// clang-format off
static const struct {
	const char *why;
	unsigned rise, fall;
	const char *verdicts;
	const char *states; /* after each */
} cases[] = {
	{ "the first pass brings a fresh one in", 2, 3, ".", "P" },
	{ "the first warning brings it in as warning", 2, 3, "w", "W" },
	{ "a fresh one that fails is never in", 2, 3, "xxxx", "ssCC" },
	{ "failures before the first pass are a slow start", 2, 3, "xx.", "ssP" },
	{ "once critical it takes two", 2, 3, "xxx..", "ssCCP" },
	{ "falls on the third in a row, not the second", 2, 3, ".xx.xxx", "PPPPPPC" },
	{ "one success does not raise it, two in a row do", 2, 3, ".xxx.x..", "PPPCCCCP" },
	{ "thresholds of one follow every verdict", 1, 1, ".x.wx", "PCPWC" },
	{ "a warning counts against passing", 2, 3, ".www", "PPPW" },
	{ "one that comes and goes does not", 2, 3, ".ww.ww.", "PPPPPPP" },
	{ "warnings and fails mixed: no pass, but not all failed", 2, 3, ".wxw", "PPPW" },
	{ "from warning it falls after fails alone", 2, 3, "wxxwxxx", "WWWWWWC" },
	{ "from warning it rises after passes alone", 2, 3, "w.w..", "WWWWP" },
	{ "critical rises to warning first, if it warns", 2, 3, "xxx.w..", "ssCCWWP" },
	{ "a process that is gone is dead at once", 2, 3, ".-", "PD" },
	{ "found again it is there at once", 2, 3, "+-+", "PDP" },
	{ "no verdict of a check raises the dead", 2, 3, "-....", "DDDDD" },
};
// clang-format on

static void states_follow_verdicts(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		const struct thresholds th = { cases[n].rise, cases[n].fall };
		struct track t = { 0 };
		char seen[64] = "";

		for (size_t i = 0; cases[n].verdicts[i]; i++) {
			char was = letter_of(t.state);
			bool flipped = track_observe(
			    &t, &th, verdict_of(cases[n].verdicts[i]));

			seen[i] = letter_of(t.state);
			assert_int_equal(flipped, seen[i] != was);
		}
		if (strcmp(seen, cases[n].states) != 0) {
			fail_msg("%s: %s gave %s, expected %s", cases[n].why,
			    cases[n].verdicts, seen, cases[n].states);
		}
	}
}

// clang-format off
static const struct {
	const char *why;
	const char *before; /* verdicts before `left` was known */
	const char *after;
	char left; /* by the last run */
	char is;
} restores[] = {
	{ "a restart alone changes nothing", "", "", 'P', 'P' },
	{ "one fail after it is one fail", "", "x", 'P', 'P' },
	{ "the first pass decides for fresh ones only", "", ".", 'C', 'C' },
	{ "two passes raise it as ever", "", "..", 'C', 'P' },
	{ "a pass before the state was known is no first one", ".", "", 'C', 'C' },
	{ "but it counts", ".", ".", 'C', 'P' },
	{ "fails before count too", "xx", "x", 'P', 'C' },
	{ "three before are enough", "xxx", "", 'P', 'C' },
	{ "never checked stays so", "", "", 's', 's' },
};
// clang-format on

static void restart_is_no_verdict(void **state)
{
	const struct thresholds th = { 2, 3 };

	(void)state;
	for (size_t n = 0; n < sizeof(restores) / sizeof(restores[0]); n++) {
		struct track t = { 0 };

		for (const char *v = restores[n].before; *v; v++)
			(void)track_observe(&t, &th, verdict_of(*v));
		track_restore(&t, &th, health_of(restores[n].left));
		for (const char *v = restores[n].after; *v; v++)
			(void)track_observe(&t, &th, verdict_of(*v));
		if (letter_of(t.state) != restores[n].is) {
			fail_msg("%s: is %c, expected %c", restores[n].why,
			    letter_of(t.state), restores[n].is);
		}
	}
}

// clang-format off
static const struct {
	const char *why;
	const char *tracks;
	char was, is;
} combined[] = {
	{ "nothing is asked for, nothing is wrong", "", 's', 'P' },
	{ "the worst decides", "PWP", 'P', 'W' },
	{ "critical beats warning", "PWC", 'P', 'C' },
	{ "dead beats critical", "CDP", 'P', 'D' },
	{ "all must have spoken before it comes in", "Ps", 's', 's' },
	{ "all have", "PP", 's', 'P' },
	{ "bad news need not wait for the others", "sC", 's', 'C' },
	{ "a check added by an edit does not take it out", "Ps", 'P', 'P' },
	{ "nor does it bring it in", "Ps", 'C', 'C' },
	{ "it can get worse meanwhile", "Ws", 'P', 'W' },
	{ "and recovers when it has spoken", "PP", 'C', 'P' },
	{ "nobody has spoken: as it was", "ss", 'W', 'W' },
};
// clang-format on

static void worst_track_decides(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(combined) / sizeof(combined[0]); n++) {
		struct combination c = combine_begin();

		for (const char *t = combined[n].tracks; *t; t++)
			combine_add(&c, health_of(*t));
		enum health is = combine_end(&c, health_of(combined[n].was));

		if (letter_of(is) != combined[n].is) {
			fail_msg("%s: is %c, expected %c", combined[n].why,
			    letter_of(is), combined[n].is);
		}
	}
}

/* Did the last n verdicts all satisfy a test? */
static bool last(const char *seen, size_t len, size_t n, const char *any_of)
{
	if (len < n)
		return false;
	for (size_t i = len - n; i < len; i++) {
		if (!strchr(any_of, seen[i]))
			return false;
	}
	return true;
}

/*
 * Property: whatever the sequence, a track is left for critical only after
 * `fall` fails in a row and left for better only after `rise` in a row.
 */
static void no_flip_the_thresholds_forbid(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		const struct thresholds th = { 1 + (unsigned)round % 4,
			1 + (unsigned)round / 4 % 5 };
		struct track t = { 0 };
		char seen[64];

		for (size_t len = 0; len < sizeof(seen);) {
			seed = seed * 1664525 + 1013904223;
			seen[len] = ".wxx"[seed >> 30];
			enum health was = t.state;
			bool flipped =
			    track_observe(&t, &th, verdict_of(seen[len++]));

			if (!flipped || was == HEALTH_STARTING)
				continue;
			if (t.state == HEALTH_CRITICAL) {
				assert_true(last(seen, len, th.fall, "x"));
			} else if (t.state == HEALTH_PASSING) {
				assert_true(last(seen, len, th.rise, "."));
			} else if (was == HEALTH_CRITICAL) {
				assert_true(last(seen, len, th.rise, ".w"));
			} else {
				assert_true(last(seen, len, th.fall, "wx"));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_follow_verdicts),
		cmocka_unit_test(restart_is_no_verdict),
		cmocka_unit_test(worst_track_decides),
		cmocka_unit_test(no_flip_the_thresholds_forbid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
