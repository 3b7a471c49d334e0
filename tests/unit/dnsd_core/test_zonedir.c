// SPDX-License-Identifier: BSD-2-Clause
/*
 * A directory of zone files while it changes: which file's zone is served.
 */
#include "dnsd/message/data/catalog.h"
#include "dnsd/options.h"
#include "dnsd/zonefile/apex.h"
#include "dnsd/zonefile/zonedir.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 60000, SEED = 3 };

struct site {
	char path[64];
	struct options options;
	struct event_base *base;
	struct reclaim *reclaim;
	struct catalog *catalog;
	struct zonedir *zonedir;
};

static void run(const struct site *s, const char *command)
{
	scoped_free char *line =
	    xasprintf("cd '%s' && { %s; }", s->path, command);

	// NOLINTNEXTLINE(cert-env33-c): commands of our own making
	assert_int_equal(system(line), 0);
}

/* A version of a zone, written aside and moved into place. */
static void put(
    const struct site *s, const char *file, const char *origin, unsigned serial)
{
	scoped_free char *path = xasprintf("%s/aside", s->path);
	scoped_free char *move = xasprintf("mv aside %s", file);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fprintf(f,
	    "$ORIGIN %s.\n$TTL 60\n@ SOA ns h %u 2 3 4 5\n@ NS ns\n"
	    "ns A 192.0.2.1\n",
	    origin, serial);
	(void)fclose(f);
	run(s, move);
}

static int set_up(void **state)
{
	struct site *s = xcalloc(1, sizeof(*s));

	(void)snprintf(s->path, sizeof(s->path), "/tmp/test-zonedir-XXXXXX");
	if (!mkdtemp(s->path))
		return -1;
	s->options.zone_directory = s->path;
	s->base = event_base_new();
	s->reclaim = reclaim_new(1);
	s->catalog = catalog_new(SEED, s->reclaim);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct site *s = *state;
	scoped_free char *command = xasprintf("rm -rf '%s'", s->path);

	zonedir_free(s->zonedir);
	catalog_free(s->catalog);
	reclaim_free(s->reclaim);
	event_base_free(s->base);
	free(s);
	return system(command); // NOLINT(cert-env33-c): of our own making
}

static void start(struct site *s)
{
	s->zonedir = zonedir_new(s->base, &s->options, s->catalog);
}

static struct zone *zone_named(const struct site *s, const char *name)
{
	struct dname n;

	assert_true(dname_from_text(&n, name));
	return catalog_find_zone(s->catalog, &n);
}

/* 0: the zone is not served. */
static unsigned serial_of(const struct site *s, const char *name)
{
	const struct zone *z = zone_named(s, name);

	return z ? zone_image(z)->serial : 0;
}

/* Runs the loop until the zone has that serial. */
static void wait_serial(struct site *s, const char *name, unsigned serial)
{
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (serial_of(s, name) != serial) {
		if (clock_mono_ms() > end_ms) {
			fail_msg("%s has serial %u, expected %u", name,
			    serial_of(s, name), serial);
		}
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		(void)reclaim_run(s->reclaim);
		usleep(1000);
	}
}

static void test_comes_and_goes(void **state)
{
	struct site *s = *state;

	put(s, "a.test.zone", "a.test", 1);
	start(s); /* waits for what is there */
	assert_int_equal(serial_of(s, "a.test"), 1);
	put(s, "a.test.zone", "a.test", 2);
	wait_serial(s, "a.test", 2);
	put(s, "b.test.zone", "b.test", 1);
	wait_serial(s, "b.test", 1);
	run(s, "rm a.test.zone");
	wait_serial(s, "a.test", 0);
	assert_int_equal(serial_of(s, "b.test"), 1);
}

