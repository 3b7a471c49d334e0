// SPDX-License-Identifier: BSD-2-Clause
/* What for_each makes of what was found, and what it refuses. */
#include "registrar/definition/definition_each.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct definition_defaults defaults = { "svc.test", "127.0.0.1",
	NULL };

static struct definition *must_parse(const char *text)
{
	struct definition *d = NULL;
	struct diags e = { 0 };

	if (definition_parse("f", text, strlen(text), &defaults, &d, &e) < 0)
		fail_msg("%s: %s", text, e.items[0].text);
	return d;
}

/* ---- what is wrong ---------------------------------------------------- */

#define HEAD "service: a\ninstances:\n- "

static const struct {
	const char *text, *errors;
} bad[] = {
	{ HEAD "for_each: x",
	    "3:13: found 'x' for 'for_each', expected a map with one of "
	    "process, listening, container\n" },
	{ HEAD "for_each: {process: {exe: /x}, listening: 1}",
	    "3:13: found several keys for 'for_each', expected a map with one "
	    "of process, listening, container\n" },
	{ HEAD "for_each: {prozess: {exe: /x}}",
	    "3:14: found key 'prozess' in 'for_each', expected a map with one "
	    "of process, listening, container\n" },
	{ HEAD "for_each: {process: {pidfile: /x}}",
	    "3:33: found 'pidfile' for 'process' of 'for_each', expected a map "
	    "with one of exe, cmdline\n" },
	{ HEAD "for_each: {process: none}",
	    "3:23: found 'none' for 'process' of 'for_each', expected a map "
	    "with one of exe, cmdline\n" },
	{ HEAD "for_each: {process: {pid: 1}}",
	    "3:24: found key 'pid' in 'process', expected one of pidfile, "
	    "exe, cmdline, unit, cgroup, listening, container\n" },
	{ HEAD "for_each: {process: {exe: x}}",
	    "3:29: found 'x' for 'exe', expected the absolute path of an "
	    "executable\n" },
	{ HEAD "for_each: {process: {cmdline: '('}}",
	    "3:33: found '(' for 'cmdline', expected a POSIX extended regular "
	    "expression (Unmatched ( or \\()\n" },
	{ HEAD "for_each: {listening: 8099-8000}",
	    "3:25: found '8099-8000' for 'listening', expected PORT, FROM-TO, "
	    "or a list of these; with ADDRESS: before it, for UDP with /udp "
	    "behind it\n" },
	{ HEAD "{for_each: {listening: [1-9, 0]}, weigth: 1}",
	    "3:32: found '0' for 'listening', expected PORT, FROM-TO, or a "
	    "list of these; with ADDRESS: before it, for UDP with /udp behind "
	    "it\n" },
	{ HEAD "{for_each: {listening: 1-9}, weigth: 1}",
	    "3:32: found key 'weigth' in an instance, expected 'weight'\n" },
	{ HEAD "for_each: {container: web}",
	    "3:25: found 'web', expected 'container' as a map\n" },
	{ HEAD "for_each: {container: {port: 80}}",
	    "3:25: found 'container' that does not say which, expected at "
	    "least one of name, image, label\n" },
	{ HEAD "for_each: {container: {name: '(', port: 0, label: ['=x']}}",
	    "3:32: found '(' for 'name', expected a POSIX extended regular "
	    "expression (Unmatched ( or \\()\n"
	    "3:43: found '0' for 'port', expected a port in the container: N, "
	    "for UDP N/udp\n"
	    "3:54: found '=x' for 'label', expected KEY, KEY=VALUE, or a list "
	    "of these\n" },
	{ HEAD "for_each: {container: {name: x, address: host, network: y}}",
	    "3:44: found 'host' for 'address', expected one of 'published', "
	    "'network'\n" },
	{ HEAD "for_each: {container: {name: x, network: y}}",
	    "3:35: found 'network' where its address is not asked for, "
	    "expected 'address: network' beside it\n" },
	{ "service: a\nprocess: {container: '-x'}",
	    "2:22: found '-x' for 'container', expected the name or the whole "
	    "id of a container: 1..255 of a-z A-Z 0-9 '_', '.', '-', a letter "
	    "or digit first\n" },
	{ HEAD "for_each: {process: {exe: /x}}\n  checks: [{alias: a}]",
	    "4:20: found a loop for 'alias', a.svc.test > a.svc.test, expected "
	    "none\n" },
	/* a template that can never become a number, or a label */
	{ HEAD "{for_each: {process: {exe: /x}}, port: '{1}'}",
	    "3:42: found '{1}' for 'port', expected a number from 1 to "
	    "65535\n" },
	{ HEAD "{for_each: {process: {cmdline: '(x)'}}, port: '{1}0{2}'}",
	    "3:49: found '10{2}' for 'port', expected a number from 1 to "
	    "65535\n" },
	{ HEAD "{for_each: {process: {exe: /x}},\n"
	       "   checks: [{tcp: '{address}:{port}'}]}",
	    "4:19: found {port} where no port is given, expected 'port' in "
	    "the service or the instance\n" },
	{ HEAD "{for_each: {listening: 1-9},\n"
	       "   checks: [{tcp: '{address}:{pid}'}]}",
	    "4:19: found '{pid}', expected {address}, {port}, {name} or "
	    "{service}\n" },
	{ HEAD "{for_each: {listening: 1-9},\n"
	       "   checks: [{exec: [x, '{port}']}]}",
	    "4:21: found 'x' for 'exec', expected the absolute path of a "
	    "program\n" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct definition *d = NULL;
		struct diags e = { 0 };
		char all[4096] = "";
		FILE *f = fmemopen(all, sizeof(all), "w");

		assert_int_equal(definition_parse("f", bad[i].text,
		                     strlen(bad[i].text), &defaults, &d, &e),
		    -EINVAL);
		for (unsigned k = 0; k < e.n; k++)
			(void)fprintf(f, "%s\n", e.items[k].text + 2);
		(void)fclose(f);
		assert_string_equal(all, bad[i].errors);
	}
}

