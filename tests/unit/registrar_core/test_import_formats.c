// SPDX-License-Identifier: BSD-2-Clause
/* Texts of Consul, SkyDNS and zone files to rows; what has no place there. */
#include "registrar/exchange/import.h"
#include "tests/unit/registrar_core/operation_support.h"

#include <errno.h>

struct seen {
	char rows[4096];
};

static void show_service(void *arg, const struct service_row *s)
{
	char *end = strchr(arg, '\0');

	(void)sprintf(end, "%s/%s", s->name, s->protocol);
	if (s->port_name)
		(void)sprintf(strchr(end, '\0'), " %s", s->port_name);
	if (s->ttl_s != ROW_DEFAULT)
		(void)sprintf(strchr(end, '\0'), "/%d", s->ttl_s);
	(void)sprintf(strchr(end, '\0'), "(");
}

/* name@address+address6:port*weight~warning!priority tags meta */
static void show_instance(void *arg, const struct instance_row *i)
{
	char *end = strchr(arg, '\0');

	if (end[-1] != '(')
		*end++ = ' ';
	end += sprintf(end, "%s@%s", i->name, i->address);
	if (i->address6)
		end += sprintf(end, "+%s", i->address6);
	if (i->port != ROW_DEFAULT)
		end += sprintf(end, ":%d", i->port);
	if (i->ports)
		end += sprintf(end, "%s", i->ports);
	end += sprintf(end, "*%d", i->weight);
	if (i->weight_warning != ROW_DEFAULT)
		end += sprintf(end, "~%d", i->weight_warning);
	if (i->priority)
		end += sprintf(end, "!%d", i->priority);
	(void)sprintf(end, "%s%s", strlen(i->tags) > 2 ? i->tags : "",
	    strlen(i->meta) > 2 ? i->meta : "");
}

static void show_done(void *arg)
{
	(void)sprintf(strchr(arg, '\0'), ") ");
}

#define WEB "web/tcp() "
#define UDP(n) "[{\"port\":" n ",\"protocol\":\"udp\"}]"

/* What the registry holds, but for the service that the fixture made. */
static const char *rows_of(struct fx *f, struct seen *s)
{
	const struct registry_visitor v = { show_service, show_instance,
		show_done, s->rows, NULL };
	struct registry *r = fx_open(f);
	unsigned n;

	s->rows[0] = '\0';
	assert_int_equal(registry_read_page(
	                     r, &(struct registry_key){ 0 }, 100, &v, &n, NULL),
	    0);
	registry_close(r);
	char *web = strstr(s->rows, WEB);

	if (web) {
		memmove(web, web + strlen(WEB), strlen(web + strlen(WEB)) + 1);
	}
	return s->rows;
}

static int import_text(struct fx *f, const char *text,
    struct import_result *ret, struct diags *reterr)
{
	char path[128];
	const struct import_config c = { .registry = f->path,
		.zone = ZONE,
		.address = "192.0.2.99",
		.file = path,
		.format = FORMAT_AUTO };

	(void)snprintf(path, sizeof(path), "%s/in", f->dir);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
	*ret = (struct import_result){ 0 };
	int error = import_run(&c, ret, reterr);

	(void)unlink(path);
	return error;
}

/* {"key":"/skydns/test/svc/db/a","value":{"host":"10.0.0.9","port":5432}} */
#define ETCD                                                                   \
	"{\"header\":{\"revision\":7},\"kvs\":[{\"key\":"                      \
	"\"L3NreWRucy90ZXN0L3N2Yy9kYi9h\",\"create_revision\":2,\"value\":"    \
	"\"eyJob3N0IjoiMTAuMC4wLjkiLCJwb3J0Ijo1NDMyfQ==\"}],\"count\":1}\n"

