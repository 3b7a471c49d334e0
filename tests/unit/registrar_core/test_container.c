// SPDX-License-Identifier: BSD-2-Clause
/* What is read of an engine's answers; and which of it is not believed. */
#include "registrar/container/container.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "ae39e2e720f411f65ce79e848af4669342e28fdea86ddba119c9f7036dbf5c54"

/* As Podman 4.3 says it, without what nobody reads. */
#define BRIDGE                                                                 \
	"{\"Id\":\"" ID "\",\"Name\":\"/web\",\"State\":{\"Status\":"          \
	"\"running\",\"Running\":true,\"Pid\":1422,\"StartedAt\":"             \
	"\"2026-11-26T20:40:11.919347485Z\",\"Health\":{\"Status\":\"\"}},"    \
	"\"HostConfig\":{\"NetworkMode\":\"bridge\"},\"Config\":{\"Image\":"   \
	"\"localhost/scratch:1\",\"Labels\":{\"tier\":\"web\",\"n\":1},"       \
	"\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{},\"99/tcp\":{}}},"       \
	"\"NetworkSettings\":{\"Ports\":{\"53/udp\":[{\"HostIp\":\"\","        \
	"\"HostPort\":\"15353\"}],\"80/tcp\":[{\"HostIp\":\"127.0.0.1\","      \
	"\"HostPort\":\"18081\"}],\"99/tcp\":null},\"Networks\":{\"podman\":"  \
	"{\"IPAddress\":\"10.88.0.21\",\"GlobalIPv6Address\":\"\"},"           \
	"\"back\":{\"IPAddress\":\"\",\"GlobalIPv6Address\":"                  \
	"\"FD00::0015\"}}}}"
#define BARE                                                                    \
	"{\"Id\":\"" ID "\",\"Name\":\"/b\",\"State\":{\"Running\":true,"       \
	"\"Pid\":8},\"HostConfig\":{\"NetworkMode\":\"bridge\"},\"Config\":{}," \
	"\"NetworkSettings\":{\"Ports\":{},\"Networks\":{\"podman\":"           \
	"{\"IPAddress\":\"10.88.0.22\"}}}}"
#define HOST                                                                   \
	"{\"Id\":\"" ID "\",\"Name\":\"/h\",\"State\":{\"Running\":true,"      \
	"\"Pid\":7},\"HostConfig\":{\"NetworkMode\":\"host\"},\"Config\":{"    \
	"\"ExposedPorts\":{\"81/tcp\":{},\"80/tcp\":{}}},"                     \
	"\"NetworkSettings\":{\"Ports\":{},\"Networks\":{}}}"

static struct container *must_parse(const char *text)
{
	struct container *c = NULL;

	assert_int_equal(container_parse(text, strlen(text), &c), 0);
	return c;
}

static void test_inspect(void **state)
{
	struct container *c = must_parse(BRIDGE);

	(void)state;
	assert_string_equal(c->id, ID);
	assert_string_equal(c->name, "web");
	assert_string_equal(c->image, "localhost/scratch:1");
	assert_true(c->running);
	assert_false(c->host_network);
	assert_int_equal(c->pid, 1422);
	assert_true(c->started_wall_ms == 1795725611919);
	/* a label is a text, or none */
	assert_int_equal(c->labels.n, 1);
	assert_string_equal(container_label(c, "tier"), "web");
	assert_null(container_label(c, "n"));
	assert_int_equal(c->port_n, 3);
	assert_int_equal(c->ports[0].port, 80);
	assert_int_equal(c->ports[1].port, 99);
	assert_int_equal(c->ports[2].port, 53);
	assert_true(c->ports[2].udp);
	assert_int_equal(c->network_n, 2);
	assert_string_equal(c->networks[0].address6, "fd00::15");
	container_free(c);
	c = must_parse(HOST);
	assert_true(c->host_network);
	assert_true(c->started_wall_ms == 0);
	container_free(c);
}

/* ---- where it is reached ---------------------------------------------- */