static void test_last_good_version(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	start(s);
	put(s, "b.zone", "b.test", 1); /* a sign that a look has ended */
	run(s, "echo 'x A' >a.zone");
	wait_serial(s, "b.test", 1);
	run(s, ": >a.zone");
	put(s, "b.zone", "b.test", 2);
	wait_serial(s, "b.test", 2);
	assert_int_equal(serial_of(s, "a.test"), 1);
	put(s, "a.zone", "a.test", 3);
	wait_serial(s, "a.test", 3);
	/* nothing that could be a file */
	run(s, "rm a.zone; mkdir a.zone; ln -s nowhere c.zone; mkfifo d.zone");
	put(s, "b.zone", "b.test", 3);
	wait_serial(s, "b.test", 3);
	assert_int_equal(serial_of(s, "a.test"), 3);
	/* not even the directory; an empty one would be news, for a moment */
	run(s, "mv \"$PWD\" \"$PWD.away\"");
	zonedir_look(s->zonedir);
	for (unsigned i = 0; i < 100; i++) {
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(serial_of(s, "a.test"), 3);
	scoped_free char *back =
	    xasprintf("mv '%s.away' '%s'", s->path, s->path);
	// NOLINTNEXTLINE(cert-env33-c): of our own making
	assert_int_equal(system(back), 0);
	put(s, "b.zone", "b.test", 4);
	zonedir_look(s->zonedir);
	wait_serial(s, "b.test", 4);
}

/* Two files, one zone: the second waits, and has it when the first goes. */
static void test_waits(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	start(s);
	put(s, "b.zone", "a.test", 2);
	put(s, "c.zone", "c.test", 1);
	wait_serial(s, "c.test", 1);
	assert_int_equal(serial_of(s, "a.test"), 1);
	/* it waits with what it read last */
	put(s, "b.zone", "a.test", 3);
	put(s, "c.zone", "c.test", 2);
	wait_serial(s, "c.test", 2);
	const struct zone *z = zone_named(s, "a.test");
	run(s, "rm a.zone");
	wait_serial(s, "a.test", 3);
	assert_ptr_equal(zone_named(s, "a.test"), z); /* without a gap */
	/* the first one again, as the second */
	put(s, "a.zone", "a.test", 4);
	put(s, "c.zone", "c.test", 3);
	wait_serial(s, "c.test", 3);
	assert_int_equal(serial_of(s, "a.test"), 3);
	/* or when the other says another zone */
	put(s, "b.zone", "b.test", 5);
	wait_serial(s, "a.test", 4);
	wait_serial(s, "b.test", 5);
	/* who waits and is removed has nothing to come back with */
	put(s, "c.zone", "a.test", 6);
	put(s, "d.zone", "d.test", 1);
	wait_serial(s, "d.test", 1);
	wait_serial(s, "c.test", 3); /* c.zone keeps what it had */
	run(s, "rm c.zone");
	wait_serial(s, "c.test", 0);
	run(s, "rm a.zone");
	wait_serial(s, "a.test", 0);
}

static void test_renamed(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	put(s, "b.zone", "b.test", 1);
	start(s);
	const struct zone *z = zone_named(s, "a.test");
	run(s, "mv a.zone z.zone");
	put(s, "b.zone", "b.test", 2);
	wait_serial(s, "b.test", 2);
	assert_ptr_equal(zone_named(s, "a.test"), z); /* without a gap */
	put(s, "z.zone", "a.test", 3);
	wait_serial(s, "a.test", 3);
	/* two files swap their zones */
	run(s, "mv b.zone t; mv z.zone b.zone; mv t z.zone");
	put(s, "d.zone", "d.test", 1);
	wait_serial(s, "d.test", 1);
	assert_int_equal(serial_of(s, "a.test"), 3);
	assert_int_equal(serial_of(s, "b.test"), 2);
	run(s, "rm b.zone"); /* which has a.test now */
	wait_serial(s, "a.test", 0);
	assert_int_equal(serial_of(s, "b.test"), 2);
}

/* A file named after one zone, and then after another. */
static void test_zone_changes(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	start(s);
	put(s, "a.zone", "b.test", 2);
	wait_serial(s, "b.test", 2);
	wait_serial(s, "a.test", 0);
}

/* A zone of services has SOA and NS of its own where no file says them. */
static void test_zone_of_services(void **state)
{
	struct site *s = *state;
	struct zone *z;
	struct diag diag;

	s->options.ttl_ms = s->options.negative_ttl_ms = 2000;
	assert_int_equal(apex_zone(&s->options, "svc.test",
	                     catalog_seed(s->catalog), &z, &diag),
	    0);
	catalog_add_zone(s->catalog, z);
	put(s, "svc.zone", "svc.test", 9);
	start(s);
	assert_int_equal(serial_of(s, "svc.test"), 9);
	run(s, "rm svc.zone");
	wait_serial(s, "svc.test", 0);
	assert_ptr_equal(zone_named(s, "svc.test"), z);
	assert_int_equal(zone_image(z)->negative_ttl_s, 2);
	put(s, "svc.zone", "svc.test", 10);
	wait_serial(s, "svc.test", 10);
}

/* In other directories, and links to whole directories. */
static void test_includes(void **state)
{
	struct site *s = *state;

	run(s, "mkdir -p sub/deep; echo 'x A 192.0.2.1' >sub/deep/inc;"
	       "printf '$TTL 60\\n$ORIGIN a.test.\\n$INCLUDE sub/soa\\n"
	       "@ NS ns\\n$INCLUDE sub/deep/inc\\n' >a.zone;"
	       "echo '@ SOA ns h 1 2 3 4 5' >sub/soa");
	start(s);
	assert_int_equal(serial_of(s, "a.test"), 1);
	run(s, "echo '@ SOA ns h 2 2 3 4 5' >sub/soa");
	wait_serial(s, "a.test", 2);
	run(s, "echo '@ SOA ns h 3 2 3 4 5' >sub/new; mv sub/new sub/soa");
	wait_serial(s, "a.test", 3);
	/* the whole directory */
	run(s, "cp -r sub sub2; echo '@ SOA ns h 4 2 3 4 5' >sub2/soa;"
	       "mv sub was; mv sub2 sub");
	wait_serial(s, "a.test", 4);
	run(s, "echo '@ SOA ns h 5 2 3 4 5' >sub/soa");
	wait_serial(s, "a.test", 5);
	/* what is missing is waited for */
	run(s, "rm -r sub");
	put(s, "b.zone", "b.test", 1);
	wait_serial(s, "b.test", 1);
	assert_int_equal(serial_of(s, "a.test"), 5);
	run(s, "mv was sub; echo '@ SOA ns h 6 2 3 4 5' >sub/soa");
	wait_serial(s, "a.test", 6);
}

/* Many at once, and what is wrong among them. */
static void test_many(void **state)
{
	enum { FILES = 200 };
	struct site *s = *state;

	start(s);
	for (unsigned i = 0; i < FILES; i++) {
		scoped_free char *file = xasprintf("z%u.zone", i);
		scoped_free char *name = xasprintf("z%u.test", i);

		put(s, file, name, i + 1);
	}
	for (unsigned i = 0; i < FILES; i++) {
		scoped_free char *name = xasprintf("z%u.test", i);

		wait_serial(s, name, i + 1);
	}
	run(s, "rm z?.zone z??.zone");
	wait_serial(s, "z99.test", 0);
	wait_serial(s, "z199.test", 200);
	wait_serial(s, "z0.test", 0);
}

/* Lets news be taken up for some time. */
static void run_loop(struct site *s, int64_t for_ms)
{
	int64_t end_ms = clock_mono_ms() + for_ms;

	while (clock_mono_ms() < end_ms) {
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		(void)reclaim_run(s->reclaim);
		usleep(1000);
	}
}

/* What is no zone file harms itself alone, whichever comes first. */
static void test_odd_entries(void **state)
{
	static const char *const odd[] = {
		"mkdir o.zone",
		"mkfifo o.zone",
		"ln -s nowhere o.zone",
		"ln -s o.zone o.zone",
		"ln -s /etc/hostname o.zone",
		"mkdir sub; echo '$INCLUDE sub' >o.zone",
		"mkfifo pipe; echo '$INCLUDE pipe' >o.zone",
		"echo '$INCLUDE /dev/zero' >o.zone",
		"ln -s / sub; echo '$INCLUDE sub/dev/zero' >o.zone",
		": >x..y.zone",
		": >$(printf 'x%.0s' $(seq 70)).zone",
		"truncate -s 200G o.zone",
		": >o.zone; chmod 0 o.zone",
	};
	struct site *s = *state;
	unsigned serial = 1;

	put(s, "a.zone", "a.test", serial);
	start(s);
	for (unsigned i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		print_message("%s\n", odd[i]);
		run(s, odd[i]);
		put(s, "a.zone", "a.test", ++serial);
		put(s, "b.zone", "b.test", serial);
		wait_serial(s, "b.test", serial);
		assert_int_equal(serial_of(s, "a.test"), serial);
		/* sooner than what is written to without end would take */
		run(s, "rm b.zone");
		wait_serial(s, "b.test", 0);
		run(s, "rm -rf o.zone sub pipe x*.zone");
	}
}

/* Files that are never at rest hold up no removal for ever. */
static void test_written_without_end(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	put(s, "b.zone", "b.test", 1);
	start(s);
	run(s, "for i in $(seq 3000); do [ -e b.zone ] || break;"
	       "echo ';' >>b.zone; sleep 0.01; done &"
	       "sleep 0.2; rm a.zone");
	wait_serial(s, "a.test", 0);
	assert_int_equal(serial_of(s, "b.test"), 1);
	run(s, "rm b.zone");
	wait_serial(s, "b.test", 0);
}

/* As editors save: the old version goes first, the new one takes its time. */
static void test_renamed_with_pauses(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	start(s);
	run(s, "{ mv a.zone a.zone~; sleep 0.1; : >a.zone; sleep 0.1;"
	       "sed 's/ns h 1/ns h 2/' a.zone~ >a.zone; } & :");
	while (serial_of(s, "a.test") != 2) {
		assert_int_equal(serial_of(s, "a.test"), 1);
		run_loop(s, 1);
	}
	run(s, "{ mv a.zone t; sleep 0.2; mv t a.zone; sleep 0.2;"
	       "mv a.zone t; sleep 0.2; mv t a.zone; } & :");
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(serial_of(s, "a.test"), 2);
		run_loop(s, 1);
	}
	put(s, "a.zone", "a.test", 3);
	wait_serial(s, "a.test", 3);
}