static const struct {
	const char *why, *text, *rows;
	const char *left_out; /* in the report; NULL: nothing was */
} cases[] = {
	{ "Consul: /v1/catalog/service, the address of the node",
	    "[{\"ID\":\"40\",\"Node\":\"n1\",\"Address\":\"10.1.0.1\","
	    "\"ServiceID\":\"db\",\"ServiceName\":\"db\",\"ServiceAddress\":"
	    "\"\",\"ServicePort\":5432,\"ServiceTags\":[\"primary\"],"
	    "\"ServiceWeights\":{\"Passing\":5,\"Warning\":2},"
	    "\"ServiceMeta\":{\"v\":\"1\"}},\n"
	    "{\"Node\":\"n2\",\"Address\":\"10.1.0.2\",\"ServiceID\":\"db\","
	    "\"ServiceName\":\"db\",\"ServiceAddress\":\"10.9.0.2\","
	    "\"ServicePort\":0,\"ServiceTags\":null}]\n",
	    "db/tcp(n1@10.1.0.1:5432*5~2[\"primary\"]{\"v\":\"1\"} "
	    "n2@10.9.0.2*1~1) ",
	    NULL },
	{ "Consul: /v1/health/service, indented; a critical one is told of",
	    "[\n  {\n    \"Node\": {\"Node\": \"n1\", \"Address\": "
	    "\"fd00::1\"},\n    \"Service\": {\"ID\": \"db-1\", \"Service\": "
	    "\"DB\", \"Address\": \"\", \"Port\": 1},\n    \"Checks\": "
	    "[{\"Status\": \"passing\"}, {\"Status\": \"critical\"}]\n  }\n]",
	    "db/tcp(db-1@fd00::1:1*1~1) ",
	    "in:2:3: left out: that db/db-1 is critical" },
	{ "Consul: /v1/agent/services, the address of this host; a proxy",
	    "{\"db:1\":{\"ID\":\"db:1\",\"Service\":\"db\",\"Port\":1,"
	    "\"Address\":\"\"},\n\"p\":{\"Kind\":\"connect-proxy\",\"ID\":\"p\""
	    ",\"Service\":\"p\",\"Port\":2,\"Address\":\"\"}}",
	    "db/tcp(db-1@192.0.2.99:1*1~1) ",
	    "in:2:5: left out: connect-proxy 'p'" },
	{ "Consul: a definition; its checks run elsewhere",
	    "{\"service\": {\"name\": \"db\", \"port\": 3, \"weights\": "
	    "{\"passing\": 9}, \"tagged_addresses\": {\"lan_ipv6\": "
	    "{\"address\": \"2001:db8::3\"}}, \"check\": {\"tcp\": \"x:3\"}}}",
	    "db/tcp(db@2001:db8::3:3*9~1) ", "left out: checks of db/db" },
	{ "Consul: several, and names that are the same",
	    "{\"services\": [{\"Name\": \"a\", \"ID\": \"X_1\", \"Address\": "
	    "\"10.0.0.1\"}, {\"Name\": \"a\", \"ID\": \"x-1\", \"Address\": "
	    "\"10.0.0.2\"}]}",
	    "a/tcp(a-x-1@10.0.0.2*1~1 x-1@10.0.0.1*1~1) ", NULL },
	{ "Consul: nothing of it can be held",
	    "[{\"Node\":\"n\",\"Address\":\"n.example\",\"ServiceID\":\"a\","
	    "\"ServiceName\":\"a\"}]",
	    "", "left out: address 'n.example'" },
	{ "Consul: dumps one behind the other, one of them empty",
	    "[]\n[{\"Node\":\"n\",\"Address\":\"10.0.0.1\",\"ServiceID\":\"i\""
	    ",\"ServiceName\":\"a\"}]\n[]\n",
	    "a/tcp(i@10.0.0.1*1~1) ", NULL },
	{ "Consul: a list under 'service'; a name that is no label is told of",
	    "{\"service\": [{\"name\": \"my_svc\", \"id\": \"\", "
	    "\"address\": \"10.0.0.1\", \"meta\": {\"k\": null}}]}",
	    "my-svc/tcp(my-svc@10.0.0.1*1~1{\"k\":\"\"}) ", NULL },
	{ "Consul: behind a byte order mark",
	    "\xef\xbb\xbf[{\"Node\":\"n\",\"Address\":\"10.0.0.1\","
	    "\"ServiceID\":\"i\",\"ServiceName\":\"a\"}]",
	    "a/tcp(i@10.0.0.1*1~1) ", NULL },
	{ "SkyDNS: keys of registrator",
	    "/skydns/test/svc/redis/myhost:redis.1:6379\n"
	    "{\"host\":\"10.0.0.2\",\"port\":6379}\n",
	    "redis/tcp(myhost-redis-1-6379@10.0.0.2:6379*100!10) ", NULL },
	{ "SkyDNS: etcdctl -w json", ETCD, "db/tcp(a@10.0.0.9:5432*100!10) ",
	    NULL },
	{ "SkyDNS: etcdctl, plain",
	    "/skydns/test/svc/_tcp/_db/i\n{\"host\":\"10.0.0.1\",\"port\":1,"
	    "\"priority\":3,\"weight\":7,\"ttl\":60,\"text\":\"v=2\"}\n"
	    "/skydns/test/svc/_tcp/_db/j\n{\"host\":\"fd00:0::2\",\"ttl\":9}\n"
	    "/skydns/test/svc/one\n{\"host\":\"10.0.0.3\"}\n",
	    "db/tcp/60(i@10.0.0.1:1*7!3{\"v\":\"2\"} j@fd00::2*100!10) "
	    "one/tcp(10-0-0-3@10.0.0.3*100!10) ",
	    NULL },
	{ "SkyDNS: another zone, and a name for an address",
	    "/skydns/local/db/i\n{\"host\":\"10.0.0.1\"}\n"
	    "/skydns/test/svc/db/i\n{\"host\":\"db.example\"}\n",
	    "", "in:2:1: left out: /skydns/local/db/i: expected" },
	{ "zone file: SRV, A and AAAA; comments, parentheses, $ORIGIN",
	    "$ORIGIN test.\n$TTL 30\n; a comment\n@ SOA ns h ( 1 2 3\n 4 5 )\n"
	    "_db._tcp.svc SRV 0 10 5432 one.db.svc\n"
	    "\t60 IN SRV 5 20 5432 two.db.svc\n"
	    "one.db.svc A 10.0.0.1\n AAAA 2001:DB8::1\n"
	    "two.db.svc AAAA fd00::2\n",
	    "db/tcp/30(one@10.0.0.1+2001:db8::1:5432*10 "
	    "two@fd00::2:5432*20!5) ",
	    "left out: 1 record of other types" },
	{ "zone file: one host, two ports; a target of another zone",
	    "$TTL 5\n_db._udp SRV 0 1 1 h\n_db._udp SRV 0 1 2 h\n"
	    "_db._udp SRV 0 1 3 H.example.\nh A 10.0.0.1\n"
	    "h.example. A 10.0.0.2\n",
	    "db/udp/5(h@10.0.0.1:1*1 h-2@10.0.0.1:2*1 h-3@10.0.0.2:3*1) ",
	    NULL },
	{ "zone file: $GENERATE, and the lines behind it",
	    "$TTL 5\n$GENERATE 1-2 _db._tcp SRV 0 10 80 h$.db\n"
	    "$GENERATE 1-2 h$.db 60 IN A 10.0.0.$\n"
	    "_x._tcp SRV 0 1 1 nowhere\n",
	    "db/tcp/5(h1@10.0.0.1:80*10 h2@10.0.0.2:80*10) ",
	    "in:4: left out: SRV _x._tcp" },
	{ "zone file: two protocols of a service are two ports of it",
	    "_sip._tcp 60 SRV 0 1 5060 a\n_sip._udp 60 SRV 0 1 5061 a\n"
	    "a 60 A 10.0.0.1\n",
	    "sip/tcp/60(a@10.0.0.1:5060" UDP("5061") "*1) ", NULL },
	{ "zone file: between others, in another order, with more of a name",
	    "_k._tcp 5 SRV 0 1 1 b\n_k._udp 5 SRV 0 1 4 a\n"
	    "_db._tcp 5 SRV 0 1 9 a\n_k._tcp 5 SRV 0 1 3 a\n"
	    "_k._udp 5 SRV 0 1 2 b\na 5 A 10.0.0.1\nb 5 A 10.0.0.2\n",
	    "db/tcp/5(a@10.0.0.1:9*1) "
	    "k/tcp/5(a@10.0.0.1:3" UDP("4") "*1 b@10.0.0.2:1" UDP("2") "*1) ",
	    NULL },
	{ "zone file: names of ports, as export has them",
	    "_api._tcp 5 SRV 0 1 80 a\n_http._tcp.api 5 SRV 0 1 80 a\n"
	    "_grpc._tcp.api 5 SRV 0 1 90 a\na 5 A 10.0.0.1\n",
	    "api/tcp http/5(a@10.0.0.1:80[{\"name\":\"grpc\",\"port\":90,"
	    "\"protocol\":\"tcp\"}]*1) ",
	    NULL },
	{ "zone file: not all targets at both protocols",
	    "_k._tcp 5 SRV 0 1 1 a\n_k._tcp 5 SRV 0 1 1 b\n"
	    "_k._udp 5 SRV 0 1 1 a\na 5 A 10.0.0.1\nb 5 A 10.0.0.2\n",
	    "k/tcp/5(a@10.0.0.1:1*1 b@10.0.0.2:1*1) ",
	    "in:3: left out: SRV _k._udp.svc.test.: expected the targets of "
	    "_k._tcp.svc.test.: each instance has all ports of its service" },
	{ "zone file: another weight at the other protocol",
	    "_k._tcp 5 SRV 0 1 1 a\n_k._udp 5 SRV 3 2 1 a\na 5 A 10.0.0.1\n",
	    "k/tcp/5(a@10.0.0.1:1" UDP("1") "*1) ", NULL },
	{ "zone file: what is not there", "_db._tcp 5 SRV 0 1 1 nowhere\n", "",
	    "in:1: left out: SRV _db._tcp.svc.test.: target "
	    "nowhere.svc.test. has no address" },
	{ "zone file: two addresses, others that no SRV names",
	    "a 5 A 10.0.0.1\na 5 A 10.0.0.2\nb 5 A 10.0.0.3\n"
	    "_db._tcp 5 SRV 0 1 1 a\n_x._y._db._tcp 5 SRV 0 1 1 a\n",
	    "db/tcp/5(a@10.0.0.1:1*1) ", "in:5: left out: SRV _x._y" },
};

