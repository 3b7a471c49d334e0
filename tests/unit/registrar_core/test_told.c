// SPDX-License-Identifier: BSD-2-Clause
/* What casts doubt on a view, and what a refused text seems to be about. */
#include "registrar/definition/definition_guess.h"
#include "registrar/report/told.h"

#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { NOW_MS = 1000000000 };

static void guesses(void **state)
{
	static const struct {
		const char *why, *text, *names;
	} cases[] = {
		{ "YAML", "service: app7\nport: many\n", "[\"app7\"]" },
		{ "several, each once",
		    "services:\n  - service: a\n  - {service: \"b\"}\n"
		    "  - service:   'a'\n",
		    "[\"a\",\"b\"]" },
		{ "other keys are none",
		    "my_service: a\nservices: b\nname: c\nservice\n", "[]" },
		{ "Consul's JSON", "{\"service\": {\"name\": \"Web\"}}",
		    "[\"web\"]" },
		{ "no YAML at all", "service: app7\n\t} service: x \"",
		    "[\"app7\",\"x\"]" },
		{ "nothing", "", "[]" },
		{ "a name that is none",
		    "service: "
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaa\n",
		    "[]" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		char *names = definition_guess(cases[k].text);

		if (strcmp(names, cases[k].names) != 0)
			fail_msg("%s: %s", cases[k].why, names);
		free(names);
	}
}

static void is_about_what_it_names(void **state)
{
	static const struct {
		const char *file, *services, *service;
		bool about;
	} cases[] = {
		{ "/d/x.yaml", "[\"a\",\"app7\"]", "app7", true },
		{ "/d/x.yaml", "[\"a\",\"app7\"]", "app", false },
		{ "/d/x.yaml", "[\"a\",\"app7\"]", "pp7", false },
		{ "/d/app7.yaml", "[]", "app7", true },
		{ "/d/app7", "[]", "app7", true },
		{ "/d/app70.yaml", "[]", "app7", false },
		{ "/app7/x.yaml", "[]", "app7", false },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		const struct refused_row row = { .file = cases[k].file,
			.services = cases[k].services };

		if (told_is_about(&row, cases[k].service) != cases[k].about)
			fail_msg("%s %s", cases[k].file, cases[k].service);
	}
}

/*
 * One registrar (beat 0: it has ended), one refused definition, one dnsd: as
 * each case has them.
 */
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
static const struct telling {
	const char *why;
	int64_t beat, written, ended;
	bool gone;
	const char *trouble, *source, *zone, *service;
	const char *codes; /* of the lines */
	bool doubtful;
} tellings[] = {
	{ "all is well", NOW_MS, NOW_MS, 0, false, "", "registrar/h", "z", "b",
	    "", false },
	{ "silent", NOW_MS - REGISTRAR_SILENT_MS, NOW_MS, 0, false, "",
	    "registrar/h", "z", "b", "registrar-silent ", true },
	{ "stopped", 0, NOW_MS, 0, false, "", "registrar/h", "z", "b",
	    "registrar-silent ", true },
	{ "silent, but none of it is shown", 1, NOW_MS, 0, false, "", "command",
	    "z", "b", "", false },
	{ "another that never was", NOW_MS, NOW_MS, 0, false, "", "registrar/i",
	    "z", "b", "registrar-silent ", true },
	{ "refused", NOW_MS, NOW_MS, 0, false, "", "registrar/h", "z", "a",
	    "definition-refused ", true },
	{ "refused, among all", NOW_MS, NOW_MS, 0, false, "", "registrar/h",
	    "z", NULL, "definition-refused ", true },
	{ "another zone", NOW_MS, NOW_MS, 0, false, "", "registrar/h", "y", "b",
	    "zone-unserved ", true },
	{ "dnsd was killed", NOW_MS, NOW_MS, 0, true, "", "registrar/h", "z",
	    "b", "zone-unserved dnsd-silent ", true },
	{ "dnsd has ended", NOW_MS, NOW_MS, NOW_MS, false, "", "registrar/h",
	    "z", "b", "zone-unserved ", true },
	{ "dnsd is in trouble", NOW_MS, NOW_MS, 0, false, "locked",
	    "registrar/h", "z", "b", "dnsd-trouble ", true },
	{ "dnsd of long ago", NOW_MS, 1, 0, false, "", "registrar/h", "z", "b",
	    "dnsd-unknown ", false },
};

static void judges(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(tellings) / sizeof(*tellings); k++) {
		const struct telling *c = &tellings[k];
		struct registrar_row registrar = { .name = "h",
			.started_wall_ms = c->beat ? 1 : 0,
			.heartbeat_wall_ms = c->beat ? c->beat : NOW_MS,
			.last_error = "" };
		struct refused_row refused = { .source = "registrar/h",
			.file = "/d/a.yaml",
			.message = "/d/a.yaml:1:1: x\nmore",
			.services = "[]" };
		struct dnsd_status_zone zone = { .name = "z" };
		struct dnsd_status dnsd = { .pid = 1,
			.written_wall_ms = c->written,
			.ended_wall_ms = c->ended,
			.gone = c->gone,
			.addresses = { "a:53" },
			.address_n = 1,
			.trouble = c->trouble,
			.zones = &zone,
			.zone_n = 1 };
		struct told t = { .arena = arena_new(),
			.now_wall_ms = NOW_MS,
			.registrars = &registrar,
			.refused = &refused,
			.dnsd = &dnsd,
			.registrar_n = 1,
			.refused_n = 1,
			.dnsd_n = 1 };
		const struct told_scope scope = { .sources = &c->source,
			.zones = &c->zone,
			.source_n = 1,
			.zone_n = 1,
			.service = c->service };
		char codes[256] = "";

		told_judge(&t, &scope);
		for (unsigned n = 0; n < t.line_n; n++) {
			size_t len = strlen(codes);

			(void)snprintf(codes + len, sizeof(codes) - len, "%s ",
			    told_code_name(t.lines[n].code));
		}
		if (strcmp(codes, c->codes) != 0 || t.doubtful != c->doubtful)
			fail_msg("%s: %s", c->why, codes);
		arena_free(t.arena);
	}
}

