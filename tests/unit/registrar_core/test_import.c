// SPDX-License-Identifier: BSD-2-Clause
/* JSON lines in, rows out; a wrong line is named, and the others imported. */
#include "registrar/exchange/import.h"
#include "schema/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka.h needs these before it */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define Z "svc.internal"

struct fx {
	char dir[64];
	char db[96];
	char lines[96];
	struct diag err;
	struct diags errs;
	struct import_result result;
};

/* The text of the first problem is in f->err. */
static int import_into(
    struct fx *f, const char *db, const char *zone, const char *file)
{
	const struct import_config c = { .registry = db,
		.zone = zone,
		.address = "127.0.0.1",
		.file = file,
		.format = FORMAT_AUTO };
	int error = import_run(&c, &f->result, &f->errs);

	f->err = f->errs.items[0];
	return error;
}

static int setup(void **state)
{
	struct fx *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/import-test-XXXXXX");
	if (!mkdtemp(f->dir)) {
		free(f);
		return -1;
	}
	(void)snprintf(f->db, sizeof(f->db), "%s/r.db", f->dir);
	(void)snprintf(f->lines, sizeof(f->lines), "%s/in", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fx *f = *state;
	char path[128];

	(void)unlink(f->lines);
	(void)unlink(f->db);
	(void)snprintf(path, sizeof(path), "%s-wal", f->db);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s-shm", f->db);
	(void)unlink(path);
	int r = rmdir(f->dir);
	free(f);
	return r;
}

static int import_len(struct fx *f, const char *text, size_t len)
{
	FILE *out = fopen(f->lines, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
	return import_into(f, f->db, Z, f->lines);
}

static int import_text(struct fx *f, const char *text)
{
	return import_len(f, text, strlen(text));
}

/* "web/tcp/-1(i1@10.0.0.1:80*5 ...) " */
static void show_service(void *arg, const struct service_row *s)
{
	char *end = strchr(arg, '\0');

	end += sprintf(end, "%s/%s/%d", s->name, s->protocol, s->ttl_s);
	if (s->port_name)
		end += sprintf(end, " %s", s->port_name);
	(void)sprintf(end, "%s(", s->ports ? s->ports : "");
}

static void show_instance(void *arg, const struct instance_row *i)
{
	char *end = strchr(arg, '\0');

	(void)sprintf(end, "%s@%s+%s:%d%s*%d!%d%s%s%s ", i->name, i->address,
	    i->address6 ? i->address6 : "", i->port, i->ports ? i->ports : "",
	    i->weight, i->priority, i->tags, i->meta, health_name(i->health));
}

static void show_done(void *arg)
{
	(void)sprintf(strchr(arg, '\0'), ") ");
}

static void assert_registry(struct fx *f, const char *expected)
{
	char text[2048] = "";
	struct registry_visitor v = { show_service, show_instance, show_done,
		text, NULL };
	struct registry *r = NULL;
	unsigned n = 0;

	assert_int_equal(registry_open(f->db, REGISTRY_READ, &r, &f->err), 0);
	assert_int_equal(registry_read_page(r, &(struct registry_key){ 0 }, 100,
	                     &v, &n, &f->err),
	    0);
	registry_close(r);
	assert_string_equal(text, expected);
}

static void imports_all_keys(void **state)
{
	struct fx *f = *state;

	assert_int_equal(
	    import_text(f,
	        "{\"service\":\"web\",\"id\":\"i-1\",\"address\":\"10.0.0.1\","
	        "\"port\":80,\"weight\":5,\"priority\":2}\n"
	        "\n"
	        " {\"address6\":\"fd00::1\", \"id\" : \"i-2\",\"address\":"
	        "\"10.0.0.2\",\"service\":\"web\",\"tags\":[\"v2\"],"
	        "\"meta\":{\"k\":\"v\\u00e4\"}} \r\n"
	        "{\"service\":\"api\",\"id\":\"a\",\"address\":\"::1\","
	        "\"protocol\":\"udp\",\"ttl\":7}"),
	    0);
	assert_int_equal(f->result.instances_n, 3);
	assert_int_equal(f->result.changes_n, 5);
	assert_registry(f,
	    "api/udp/7(a@::1+:-1*100!0[]{}passing ) "
	    "web/tcp/-1(i-1@10.0.0.1+:80*5!2[]{}passing "
	    "i-2@10.0.0.2+fd00::1:-1*100!0[\"v2\"]{\"k\":\"v\xc3\xa4\"}"
	    "passing ) ");
}

static void again_is_no_change(void **state)
{
	static const char line[] =
	    "{\"service\":\"web\",\"id\":\"i-1\",\"address\":\"10.0.0.1\","
	    "\"port\":80,\"tags\":[\"a\",\"b\"],\"meta\":{\"z\":\"1\","
	    "\"a\":\"2\"}}\n";
	struct fx *f = *state;
	struct registry *r = NULL;

	assert_int_equal(import_text(f, line), 0);
	assert_int_equal(f->result.changes_n, 2);
	assert_int_equal(import_text(f, line), 0);
	assert_int_equal(f->result.instances_n, 1);
	assert_int_equal(f->result.changes_n, 0);

	/* nor does it undo a verdict */
	assert_int_equal(registry_open(f->db, REGISTRY_WRITE, &r, &f->err), 0);
	assert_int_equal(registry_put_health(r, Z, "web", "i-1",
	                     HEALTH_CRITICAL, "down", 5, &f->err),
	    0);
	registry_close(r);
	assert_int_equal(import_text(f, line), 0);
	assert_int_equal(f->result.changes_n, 0);
}

static void leaves_a_service_of_others(void **state)
{
	struct fx *f = *state;
	struct registry *r = NULL;
	struct service_row s = { .zone = Z,
		.name = "web",
		.protocol = "udp",
		.port = 53,
		.ttl_s = 9,
		.max_answers = ROW_DEFAULT,
		.on_empty = ON_EMPTY_ALL,
		.tags = "[]",
		.meta = "{}",
		.source = "registrar/h",
		.definition = "web.yaml" };

	assert_int_equal(registry_open(f->db, REGISTRY_WRITE, &r, &f->err), 0);
	assert_int_equal(registry_put_service(r, &s, &f->err), 0);
	registry_close(r);
	assert_int_equal(
	    import_text(f,
	        "{\"service\":\"web\",\"id\":\"i\",\"address\":\"10.0.0.1\"}"),
	    0);
	assert_int_equal(f->result.changes_n, 1);
	assert_registry(f, "web/udp/9(i@10.0.0.1+:-1*100!0[]{}passing ) ");
}

#define PORTS(n) "[{\"name\":\"grpc\",\"port\":" n ",\"protocol\":\"tcp\"}]"
#define LINE(id, n)                                                            \
	"{\"service\":\"web\",\"id\":\"" id                                    \
	"\",\"address\":\"10.0.0.1\",\"port\":80,\"port_name\":\"http\","      \
	"\"ports\":" PORTS(n) "}\n"

/* Each line has the numbers of its instance, whatever the others say. */
static void imports_ports(void **state)
{
	struct fx *f = *state;

	assert_int_equal(import_text(f, LINE("a", "90") LINE("b", "91")), 0);
	assert_registry(f,
	    "web/tcp/-1 http" PORTS("90") "(a@10.0.0.1+:80" PORTS(
	        "90") "*100!0[]{}passing b@10.0.0.1+:80" PORTS("91") "*100!0[]"
	                                                             "{}passing "
	                                                             ") ");
}

#define OK1 "{\"service\":\"web\",\"id\":\"ok\",\"address\":\"10.0.0.1\"}\n"
#define OK1_ROW "web/tcp/-1(ok@10.0.0.1+:-1*100!0[]{}passing ) "
#define HEAD "{\"service\":\"web\",\"id\":\"i\",\"address\":\"10.0.0.1\","

#define OK2 "{\"service\":\"web\",\"id\":\"i\",\"address\":\"10.0.0.1\"}"

static const struct {
	const char *why, *line, *place, *message;
} wrong[] = {
	{ "not JSON", "nonsense", ":2:1: found nonsense, ",
	    "expected a JSON object" },
	{ "cut short", "{\"service\":\"web\"",
	    ":2:17: found the end of the line, ", "expected ',' or '}'" },
	{ "cut in a value", "{\"service\":\"web", ":2:12: found \"web, ",
	    "expected a closing quote" },
	{ "cut after an escape", "{\"service\":\"web\\", ":2:12: ", "quote" },
	{ "no value", "{\"service\":", ":2:12: found service the end",
	    "expected 1..62" },
	{ "no colon", "{\"service\" \"web\"}", ":2:12: found \"web\", ",
	    "expected ':'" },
	{ "a comma too many", HEAD "}", ":2:48: ", "expected a key in quotes" },
	{ "another value", "[1]", ":2:1: found [1], ",
	    "expected a JSON object" },
	{ "two values on a line", OK2 " {}", ":2:49: found {, ",
	    "expected one object on each line" },
	{ "nothing in it", "{}", ":2:1: ", "found no key \"service\"" },
	{ "no id", "{\"service\":\"web\",\"address\":\"10.0.0.1\"}",
	    ":2:1: ", "found no key \"id\", expected it: 1..63" },
	{ "a name that the port has not elsewhere", HEAD "\"port_name\":\"x\"}",
	    ":2:60: found another port_name than in the line before, ",
	    "the same in all lines of service 'web'" },
	{ "ports that there are not elsewhere",
	    HEAD "\"ports\":[{\"name\":\"x\",\"port\":1}]}",
	    ":2:56: found another list of ports than in the line before, ",
	    "the same in all lines of service 'web'" },
	{ "ports that are none", HEAD "\"ports\":1}", ":2:56: found ports 1",
	    "expected an array of ports" },
	{ "port too large", HEAD "\"port\":70000}", ":2:55: found port 70000, ",
	    "expected an integer 1..65535" },
	{ "port far too large", HEAD "\"port\":99999999999}",
	    ":2:55: ", "expected an integer 1..65535" },
	{ "port as text", HEAD " \"port\" : \"80\"}",
	    ":2:58: found port \"80\", ", "expected an integer 1..65535" },
	{ "port as fraction", HEAD "\"port\":80.0}", ":2:55: ", "expected an" },
	{ "weight null", HEAD "\"weight\":null}", ":2:57: found weight null, ",
	    "expected an integer 0..65535" },
	{ "negative priority", HEAD "\"priority\":-1}",
	    ":2:59: ", "expected an integer 0..65535" },
	{ "unknown key", HEAD "\"prot\":\"tcp\"}", ":2:48: found key \"prot\"",
	    "expected one of service, id, address, port" },
	{ "the same key twice", HEAD "\"id\":\"j\"}",
	    ":2:48: ", "found key \"id\" again" },
	{ "service name",
	    "{\"service\":\"Web\",\"id\":\"i\",\"address\":\"::\"}",
	    ":2:12: found service \"Web\"", "expected 1..62 of a-z" },
	{ "reserved id",
	    "{\"service\":\"w\",\"id\":\"tag\",\"address\":\"::\"}",
	    ":2:21: found id \"tag\"", "not tag or zone" },
	{ "address", "{\"service\":\"w\",\"id\":\"i\",\"address\":\"10.0.0\"}",
	    ":2:35: ", "expected an IPv4 address" },
	{ "IPv4 as the second", HEAD "\"address6\":\"10.0.0.2\"}",
	    ":2:59: ", "expected an IPv6 address" },
	{ "two IPv6",
	    "{\"service\":\"w\",\"id\":\"i\",\"address\":\"::1\","
	    "\"address6\":\"::2\"}",
	    ":2:1: ", "instance.address must be IPv4" },
	{ "tag with a line end", HEAD "\"tags\":[\"a\\n\"]}",
	    ":2:1: ", "tags must be different texts" },
	{ "meta of numbers", HEAD "\"meta\":{\"a\":1}}",
	    ":2:1: ", "meta must be strings" },
	{ "tags as text", HEAD "\"tags\":\"v2\"}",
	    ":2:55: ", "expected an array of texts" },
	{ "another protocol", HEAD "\"protocol\":\"udp\"}",
	    ":2:59: ", "found another protocol than in the line before" },
	{ "another ttl", HEAD "\"ttl\":9}", ":2:54: ", "found another ttl" },
	{ "NUL in a name", "{\"service\":\"w\\u0000\"}",
	    ":2:12: ", "expected 1..62" },
	{ "control character", "{\"service\":\"w\tx\"}",
	    ":2:12: ", "expected 1..62" },
	{ "not UTF-8", "{\"service\":\"\xff\"}", ":2:12: ", "expected 1..62" },
	{ "leading zero", HEAD "\"port\":080}", ":2:55: ", "an integer" },
	{ "minus alone", HEAD "\"port\":-}", ":2:55: ", "an integer" },
	{ "tags not closed", HEAD "\"tags\":[\"]\"}", ":2:55: ", "an array" },
	{ "tags closed wrongly", HEAD "\"tags\":[\"a\"}}",
	    ":2:55: ", "an array" },
};

static void names_what_is_wrong(void **state)
{
	struct fx *f = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[512], place[160];

		(void)snprintf(text, sizeof(text), OK1 "%s\n", wrong[i].line);
		(void)snprintf(
		    place, sizeof(place), "%s%s", f->lines, wrong[i].place);
		if (import_text(f, text) != -EINVAL)
			fail_msg("%s: imported", wrong[i].why);
		if (strncmp(f->err.text, place, strlen(place)) != 0 ||
		    !strstr(f->err.text, wrong[i].message))
			fail_msg("%s: %s", wrong[i].why, f->err.text);
		assert_registry(f, OK1_ROW);
	}
}

/* Lines are put several at a time; the count and the place stay exact. */
static void many_lines(void **state)
{
	struct fx *f = *state;
	char text[4096] = "", place[160];

	for (int i = 1; i <= 21; i++) {
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len,
		    "{\"service\":\"s%d\",\"id\":\"i%d\",\"address\":"
		    "\"10.0.0.%d\",\"tags\":[\"a\"]}\n",
		    i / 3, i, i);
	}
	assert_int_equal(import_text(f, text), 0);
	assert_int_equal(f->result.instances_n, 21);
	assert_int_equal(f->result.changes_n, 21 + 8);

	char *tag = strstr(strstr(text, "i13"), "\"a\"");
	tag[1] = '\x7f';
	assert_int_equal(import_text(f, text), -EINVAL);
	(void)snprintf(place, sizeof(place), "%s:13:1: tags must", f->lines);
	assert_int_equal(strncmp(f->err.text, place, strlen(place)), 0);
}