static void each_format_becomes_rows(void **state)
{
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct import_result result;
		struct diags why;
		struct seen s;
		bool found = !cases[k].left_out;

		if (import_text(f, cases[k].text, &result, &why) < 0)
			fail_msg("%s: %s", cases[k].why, why.items[0].text);
		if (strcmp(rows_of(f, &s), cases[k].rows) != 0)
			fail_msg("%s: %s", cases[k].why, rows_of(f, &s));
		for (unsigned i = 0; i < result.left_out.n; i++) {
			const char *text = result.left_out.items[i].text;

			found |= cases[k].left_out &&
			         strstr(text, cases[k].left_out);
		}
		if (!found || !result.left_out_n != !cases[k].left_out) {
			fail_msg("%s: %lu left out: %s", cases[k].why,
			    result.left_out_n, result.left_out.items[0].text);
		}
		assert_int_equal(fx_teardown(state), 0);
		assert_int_equal(fx_setup(state), 0);
		f = *state;
	}
}

static const struct {
	const char *why, *text, *message;
} wrong[] = {
	{ "Consul: a list cut short", "[{\"ID\":\"a\"},",
	    "in:1:1: found '[', expected a value that ends" },
	{ "Consul: an object cut short", "[\n{\"ID\":\"a\"",
	    "in:1:1: found '[', expected a value that ends" },
	{ "Consul: no JSON inside", "[\n  {\"ID\": tru}\n]",
	    "in:2:12: found no JSON (" },
	{ "Consul: a port that is text",
	    "[{\"ServiceName\":\"a\",\"ServiceID\":\"i\",\"Address\":"
	    "\"10.0.0.1\",\"ServicePort\":\"80\"}]",
	    "in:1:2: found '80' for 'port', expected an integer 0..65535" },
	{ "Consul: the list of services has no addresses",
	    "{\"consul\":[],\"web\":[\"v1\"]}", "expected instances, as" },
	{ "Consul: no service at all", "[{\"Node\":\"x\"}]",
	    "found no name of a service" },
	{ "Consul: a number", "[1]", "found no object, expected a service" },
	{ "an object over lines that is nobody's", "{\n\"service\": \"web\"\n}",
	    "expected one object on each line" },
	{ "etcd: no base64", "{\"kvs\":[{\"key\":\"%\",\"value\":\"\"}]}",
	    "in:1:9: found no key and value in base64" },
	{ "etcd: a list", "{\"kvs\":[{\"key\":\"L2E=\",\"value\":\"W10=\"}]}",
	    "in:1:9: found no object under /a, expected one with host" },
	{ "SkyDNS: a key without value", "/skydns/test/svc/db/i\n",
	    "expected its value behind it" },
	{ "SkyDNS: a value that is none",
	    "/skydns/test/svc/db/i\n/skydns/test/svc/db/j\n",
	    "in:2:1: found no JSON under /skydns/test/svc/db/i" },
	{ "SkyDNS: a port too large",
	    "/skydns/test/svc/db/i\n{\"host\":\"10.0.0.1\",\"port\":70000}\n",
	    "in:2:1: found another port, expected an integer 0..65535" },
	{ "zone file: no record", "; first\n_db._tcp SRV 0 1\n",
	    "in:2: found no record (" },
	{ "zone file: no address", "$TTL 5\n\na A 10.0.0.256\n",
	    "in:3: found no record (" },
	{ "text", "nonsense\n", "in:1: found no record (" },
};