/* The pulse is known within a second, the row after 12. */
static void hears_by_the_pulse(void **state)
{
	static const struct {
		int64_t started, beat;
		enum pulse_sign sign;
		const char *trouble, *state, *line;
	} cases[] = {
		{ 1, NOW_MS, PULSE_BEATS, "", "heard", NULL },
		{ 1, NOW_MS, PULSE_UNKNOWN, "", "heard", NULL },
		{ 1, NOW_MS - REGISTRAR_SILENT_MS, PULSE_UNKNOWN, "", "silent",
		    "registrar h last heard 12s ago: states may be old" },
		{ 1, NOW_MS - 3000, PULSE_GONE, "", "gone",
		    "registrar h last heard 3s ago: states may be old; its "
		    "process is gone" },
		{ 1, NOW_MS - 3000, PULSE_STALLED, "", "stalled",
		    "registrar h last heard 2s ago: states may be old; it "
		    "hangs" },
		{ 1, NOW_MS, PULSE_BEATS, "it is locked", "blocked",
		    "registrar h cannot write the registry: states may be old; "
		    "it is locked" },
		{ 0, NOW_MS - 4000, PULSE_GONE, "", "ended",
		    "registrar h ended 4s ago: states may be old" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct registrar_row row = { .name = "h",
			.started_wall_ms = cases[k].started,
			.heartbeat_wall_ms = cases[k].beat,
			.last_error = "" };
		struct pulse pulse = { .sign = cases[k].sign };
		struct dnsd_status dnsd = { .addresses = { "a:53" },
			.address_n = 1,
			.written_wall_ms = NOW_MS,
			.trouble = "" };
		const char *source = "registrar/h";
		const struct told_scope scope = { .sources = &source,
			.source_n = 1 };
		struct told t = { .arena = arena_new(),
			.now_wall_ms = NOW_MS,
			.registrars = &row,
			.pulses = &pulse,
			.dnsd = &dnsd,
			.registrar_n = 1,
			.dnsd_n = 1 };

		if (pulse.sign == PULSE_STALLED)
			pulse.beat_wall_ms = NOW_MS - 2000;
		(void)snprintf(pulse.trouble, sizeof(pulse.trouble), "%s",
		    cases[k].trouble);
		told_judge(&t, &scope);
		assert_string_equal(
		    told_registrar_state(&t, 0), cases[k].state);
		assert_int_equal(t.line_n, cases[k].line ? 1 : 0);
		if (cases[k].line)
			assert_string_equal(t.lines[0].text, cases[k].line);
		arena_free(t.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses),
		cmocka_unit_test(is_about_what_it_names),
		cmocka_unit_test(judges),
		cmocka_unit_test(hears_by_the_pulse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
