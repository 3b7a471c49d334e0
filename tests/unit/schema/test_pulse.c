// SPDX-License-Identifier: BSD-2-Clause
/* Whoever looks sees who is there, who hangs, and who has gone. */
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/pulse.h"
#include "tests/unit/schema/support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path_of(const struct fx *f)
{
	char *path = pulse_path_of_registrar(f->path, "a/b");

	assert_non_null(path);
	assert_non_null(strstr(path, ".registrar-a_b.lock"));
	return path;
}

static enum pulse_sign sign(const char *path, int pid, int64_t late_ms)
{
	struct pulse p;

	pulse_look(path, pid, clock_wall_ms() + late_ms, &p);
	return p.sign;
}

static void shows_who_is_there(void **state)
{
	const struct fx *f = *state;
	scoped_free char *path = path_of(f);
	int pid = (int)getpid(), fd, other;
	struct pulse p;

	assert_int_equal(sign(path, pid, 0), PULSE_UNKNOWN);
	assert_int_equal(pulse_take(path, &fd), 0);
	/* nobody's yet */
	assert_int_equal(sign(path, pid, 0), PULSE_UNKNOWN);
	pulse_tell(fd, "");
	assert_int_equal(sign(path, pid, 0), PULSE_BEATS);
	assert_int_equal(sign(path, pid, PULSE_SILENT_MS), PULSE_STALLED);
	const struct timespec old[2] = { { 5, 0 }, { 5, 0 } };
	assert_int_equal(futimens(fd, old), 0);
	assert_int_equal(sign(path, pid, 0), PULSE_STALLED);
	pulse_beat(fd);
	assert_int_equal(sign(path, pid, 0), PULSE_BEATS);
	/* a clock that went back */
	assert_int_equal(sign(path, pid, -100000), PULSE_BEATS);
	/* one that could make no file */
	assert_int_equal(sign(path, pid + 1, 0), PULSE_UNKNOWN);
	pulse_tell(fd, "it is locked\nbeats\n");
	pulse_look(path, pid, clock_wall_ms(), &p);
	assert_string_equal(p.trouble, "it is locked");
	pulse_tell(fd, "");
	pulse_look(path, pid, clock_wall_ms(), &p);
	assert_string_equal(p.trouble, "");
	assert_int_equal(pulse_pid(fd), pid);
	assert_int_equal(pulse_take(path, &other), -EWOULDBLOCK);
	assert_int_equal(close(other), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(sign(path, pid, 0), PULSE_GONE);
	pulse_tell(-1, "");
	pulse_beat(-1);
	assert_int_equal(unlink(path), 0);
}

/* Of an older version: it has the lock, and says its number alone. */
static void knows_less_of_what_does_not_beat(void **state)
{
	const struct fx *f = *state;
	scoped_free char *path = path_of(f);
	int fd;

	assert_int_equal(pulse_take(path, &fd), 0);
	assert_int_equal(pwrite(fd, "7\n", 2, 0), 2);
	assert_int_equal(sign(path, 7, 100000), PULSE_UNKNOWN);
	assert_int_equal(close(fd), 0);
	assert_int_equal(sign(path, 7, 0), PULSE_GONE);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    shows_who_is_there, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(
		    knows_less_of_what_does_not_beat, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