static void what_is_wrong_is_told_with_its_place(void **state)
{
	struct fx *f = *state;

	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		struct import_result result;
		struct diags why;
		struct seen s;

		if (import_text(f, wrong[k].text, &result, &why) != -EINVAL)
			fail_msg("%s: imported", wrong[k].why);
		if (!strstr(why.items[0].text, wrong[k].message))
			fail_msg("%s: %s", wrong[k].why, why.items[0].text);
		assert_string_equal(rows_of(f, &s), "");
	}
}

/* Wrong entries do not take the right one; every problem is told. */
static void the_right_ones_are_imported(void **state)
{
	struct fx *f = *state;
	struct import_result result;
	struct diags why;
	struct seen s;

	assert_int_equal(
	    import_text(f,
	        "/skydns/test/svc/db/i\n{\"host\":\"10.0.0.1\"}\n"
	        "/skydns/test/svc/db/j\n{\"host\":5}\n"
	        "/skydns/test/svc/db/k\n{\"host\":\"10.0.0.1\",\"weight\":-1}",
	        &result, &why),
	    -EINVAL);
	assert_int_equal(why.n, 2);
	fx_expect_in(why.items[0].text, "in:4:1: found another host");
	fx_expect_in(why.items[1].text, "in:6:1: found another weight");
	assert_int_equal(result.instances_n, 1);
	assert_int_equal(result.refused_n, 2);
	assert_string_equal(rows_of(f, &s), "db/tcp(i@10.0.0.1*100!10) ");
}

