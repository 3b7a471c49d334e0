// SPDX-License-Identifier: BSD-2-Clause
/* service.mesh, certificates that were issued, names that are revoked. */
#include "schema/mesh.h"
#include "tests/unit/schema/support.h"

#include <errno.h>

static void mesh_is_a_change_and_has_owners(void **state)
{
	struct fx *f = *state;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f, "INSERT INTO service (name, port) VALUES ('web', 80)");
	int64_t revision = fx_revision(f->r);

	fx_sql(f, "UPDATE service SET mesh = '{\"user\":\"app\"}'");
	assert_int_equal(fx_revision(f->r), revision + 1);
	fx_sql(f, "UPDATE service SET mesh = '{\"user\":\"app\"}'");
	assert_int_equal(fx_revision(f->r), revision + 1);
	assert_int_not_equal(
	    fx_try_sql(f, "UPDATE service SET mesh = '[]'"), SQLITE_OK);
	assert_int_not_equal(
	    fx_try_sql(f, "UPDATE service SET mesh = 'x'"), SQLITE_OK);
	/* what a lower one says is the row; what the other said waits */
	fx_sql(f, "INSERT INTO service_claim (name, port, source, mesh) VALUES "
	          "('web', 80, 'aaa', '{\"user\":\"low\"}')");
	assert_int_equal(
	    fx_number(f, "SELECT mesh = '{\"user\":\"low\"}' FROM service"), 1);
	assert_int_equal(fx_number(f, "SELECT says = 'mesh {\"user\":\"app\"}' "
	                              "FROM disagreement"),
	    1);
	fx_sql(f, "DELETE FROM service_claim WHERE source = 'aaa'");
	assert_int_equal(
	    fx_number(f, "SELECT mesh = '{\"user\":\"app\"}' FROM service"), 1);
}

static void count(void *arg, const struct mesh_certificate_row *row)
{
	unsigned *n = arg;

	assert_string_equal(row->service, "web");
	assert_string_equal(row->serial, *n ? "0a" : "0b");
	(*n)++;
}

static void certificates_are_kept(void **state)
{
	struct fx *f = *state;
	struct mesh_certificate_row row = { "0a", "svc.test", "web", "i1",
		"uid 1, pid 2", 1000, 2000 };
	unsigned n = 0;

	f->r = fx_open(f, REGISTRY_WRITE);
	assert_int_equal(registry_put_mesh_certificate(f->r, &row, &f->err), 0);
	/* the same serial twice */
	assert_int_equal(
	    registry_put_mesh_certificate(f->r, &row, &f->err), -EINVAL);
	row.serial = "0b";
	row.until_wall_ms = INT64_C(32503680000000);
	assert_int_equal(registry_put_mesh_certificate(f->r, &row, &f->err), 0);
	assert_int_equal(
	    registry_read_mesh_certificates(f->r, 9, count, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_int_not_equal(
	    fx_try_sql(f, "UPDATE mesh_certificate SET service = 'other'"),
	    SQLITE_OK);
	assert_int_not_equal(
	    fx_try_sql(f, "DELETE FROM mesh_certificate"), SQLITE_OK);
	assert_int_equal(
	    registry_prune_mesh_certificates(f->r, 3000, 9, &f->err), 0);
	assert_int_equal(
	    fx_number(f, "SELECT count(*) FROM mesh_certificate"), 1);
}

static void revocation_is_a_change(void **state)
{
	struct fx *f = *state;
	bool is = true;

	f->r = fx_open(f, REGISTRY_WRITE);
	fx_sql(f, "INSERT INTO service (zone, name, port) "
	          "VALUES ('svc.test', 'web', 80)");
	int64_t revision = fx_revision(f->r);

	assert_int_equal(
	    registry_is_mesh_revoked(f->r, "svc.test", "web", &is, &f->err), 0);
	assert_false(is);
	assert_int_equal(
	    registry_withdraw_mesh_revoked(f->r, "svc.test", "web", &f->err),
	    -ENOENT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(registry_put_mesh_revoked(f->r, "svc.test",
		                     "web", "alice", "stolen", 1, &f->err),
		    0);
		assert_int_equal(fx_revision(f->r), revision + 1);
	}
	assert_int_equal(
	    registry_is_mesh_revoked(f->r, "svc.test", "web", &is, &f->err), 0);
	assert_true(is);
	assert_int_equal(
	    registry_withdraw_mesh_revoked(f->r, "svc.test", "web", &f->err),
	    0);
	assert_int_equal(fx_revision(f->r), revision + 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mesh_is_a_change_and_has_owners),
		TEST(certificates_are_kept),
		TEST(revocation_is_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
