// SPDX-License-Identifier: BSD-2-Clause
#include "schema/conf/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct sample {
	const char *registry;
	struct conf_strings zones;
	int workers;
	int log_level;
	bool check;
	const char *only_b;
};

static const char *const levels[] = { "error", "warn", "info", NULL };

#define AT(member) .offset = offsetof(struct sample, member)

enum { SCOPE_A = 1, SCOPE_B = 2 };

static const struct conf_field fields[] = {
	{ .key = "registry",
	    .kind = CONF_STRING,
	    .required = true,
	    .common = true,
	    .arg = "FILE",
	    .help = "The registry that says everything about services and is "
	            "described at length",
	    AT(registry) },
	{ .key = "zone",
	    .kind = CONF_STRINGS,
	    .arg = "NAME",
	    .help = "Zone",
	    AT(zones) },
	{ .key = "workers",
	    .kind = CONF_INT,
	    .low = 1,
	    .high = 64,
	    .fallback = "2",
	    .arg = "N",
	    .help = "Threads",
	    AT(workers) },
	{ .key = "log_level",
	    .kind = CONF_ENUM,
	    .names = levels,
	    .fallback = "info",
	    .common = true,
	    .arg = "LEVEL",
	    .help = "Least to log",
	    AT(log_level) },
	{ .key = "check", .kind = CONF_BOOL, .help = "Only check", AT(check) },
	{ .key = "only_b",
	    .kind = CONF_STRING,
	    .scope = SCOPE_B,
	    .arg = "X",
	    AT(only_b) },
	{ 0 },
};
static const struct conf_table table = {
	.what = "section 'prog'",
	.size = sizeof(struct sample),
	.fields = fields,
};
static const char *const usage[] = { "prog [--flags] [PATH ...]", NULL };
static const char *const others[] = { "friend", NULL };

struct fixture {
	struct arena *a;
	struct sample s;
	struct options_result result;
	struct diags d;
	char errors[4096];
	char path[64];
};

/* args: words separated by blanks; file: its text or NULL for none */
static int parse(struct fixture *f, const char *args, const char *file)
{
	struct options_spec spec = { .program = "prog",
		.usage = usage,
		.table = &table,
		.scope = SCOPE_A,
		.others = others,
		.rest_max = 1,
		.rest_name = "PATH",
		.file = "/nonexistent" };
	char *argv[32] = { 0 };
	int argc = 1;

	*f = (struct fixture){ .a = arena_new() };
	argv[0] = arena_strdup(f->a, "prog");
	if (file) {
		(void)snprintf(
		    f->path, sizeof(f->path), "%s", "/tmp/test_options.XXXXXX");
		int fd = mkstemp(f->path);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, file, strlen(file)), strlen(file));
		close(fd);
		spec.file = f->path;
	}
	for (char *w = strtok(arena_strdup(f->a, args), " "); w;
	     w = strtok(NULL, " "))
		argv[argc++] = w;
	int r = options_parse(&spec, argv, f->a, &f->s, &f->result, &f->d);

	FILE *all = fmemopen(f->errors, sizeof(f->errors), "w");
	size_t n = strlen(f->path);

	for (unsigned i = 0; i < f->d.n; i++) {
		const char *text = f->d.items[i].text;
		bool in_file = n && strncmp(text, f->path, n) == 0;

		(void)fprintf(all, "%s%s\n", in_file ? "FILE" : "",
		    in_file ? text + n : text);
	}
	(void)fclose(all);
	if (file)
		unlink(f->path);
	return r;
}

static void test_flags(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(parse(&f,
	                     "--registry r.db --zone a --zone=b "
	                     "--workers=7 --log-level warn --check p",
	                     NULL),
	    0);
	assert_string_equal(f.s.registry, "r.db");
	assert_int_equal(f.s.zones.n, 2);
	assert_string_equal(f.s.zones.items[0], "a");
	assert_string_equal(f.s.zones.items[1], "b");
	assert_int_equal(f.s.workers, 7);
	assert_int_equal(f.s.log_level, 1);
	assert_true(f.s.check);
	assert_int_equal(f.result.rest.n, 1);
	assert_string_equal(f.result.rest.items[0], "p");
	assert_null(f.result.config);
	arena_free(f.a);
}

static void test_precedence(void **state)
{
	static const char file[] =
	    "log_level: error\nregistry: top.db\nfriend: {anything: [goes]}\n"
	    "prog: {registry: section.db, zone: [x, y], workers: 3}\n";
	struct fixture f;

	(void)state;
	/* default < top < section */
	assert_int_equal(parse(&f, "", file), 0);
	assert_string_equal(f.s.registry, "section.db");
	assert_int_equal(f.s.log_level, 0);
	assert_int_equal(f.s.workers, 3);
	assert_int_equal(f.s.zones.n, 2);
	assert_non_null(f.result.config);
	arena_free(f.a);
	/* the flag wins, whole */
	assert_int_equal(
	    parse(&f, "--zone z --log-level info --registry f.db", file), 0);
	assert_string_equal(f.s.registry, "f.db");
	assert_int_equal(f.s.log_level, 2);
	assert_int_equal(f.s.zones.n, 1);
	assert_string_equal(f.s.zones.items[0], "z");
	arena_free(f.a);
	/* the order in the file does not matter */
	assert_int_equal(
	    parse(&f, "", "prog: {registry: s.db}\nregistry: top.db\n"), 0);
	assert_string_equal(f.s.registry, "s.db");
	arena_free(f.a);
}