/* ---- what is made ----------------------------------------------------- */

#define PID "4711 99"

/* The instance in a line; or what is wrong with it. */
static const char *show(const struct definition *d,
    const struct each_found *found, char *buf, size_t len)
{
	const struct each_spec *e = &d->services[0].each[0];
	struct definition_made *m = NULL;
	struct diags why = { 0 };

	if (definition_make(d, e, found, &m, &why) < 0) {
		(void)snprintf(buf, len, "%s", why.items[0].text);
		return buf;
	}
	const struct definition_instance *i = &m->instance;

	(void)snprintf(buf, len, "%s %s %d %d %s %s %s '%s' %s", i->name,
	    i->address, i->port, i->weight, i->tags, i->meta,
	    process_kind_name(i->process.kind), i->process.what,
	    i->check_n && i->checks[0].kind == CHECK_TCP ? i->checks[0].tcp.to
	                                                 : "-");
	definition_made_free(m);
	return buf;
}

static const struct {
	const char *why, *instance, *made;
} made[] = {
	{ "named by program and number, watched by number",
	    "{for_each: {process: {exe: /x}}}",
	    "x-4711 127.0.0.1 -1 100 [] {} pid '4711 99' -" },
	{ "what it says itself wins",
	    "{for_each: {process: {exe: /x}}, name: w, port: 80, process: "
	    "none, address: 10.0.0.1}",
	    "w 10.0.0.1 80 100 [] {} none '' -" },
	{ "groups of the pattern, everywhere",
	    "{for_each: {process: {cmdline: '(x)(y)'}}, name: 'W_{1}', "
	    "port: '{2}', weight: '{2}', tags: ['t{2}', '{pid}'], meta: {k: "
	    "'{exe}/{2}'}, checks: [{tcp: '{address}:{port}'}]}",
	    "w-a-b 127.0.0.1 81 81 [\"t81\",\"4711\"] {\"k\":\"x/81\"} pid "
	    "'4711 99' 127.0.0.1:81" },
	{ "the process's port names it, and is that of checks",
	    "{for_each: {process: {exe: /x}}, port: '{port}', checks: [{tcp: "
	    "'{address}:{port}'}]}",
	    "127-0-0-1-8001 127.0.0.1 8001 100 [] {} pid '4711 99' "
	    "127.0.0.1:8001" },
	{ "so does one out of its arguments",
	    "{for_each: {process: {cmdline: '(x)(y)'}}, port: '{2}'}",
	    "127-0-0-1-81 127.0.0.1 81 100 [] {} pid '4711 99' -" },
	{ "one that all have does not",
	    "{for_each: {process: {exe: /x}}, port: 80}",
	    "x-4711 127.0.0.1 80 100 [] {} pid '4711 99' -" },
	{ "in checks {port} is the instance's",
	    "{for_each: {process: {exe: /x}}, name: 'n-{port}', port: 80, "
	    "checks: [{tcp: '{address}:{port}'}]}",
	    "n-8001 127.0.0.1 80 100 [] {} pid '4711 99' 127.0.0.1:80" },
	{ "braces that are no variable stay",
	    "{for_each: {process: {exe: /x}}, tags: ['{what}', '{', 'a{pid']}",
	    "x-4711 127.0.0.1 -1 100 [\"{what}\",\"{\",\"a{pid\"] {} pid "
	    "'4711 99' -" },
	{ "{ in what was found is no template",
	    "{for_each: {process: {cmdline: '(x)(y)(z)'}}, tags: ['{3}']}",
	    "x-4711 127.0.0.1 -1 100 [\"a__name_b\"] {} pid '4711 99' -" },
	{ "a tag of which nothing is left is none",
	    "{for_each: {container: {name: x}}, port: 80, tags: [a, '{label.none}', "
	    "'{label.some}'], meta: {k: '{label.none}'}}",
	    "x-4711 127.0.0.1 80 100 [\"a\",\"s\"] {\"k\":\"\"} pid '4711 99' "
	    "-" },
	{ "a watch of its own may name it",
	    "{for_each: {process: {exe: /x}}, process: {pidfile: "
	    "'/run/{exe}-{pid}'}}",
	    "x-4711 127.0.0.1 -1 100 [] {} pidfile '/run/x-4711' -" },
	{ "a number that does not fit is refused where it stands",
	    "{for_each: {process: {cmdline: '(x)(y)(z)'}}, weight: '{3}'}",
	    "f:3:57: found 'a__name_b' for 'weight', expected a number from "
	    "0 to 65535" },
	{ "so is a name of which nothing is left",
	    "{for_each: {process: {cmdline: '(x)(y)(z)(q)'}}, name: '{4}'}",
	    "f:3:58: found '' for 'name', expected 1..63 of a-z 0-9 '-', no "
	    "'-' at either end, not tag or zone" },
};