static const struct {
	const char *why, *text;
	struct container_choice choice;
	const char *place; /* or why not */
} places[] = {
	{ "the first that is published, where it is", BRIDGE, { .port = 0 },
	    "127.0.0.1 18081" },
	{ "of UDP, on all addresses", BRIDGE, { .udp = true }, "- 15353" },
	{ "only exposed", BRIDGE, { .port = 99 }, "its port is not published" },
	{ "not even that", BRIDGE, { .port = 98 },
	    "its port is not published" },
	{ "TCP is not UDP", BRIDGE, { .port = 80, .udp = true },
	    "its port is not published" },
	{ "its own address: the first network that has one", BRIDGE,
	    { .network = true }, "fd00::15 80" },
	{ "that of a network", BRIDGE,
	    { .port = 99, .network = true, .network_name = "podman" },
	    "10.88.0.21 99" },
	{ "a port that it does not expose may be there", BRIDGE,
	    { .port = 98, .network = true, .network_name = "podman" },
	    "10.88.0.21 98" },
	{ "its own address though it exposes nothing", BARE,
	    { .network = true }, "10.88.0.22 0" },
	{ "which is no port of the host", BARE, { .port = 0 },
	    "it exposes no port" },
	{ "a network that it is not in", BRIDGE,
	    { .network = true, .network_name = "none" },
	    "it has no address in that network" },
	{ "in the host's network", HOST, { .port = 0 }, "- 80" },
	{ "there is no other one", HOST, { .port = 9, .network = true },
	    "- 9" },
	{ "nothing exposed", HOST, { .udp = true }, "it exposes no port" },
};

static void test_place(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(places) / sizeof(*places); n++) {
		struct container *c = must_parse(places[n].text);
		struct container_place p;
		const char *why = NULL;
		char text[128];

		if (container_place(c, &places[n].choice, &p, &why) < 0) {
			(void)snprintf(text, sizeof(text), "%s", why);
		} else {
			(void)snprintf(text, sizeof(text), "%s %d",
			    p.address ? p.address : "-", p.port);
		}
		if (strcmp(text, places[n].place) != 0)
			fail_msg("%s: %s", places[n].why, text);
		container_free(c);
	}
}

/* ---- what is not believed --------------------------------------------- */

#define STATE ",\"State\":{\"Running\":true}"

static void test_refused(void **state)
{
	static const char *const texts[] = { "", "[]", "{}", "null",
		"{\"Id\":", "{\"Id\":\"" ID "\"}", "{\"Id\":\"x\"" STATE "}",
		"{\"Id\":12" STATE "}",
		/* it becomes part of a path */
		"{\"Id\":\"../../images/x\"" STATE "}",
		"{\"Id\":\"" ID "0\"" STATE "}",
		"{\"Id\":\"AE39E2E720F4\"" STATE "}",
		"{\"Id\":\"" ID "\\u0000\"" STATE "}" };

	(void)state;
	for (size_t n = 0; n < sizeof(texts) / sizeof(*texts); n++) {
		struct container *c = NULL;

		if (container_parse(texts[n], strlen(texts[n]), &c) != -EINVAL)
			fail_msg("taken: %s", texts[n]);
		assert_null(c);
	}
}

/* What is odd in it is left out; the rest stands. */
static void test_odd(void **state)
{
	struct container *c = must_parse(
	    "{\"Id\":\"" ID "\",\"Name\":7,\"State\":{\"Running\":true,"
	    "\"Pid\":-5,\"StartedAt\":\"yesterday\"},\"Config\":[],"
	    "\"NetworkSettings\":{\"Ports\":{\"0/tcp\":null,\"70000/tcp\":null,"
	    "\"x/tcp\":null,\"80/sctp\":null,\"-1/tcp\":null,\"8/tcp\":[{"
	    "\"HostIp\":\"$(id)\",\"HostPort\":\"99999\"},{\"HostIp\":7,"
	    "\"HostPort\":\"88\"}]},\"Networks\":{\"n\":{\"IPAddress\":"
	    "\"10.0.0.1; rm\"}}}}");

	(void)state;
	assert_string_equal(c->name, "");
	assert_string_equal(c->image, "");
	assert_int_equal(c->pid, 0);
	assert_true(c->started_wall_ms == 0);
	assert_int_equal(c->labels.n, 0);
	assert_int_equal(c->port_n, 1);
	assert_int_equal(c->ports[0].host_port, 88);
	assert_string_equal(c->ports[0].host_address, "");
	assert_null(c->networks[0].address);
	container_free(c);
}