/* IDs longer than a label, and more tags than the column holds. */
static void what_is_long_is_kept(void **state)
{
#define LONG_ID "_nomad-task-2e81934f-3fd7-1fd6-9339-5ae120e1f314-group-shop-"
	static const char ids[] =
	    "{\"services\":[{\"name\":\"a\",\"id\":\"" LONG_ID
	    "http\",\"address\":\"10.0.0.1\",\"port\":1},"
	    "{\"name\":\"a\",\"id\":\"" LONG_ID
	    "grpc\",\"address\":\"10.0.0.1\",\"port\":2}]}";
	struct fx *f = *state;
	struct import_result result;
	struct diags why;
	struct seen s;
	static char text[65536], tags[32768];

	assert_int_equal(import_text(f, ids, &result, &why), 0);
	assert_int_equal(result.instances_n, 2);
	/* as definitions name them: test_definition_consul.c */
	fx_expect_in(rows_of(f, &s), "nomad-task-2e81934f-3fd7-1fd6-9339-"
	                             "5ae120e1f314-group-");
	for (int i = 0; i < 100; i++) {
		(void)sprintf(strchr(tags, '\0'),
		    "%s\"traefik.http.routers.r%d.rule=Host(`h%d.example.com`)"
		    "\"",
		    i ? "," : "", i, i);
	}
	(void)snprintf(text, sizeof(text),
	    "[{\"ServiceName\":\"small\",\"ServiceID\":\"s\","
	    "\"Address\":\"10.0.0.1\",\"Node\":\"n\"},\n"
	    "{\"ServiceName\":\"w\",\"ServiceID\":\"i\",\"Address\":"
	    "\"10.0.0.2\",\"Node\":\"n\",\"ServiceTags\":[%s]}]",
	    tags);
	assert_int_equal(import_text(f, text, &result, &why), 0);
	assert_int_equal(result.instances_n, 2);
	fx_expect_in(
	    result.left_out.items[0].text, "in:2:1: left out: the last ");
	fx_expect_in(result.left_out.items[0].text, " of 100 tags");
}

