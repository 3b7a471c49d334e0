// SPDX-License-Identifier: BSD-2-Clause
/* The index of the log is cut short while connections have it mapped. */
#include "tests/unit/schema/support.h"

#include <errno.h>

/* Without opening it: closing it would drop the locks of SQLite. */
static void cut_index(const struct fx *f, off_t len)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s-shm", f->path);
	assert_int_equal(truncate(path, len), 0);
}

static void reopen(struct fx *f, enum registry_access access)
{
	registry_close(f->r);
	f->r = fx_open(f, access);
}

static void fill(struct fx *f)
{
	registry_close(fx_open(f, REGISTRY_WRITE));
	fx_sql(f, "INSERT INTO service (name) VALUES ('web')");
}

static void a_reader_goes_on(void **state)
{
	struct fx *f = *state;
	int64_t revision;

	fill(f);
	f->r = fx_open(f, REGISTRY_READ);
	assert_int_equal(fx_revision(f->r), 1);
	for (int n = 0; n < 3; n++) {
		cut_index(f, 0);
		assert_int_equal(registry_revision(f->r, &revision), -ESTALE);
		/* once it was, it is for good */
		assert_int_equal(registry_read_begin(f->r, &f->err), -ESTALE);
		reopen(f, REGISTRY_READ);
		assert_int_equal(fx_revision(f->r), 1);
	}
}

static void nothing_is_committed(void **state)
{
	static const off_t lengths[] = { 0, 4096, 8192, 16384 };
	struct fx *f = *state;
	const struct service_row row = fx_service("api");
	const struct instance_row i = fx_instance("web", "i1");

	fill(f);
	for (size_t n = 0; n < sizeof(lengths) / sizeof(*lengths); n++) {
		reopen(f, REGISTRY_WRITE);
		fx_ok(f, registry_begin(f->r, 0, &f->err));
		fx_ok(f, registry_put_service(f->r, &row, &f->err));
		cut_index(f, lengths[n]);
		int error = registry_put_instance(f->r, &i, &f->err);
		if (error == 0)
			error = registry_commit(f->r, &f->err);
		registry_rollback(f->r);
		registry_close(f->r);
		f->r = NULL;
		/* all of it, or nothing */
		int64_t services = fx_number(f, "SELECT count(*) FROM service");
		if (error == 0) {
			assert_int_equal(services, 2);
			fx_sql(f, "DELETE FROM service WHERE name = 'api'");
		} else {
			assert_int_equal(error, -ESTALE);
			assert_in_range(services, 1, 2);
		}
		assert_int_equal(
		    fx_number(f, "SELECT 'ok' = (SELECT integrity_check "
		                 "FROM pragma_integrity_check)"),
		    1);
		fx_sql(f, "DELETE FROM service WHERE name = 'api'");
	}
	reopen(f, REGISTRY_WRITE);
	fx_ok(f, registry_put_service(f->r, &row, &f->err));
}

static void a_single_write(void **state)
{
	struct fx *f = *state;
	const struct service_row row = fx_service("api");

	fill(f);
	f->r = fx_open(f, REGISTRY_WRITE);
	cut_index(f, 0);
	assert_int_equal(registry_put_service(f->r, &row, &f->err), -ESTALE);
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service"), 1);
	reopen(f, REGISTRY_WRITE);
	fx_ok(f, registry_put_service(f->r, &row, &f->err));
	assert_int_equal(fx_number(f, "SELECT count(*) FROM service"), 2);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_reader_goes_on),
		TEST(nothing_is_committed),
		TEST(a_single_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