/* A file system that is no longer mounted leaves an empty directory. */
static void test_directory_replaced(void **state)
{
	struct site *s = *state;

	put(s, "a.zone", "a.test", 1);
	put(s, "b.zone", "b.test", 1);
	start(s);
	run(s, "mv \"$PWD\" \"$PWD.away\"; mkdir \"$PWD\"");
	zonedir_look(s->zonedir);
	run_loop(s, 1500);
	assert_int_equal(serial_of(s, "a.test"), 1);
	/* with a file in it, it is what it says it is */
	put(s, "a.zone", "a.test", 2);
	zonedir_look(s->zonedir);
	wait_serial(s, "a.test", 2);
	wait_serial(s, "b.test", 0);
	run(s, "rm a.zone; rm -r \"$PWD.away\"");
	wait_serial(s, "a.test", 0); /* by hand */
}

static void test_many_removed(void **state)
{
	enum { FILES = 5000 };
	struct site *s = *state;

	run(s, "for i in $(seq 5000); do printf "
	       "'@ 60 SOA ns h 1 2 3 4 5\\n@ 60 NS ns.x.\\n' >z$i.test.zone;"
	       "done");
	start(s);
	assert_int_equal(serial_of(s, "z5000.test"), 1);
	run(s, "rm z*.zone");
	for (unsigned i = 1; i <= FILES; i++) {
		scoped_free char *name = xasprintf("z%u.test", i);

		wait_serial(s, name, 0);
	}
}

static void test_check(void **state)
{
	struct site *s = *state;
	struct diag diag;

	assert_int_equal(zonedir_check(&s->options, &diag), 0);
	put(s, "a.zone", "a.test", 1);
	assert_int_equal(zonedir_check(&s->options, &diag), 0);
	run(s, "echo x >b.zone; echo y >c.zone");
	assert_int_equal(zonedir_check(&s->options, &diag), 2);
	put(s, "b.zone", "a.test", 1); /* which is another file's */
	put(s, "c.zone", "c.test", 1);
	assert_int_equal(zonedir_check(&s->options, &diag), 1);
	s->options.zone_directory = "/nonexistent";
	assert_true(zonedir_check(&s->options, &diag) < 0);
	assert_non_null(strstr(diag.text, "cannot read zones '/nonexistent'"));
	s->options.zone_directory = s->path;
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comes_and_goes),
		TEST(last_good_version),
		TEST(waits),
		TEST(renamed),
		TEST(zone_changes),
		TEST(zone_of_services),
		TEST(includes),
		TEST(many),
		TEST(odd_entries),
		TEST(written_without_end),
		TEST(renamed_with_pauses),
		TEST(directory_replaced),
		TEST(many_removed),
		TEST(check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