static void test_made(void **state)
{
	struct conf_pair items[] = { { "pid", "4711" }, { "exe", "x" },
		{ "port", "8001" }, { "1", "a_B" }, { "2", "81" },
		{ "3", "a\n{name}b" }, { "4", "___" }, { "label.some", "s" },
		{ LABEL_VARS, "" } };
	const struct each_found found = { .name = "x-4711",
		.port = ROW_DEFAULT,
		.process = { PROCESS_PID, PID },
		.vars = { items, 9 } };
	(void)state;
	for (size_t n = 0; n < sizeof(made) / sizeof(*made); n++) {
		char text[1024], line[1024];

		(void)snprintf(text, sizeof(text),
		    "service: a\ninstances:\n- %s", made[n].instance);
		struct definition *d = must_parse(text);

		assert_int_equal(d->services[0].instance_n, 0);
		assert_int_equal(d->services[0].each_n, 1);
		(void)show(d, &found, line, sizeof(line));
		if (strcmp(line, made[n].made) != 0)
			fail_msg("%s: %s", made[n].why, line);
		definition_free(d);
	}
}

static void test_listening(void **state)
{
	struct conf_pair var = { "port", "8001" };
	const struct each_found found = { .port = 8001,
		.process = { PROCESS_LISTENING, "8001" },
		.vars = { &var, 1 } };
	struct definition *d = must_parse(
	    "service: a\nport: 1\ninstances:\n- {address: 10.0.0.1}\n"
	    "- {for_each: {listening: [8000-8099, 9000/udp]}, "
	    "address: 10.0.0.2, meta: {p: '{port}'}}\n"
	    "process: {exe: /of-others}\n"
	    "checks: [{tcp: '{address}:{port}'}]\n");
	char line[1024];

	(void)state;
	assert_int_equal(d->services[0].instance_n, 1);
	assert_int_equal(d->services[0].instances[0].process.kind, PROCESS_EXE);
	assert_int_equal(d->services[0].each[0].ports.n, 2);
	/* checks are the service's, the process is what was found */
	assert_string_equal(show(d, &found, line, sizeof(line)),
	    "10-0-0-2-8001 10.0.0.2 8001 100 [] {\"p\":\"8001\"} listening "
	    "'8001' 10.0.0.2:8001");
	definition_free(d);
}

/* Names too long for a label differ by more than what was cut off. */
static void test_long_names(void **state)
{
	struct definition *d = must_parse("service: a\ninstances:\n"
	                                  "- {for_each: {process: {exe: /x}}}");
	char name[200], first[512], second[512];
	struct each_found found = { .name = name,
		.port = ROW_DEFAULT,
		.process = { PROCESS_PID, PID } };

	(void)state;
	memset(name, 'n', sizeof(name));
	name[198] = '1';
	name[199] = '\0';
	(void)show(d, &found, first, sizeof(first));
	name[198] = '2';
	(void)show(d, &found, second, sizeof(second));
	assert_int_equal(strcspn(first, " "), 63);
	assert_string_not_equal(first, second);
	definition_free(d);
}

/* ---- edits ------------------------------------------------------------ */

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "{for_each: {listening: 1-9}}",
		    "{for_each: {listening: [1-9]}, weight: 3}", true },
		{ "{for_each: {listening: 1-9}}",
		    "{for_each: {listening: 1-8}}", false },
		{ "{for_each: {process: {exe: /x}}}",
		    "{name: '{pid}', for_each: {process: {exe: /x}}}", true },
		{ "{for_each: {process: {exe: /x}}}",
		    "{for_each: {process: {cmdline: /x}}}", false },
		{ "{for_each: {process: {exe: /x}}}",
		    "{for_each: {process: {exe: /x}}, port: '{port}'}", false },
	};

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(*rows); n++) {
		char a[256], b[256];

		(void)snprintf(
		    a, sizeof(a), "service: a\ninstances: [%s]", rows[n].a);
		(void)snprintf(
		    b, sizeof(b), "service: a\ninstances: [%s]", rows[n].b);
		struct definition *x = must_parse(a), *y = must_parse(b);

		assert_int_equal(each_spec_equal(&x->services[0].each[0],
		                     &y->services[0].each[0]),
		    rows[n].equal);
		definition_free(x);
		definition_free(y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_listening),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