static void test_many(void **state)
{
	size_t room = 1 << 20, len = 0;
	char *text = malloc(room);
	struct container *c;

	(void)state;
	assert_non_null(text);
	len += (size_t)snprintf(
	    text, room, "{\"Id\":\"" ID "\"" STATE ",\"Config\":{\"Labels\":{");
	for (int n = 0; n < 5000; n++) {
		len += (size_t)snprintf(
		    text + len, room - len, "%s\"l%d\":\"v\"", n ? "," : "", n);
	}
	len += (size_t)snprintf(text + len, room - len, "},\"ExposedPorts\":{");
	for (int n = 1; n < 5000; n++) {
		len += (size_t)snprintf(text + len, room - len,
		    "%s\"%d/tcp\":{}", n > 1 ? "," : "", n);
	}
	(void)snprintf(text + len, room - len, "}}}");
	c = must_parse(text);
	assert_int_equal(c->labels.n, CONTAINER_LABELS_MAX);
	assert_int_equal(c->port_n, CONTAINER_PORTS_MAX);
	container_free(c);
	free(text);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "2026-11-26T20:40:11Z", 1795725611000 },
		{ "2026-11-26T21:40:11.5+01:00", 1795725611500 },
		{ "2026-11-26T15:10:11.05-05:30", 1795725611050 },
		{ "0001-01-01T00:00:00Z", 0 },
		{ "2026-11-26", 0 },
	};

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(*rows); n++) {
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "{\"Id\":\"" ID "\",\"State\":{\"StartedAt\":\"%s\"}}",
		    rows[n].text);
		struct container *c = must_parse(text);

		assert_true(c->started_wall_ms == rows[n].ms);
		container_free(c);
	}
}

/* ---- lists and events ------------------------------------------------- */

static void collect(void *arg, const char *id, bool running)
{
	char *text = arg;
	size_t len = strlen(text);

	(void)snprintf(
	    text + len, 256 - len, "%.12s%c ", id, running ? '+' : '-');
}

static void test_list(void **state)
{
	static const char text[] =
	    "[{\"Id\":\"" ID "\",\"State\":\"running\"},{\"Id\":\"zzz\"},7,"
	    "{\"Id\":\"0123456789ab\",\"State\":\"exited\"}]";
	char got[256] = "";

	(void)state;
	assert_int_equal(
	    container_list_parse(text, strlen(text), collect, got), 0);
	assert_string_equal(got, "ae39e2e720f4+ 0123456789ab- ");
	assert_int_equal(container_list_parse("{}", 2, collect, got), -EINVAL);
}

static void test_events(void **state)
{
	static const struct {
		const char *type, *action, *id;
		enum container_event_kind kind;
	} rows[] = {
		{ "container", "start", ID, CONTAINER_CHANGED },
		{ "container", "die", ID, CONTAINER_ENDED },
		{ "container", "died", ID, CONTAINER_ENDED },
		{ "container", "destroy", ID, CONTAINER_REMOVED },
		{ "container", "remove", ID, CONTAINER_REMOVED },
		{ "container", "rename", ID, CONTAINER_CHANGED },
		{ "container", "health_status: healthy", ID,
		    CONTAINER_CHANGED },
		{ "container", "exec_start: sh", ID, CONTAINER_SAME },
		{ "container", "die", "../x", CONTAINER_SAME },
		{ "container", "die", "", CONTAINER_SAME },
		{ "image", "remove", ID, CONTAINER_SAME },
	};
	struct container_event e;

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(*rows); n++) {
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "{\"Type\":\"%s\",\"Action\":\"%s\",\"Actor\":{\"ID\":"
		    "\"%s\"}}",
		    rows[n].type, rows[n].action, rows[n].id);
		assert_int_equal(
		    container_event_parse(text, strlen(text), &e), 0);
		if (e.kind != rows[n].kind)
			fail_msg("%s %s", rows[n].type, rows[n].action);
	}
	/* of a network, who joined it */
	static const char network[] =
	    "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":"
	    "\"ffffffffffff\",\"Attributes\":{\"container\":\"" ID "\"}}}";

	assert_int_equal(
	    container_event_parse(network, strlen(network), &e), 0);
	assert_int_equal(e.kind, CONTAINER_CHANGED);
	assert_string_equal(e.id, ID);
	assert_int_equal(container_event_parse("[]", 2, &e), -EINVAL);
	assert_int_equal(container_event_parse("{\"Ty", 4, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inspect),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