/* Each of them, in the order of the lines. */
static void tells_every_problem(void **state)
{
	static const char *const expected[] = {
		":2:48: found key \"prot\"",
		":3:1: meta must be strings",
		(":4:23: found 'web/ok' a second time, expected it once (first "
		 "in line 1)"),
		":5:55: found port 0",
	};
	struct fx *f = *state;

	assert_int_equal(import_text(f, OK1 HEAD
	                     "\"prot\":1}\n" HEAD
	                     "\"meta\":{\"a\":1}}\n" OK1 HEAD "\"port\":0}\n"),
	    -EINVAL);
	assert_int_equal(f->errs.n, 4);
	assert_int_equal(f->result.refused_n, 4);
	assert_int_equal(f->result.instances_n, 1);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const char *text = f->errs.items[i].text;

		if (strncmp(text, f->lines, strlen(f->lines)) != 0 ||
		    strncmp(text + strlen(f->lines), expected[i],
		        strlen(expected[i])) != 0)
			fail_msg("%zu: %s", i, text);
	}
	assert_registry(f, OK1_ROW);
}

/* Of a file that is no import at all not a million lines are told of. */
static void gives_up(void **state)
{
	struct fx *f = *state;
	char text[4096] = OK1;

	for (size_t at = strlen(OK1); at + 16 < sizeof(text); at += 8)
		memcpy(text + at, "rubbish\n", 9);
	assert_int_equal(import_text(f, text), -EINVAL);
	assert_int_equal(f->errs.n, DIAGS_MAX);
	assert_int_equal(f->errs.more, 1);
	assert_registry(f, "");
}

static void files_that_fail(void **state)
{
	struct fx *f = *state;

	assert_int_equal(import_into(f, f->db, Z, "/nonexistent"), -ENOENT);
	assert_non_null(strstr(f->err.text, "cannot open '/nonexistent'"));
	assert_int_equal(import_into(f, f->db, Z, f->dir), -EISDIR);
	assert_int_equal(import_text(f, ""), 0);
	assert_int_equal(f->result.instances_n, 0);
	assert_int_equal(import_len(f, "{}\0{}", 5), -EINVAL);
	assert_int_equal(
	    import_into(f, "/nonexistent/r.db", Z, f->lines), -ENOENT);
	assert_int_equal(import_text(f, OK1), 0);
	assert_int_equal(import_into(f, f->db, "No Zone", f->lines), -EINVAL);
	assert_non_null(strstr(f->err.text, "service.zone must be"));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(imports_all_keys),
		TEST(again_is_no_change),
		TEST(imports_ports),
		TEST(leaves_a_service_of_others),
		TEST(names_what_is_wrong),
		TEST(many_lines),
		TEST(tells_every_problem),
		TEST(gives_up),
		TEST(files_that_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