static const struct {
	const char *args, *file, *errors;
} bad[] = {
	{ "", NULL, "--registry: found nothing, expected FILE\n" },
	{ "--registry", NULL,
	    "--registry: found nothing after it, expected FILE\n" },
	{ "--registry a --regsitry b", NULL,
	    "found '--regsitry', expected '--registry'\n" },
	{ "--registry a --log_level info", NULL,
	    "found '--log_level', expected '--log-level'\n" },
	{ "--registry a --xyzzy", NULL,
	    "found '--xyzzy', expected one of --config, --help, --version, "
	    "--registry, --zone, --workers, --log-level, --check\n" },
	{ "--registry a --only-b x", NULL,
	    "found '--only-b', expected one of --config, --help, --version, "
	    "--registry, --zone, --workers, --log-level, --check\n" },
	{ "--registry a -x", NULL,
	    "found '-x', expected one of --config, --help, --version, "
	    "--registry, --zone, --workers, --log-level, --check\n" },
	{ "--registry a --registry b", NULL,
	    "--registry: found 2 times, expected once\n" },
	{ "--registry a --workers 0 --log-level loud --check=maybe", NULL,
	    "--workers: found '0', expected a number from 1 to 64\n"
	    "--log-level: found 'loud', expected one of 'error', 'warn', "
	    "'info'\n"
	    "--check: found 'maybe', expected 'true' or 'false'\n" },
	{ "--registry a p q", NULL,
	    "found argument 'q', expected no more of them\n" },
	{ "--registry a --config /nonexistent/x", NULL,
	    "cannot open '/nonexistent/x': No such file or directory\n" },
	{ "--registry a --config /", NULL,
	    "cannot read '/': found no regular file, expected one\n" },
	{ "--registry a", "prog:\n  zoen: [x]\n  workers: 99\nlog_levle: info",
	    "FILE:4:1: found key 'log_levle' at the top, expected log_level\n"
	    "FILE:2:3: found key 'zoen' in section 'prog', expected 'zone'\n"
	    "FILE:3:12: found '99' for 'workers', expected a number from 1 to "
	    "64\n" },
	{ "--registry a", "zone: x",
	    "FILE:1:1: found key 'zone' at the top, expected one of prog, "
	    "friend, registry, log_level\n" },
	{ "--registry a", "prog: 3",
	    "FILE:1:7: found '3' for 'prog', expected a map\n" },
	{ "--registry a", "- x",
	    "FILE:1:1: found a list, expected a map of sections\n" },
	{ "--registry a", "registry: {",
	    "FILE:2:1: found malformed YAML (did not find expected node "
	    "content), expected well-formed YAML\n" },
};

static void test_errors(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(parse(&f, bad[i].args, bad[i].file), -EINVAL);
		assert_string_equal(f.errors, bad[i].errors);
		arena_free(f.a);
	}
}

static void test_other_ways_of_writing(void **state)
{
	struct fixture f;

	(void)state;
	/* keys out of this command's scope are fine in the shared file */
	assert_int_equal(parse(&f, "", "registry: a\nprog: {only_b: x}\n"), 0);
	assert_string_equal(f.s.only_b, "x");
	arena_free(f.a);
	assert_int_equal(parse(&f, "--registry -- -- --zone", NULL), 0);
	assert_string_equal(f.s.registry, "--");
	assert_string_equal(f.result.rest.items[0], "--zone");
	arena_free(f.a);
	assert_int_equal(parse(&f, "--registry a -", NULL), 0);
	assert_string_equal(f.result.rest.items[0], "-");
	arena_free(f.a);
	/* help and version ask for nothing else */
	assert_int_equal(parse(&f, "--help", NULL), 0);
	assert_int_equal(f.result.action, OPTIONS_HELP);
	arena_free(f.a);
	assert_int_equal(parse(&f, "-h", NULL), 0);
	assert_int_equal(f.result.action, OPTIONS_HELP);
	arena_free(f.a);
	assert_int_equal(parse(&f, "--version", NULL), 0);
	assert_int_equal(f.result.action, OPTIONS_VERSION);
	arena_free(f.a);
}

static void test_help(void **state)
{
	static const char expected[] =
	    "usage: prog [--flags] [PATH ...]\n"
	    "\n"
	    "It does one thing and says so in a sentence that is too long for "
	    "a single line\n"
	    "of eighty columns.\n"
	    "\n"
	    "  --registry FILE         The registry that says everything about "
	    "services and\n"
	    "                          is described at length\n"
	    "  --zone NAME             Zone; may be repeated\n"
	    "  --workers N             Threads (default: 2)\n"
	    "  --log-level LEVEL       Least to log (default: info)\n"
	    "  --check                 Only check\n"
	    "  --config FILE           Configuration; "
	    "/etc/rollcall/rollcall.yaml is read if\n"
	    "                          it exists\n"
	    "  --help                  Print this and exit\n"
	    "  --version               Print the version and exit\n";
	const struct options_spec spec = { .program = "prog",
		.usage = usage,
		.about = "It does one thing and says so in a sentence that is "
		         "too long for a single line of eighty columns.",
		.table = &table,
		.scope = SCOPE_A };
	char text[4096] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	options_print_help(f, &spec);
	(void)fclose(f);
	assert_string_equal(text, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_other_ways_of_writing),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