static char told[1024];

static void tell(const char *line)
{
	(void)sprintf(strchr(told, '\0'), "%s\n", line);
}

static void dry_runs_tell_and_write_nothing(void **state)
{
	struct fx *f = *state;
	char path[128];
	const struct import_config c = { .registry = f->path,
		.zone = ZONE,
		.address = "192.0.2.99",
		.file = path,
		.format = FORMAT_AUTO,
		.would = tell };
	struct import_result result;
	struct diags why;
	struct seen s;

	assert_int_equal(
	    import_text(f,
	        "{\"service\":\"a\",\"id\":\"i\",\"address\":\"10.0.0.1\","
	        "\"port\":80}\n"
	        "{\"service\":\"a\",\"id\":\"same\",\"address\":"
	        "\"10.0.0.3\"}\n",
	        &result, &why),
	    0);
	(void)snprintf(path, sizeof(path), "%s/in", f->dir);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	(void)fputs("{\"service\":\"a\",\"id\":\"i\",\"address\":"
	            "\"10.0.0.1\",\"port\":81,\"tags\":[\"x\"]}\n"
	            "{\"service\":\"a\",\"id\":\"same\",\"address\":"
	            "\"10.0.0.3\"}\n"
	            "{\"service\":\"b\",\"id\":\"j\",\"address\":"
	            "\"10.0.0.2\",\"port\":1}\n",
	    out);
	assert_int_equal(fclose(out), 0);
	told[0] = '\0';
	assert_int_equal(import_run(&c, &result, &why), 0);
	(void)unlink(path);
	assert_string_equal(told,
	    "a/i: port 80 -> 81, tags [] -> [\"x\"]\n"
	    "b/j: new, address 10.0.0.2, port 1, weight 100\n");
	assert_int_equal(result.changes_n, 3);
	assert_string_equal(
	    rows_of(f, &s), "a/tcp(i@10.0.0.1:80*100 same@10.0.0.3*100) ");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(each_format_becomes_rows),
		TEST(what_is_wrong_is_told_with_its_place),
		TEST(the_right_ones_are_imported),
		TEST(what_is_long_is_kept),
		TEST(dry_runs_tell_and_write_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
