// SPDX-License-Identifier: BSD-2-Clause
/* Frame by frame; tests/system/test_grpc.py asks a real server. */
#include "h2_support.h"
#include "tls_support.h"

static struct tls_world world;

static struct check_spec grpc_spec(int port)
{
	return (struct check_spec){ .name = "grpc-1",
		.kind = CHECK_GRPC,
		.interval_ms = 1000,
		.timeout_ms = 5000,
		.rise = 1,
		.fall = 1,
		.grpc = { .to = "",
		    .address = "127.0.0.1",
		    .port = port,
		    .service = "my.pkg.Service",
		    .authority = "localhost" } };
}

static struct check_spec h2ping_spec(int port)
{
	return (struct check_spec){ .name = "h2ping-1",
		.kind = CHECK_H2PING,
		.interval_ms = 1000,
		.timeout_ms = 5000,
		.rise = 1,
		.fall = 1,
		.h2ping = { .to = "", .address = "127.0.0.1", .port = port } };
}

#define BEGIN H2_SETTINGS H2_HEAD
#define LATE "timed out after 300 ms"

// clang-format off
struct row {
	const char *why;
	const char *script; /* for h2_build(); NULL: text */
	const char *text;
	size_t filler_len;
	const char *detail; /* how it begins */
	enum manner manner;
	enum verdict verdict;
};

static const struct row cases[] = {
	/* what the health service says */
	{ "serving", BEGIN "data 00 00 00 00 02 08 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "in pieces", BEGIN "data 00 00\ndata 00 00 02 08\ndata 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "with fields of a later version", BEGIN "data 00 00 00 00 08 12 01 78 18 ff 01 08 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "not serving", BEGIN "data 00 00 00 00 02 08 02\n" H2_OK, NULL, 0, "NOT_SERVING", SERVER_ANSWERS, VERDICT_FAIL },
	{ "service unknown", BEGIN "data 00 00 00 00 02 08 03\n" H2_OK, NULL, 0, "SERVICE_UNKNOWN", SERVER_ANSWERS, VERDICT_FAIL },
	{ "unknown, which is written as nothing", BEGIN "data 00 00 00 00 00\n" H2_OK, NULL, 0, "UNKNOWN", SERVER_ANSWERS, VERDICT_FAIL },
	{ "a number without a name", BEGIN "data 00 00 00 00 02 08 09\n" H2_OK, NULL, 0, "found status 9, expected SERVING", SERVER_ANSWERS, VERDICT_FAIL },
	{ "other types of gRPC", H2_SETTINGS "headers :status=200|content-type=application/grpc+proto\n" "data 00 00 00 00 02 08 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "after 103", H2_SETTINGS "headers :status=103\n" H2_HEAD "data 00 00 00 00 02 08 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "a ping in between", BEGIN "frame 6 0 0 01 02 03 04 05 06 07 08\n" "data 00 00 00 00 02 08 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "and the stream reset behind the end", BEGIN "data 00 00 00 00 02 08 01\n" H2_OK "reset 0\n", NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	{ "and then it goes away", BEGIN "goaway 1 0\n" "data 00 00 00 00 02 08 01\n" H2_OK, NULL, 0, "SERVING", SERVER_ANSWERS, VERDICT_PASS },
	/* status codes of gRPC */
	{ "a header alone", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=14|grpc-message=going%20down\n", NULL, 0, "UNAVAILABLE: going down", SERVER_ANSWERS, VERDICT_FAIL },
	{ "without a message", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=5\n", NULL, 0, "NOT_FOUND", SERVER_ANSWERS, VERDICT_FAIL },
	{ "no health service", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=12|grpc-message=Method not found!\n", NULL, 0, "UNIMPLEMENTED: the server has no health service: Method not found!", SERVER_ANSWERS, VERDICT_FAIL },
	{ "behind a message", BEGIN "data 00 00 00 00 02 08 01\n" "last grpc-status=13|grpc-message=%E2%82%ac%zz%4%00\n", NULL, 0, "INTERNAL: \xe2\x82\xac%zz%4%00", SERVER_ANSWERS, VERDICT_FAIL },
	{ "nothing that moves a terminal", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=2|grpc-message=%1b[2J%ff\n", NULL, 0, "UNKNOWN: ?[2J?", SERVER_ANSWERS, VERDICT_FAIL },
	{ "a code without a name", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=77\n", NULL, 0, "grpc-status 77", SERVER_ANSWERS, VERDICT_FAIL },
	{ "no code", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=0x0\n", NULL, 0, "grpc-status 0x0", SERVER_ANSWERS, VERDICT_FAIL },
	{ "zero, and no message", H2_SETTINGS "last :status=200|content-type=application/grpc|grpc-status=0\n", NULL, 0, "the answer cannot be read: it has no message", SERVER_ANSWERS, VERDICT_FAIL },
	{ "none", BEGIN "data 00 00 00 00 02 08 01\n" "last x=y\n", NULL, 0, "the answer ends without a grpc-status", SERVER_ANSWERS, VERDICT_FAIL },
	/* not gRPC, or not the way it should be */
	{ "a web server", H2_SETTINGS "last :status=404|content-type=text/html\n", NULL, 0, "found HTTP status 404, expected 200", SERVER_ANSWERS, VERDICT_FAIL },
	{ "one that likes everything", H2_SETTINGS "headers :status=200|content-type=text/html\n" "frame 0 1 1 3c 68 31 3e\n", NULL, 0, "found content-type 'text/html', expected application/grpc", SERVER_ANSWERS, VERDICT_FAIL },
	{ "nearly the type", H2_SETTINGS "last :status=200|content-type=application/grpc-web|grpc-status=0\n", NULL, 0, "found content-type 'application/grpc-web', expected application/grpc", SERVER_ANSWERS, VERDICT_FAIL },
	{ "compressed", BEGIN "data 01 00 00 00 02 08 01\n" H2_OK, NULL, 0, "the answer cannot be read: its message is compressed", SERVER_ANSWERS, VERDICT_FAIL },
	{ "cut short", BEGIN "data 00 00 00 00 03 08 01\n" H2_OK, NULL, 0, "the answer cannot be read: its message is cut short", SERVER_ANSWERS, VERDICT_FAIL },
	{ "two messages", BEGIN "data 00 00 00 00 02 08 01 00\n" H2_OK, NULL, 0, "the answer cannot be read: it has more than one message", SERVER_ANSWERS, VERDICT_FAIL },
	{ "no protobuf", BEGIN "data 00 00 00 00 02 08 81\n" H2_OK, NULL, 0, "the answer cannot be read: its message is no protobuf", SERVER_ANSWERS, VERDICT_FAIL },
	/* trouble of HTTP/2 */
	{ "reset", BEGIN "reset 8\n", NULL, 0, "the server reset the stream: CANCEL", SERVER_ANSWERS, VERDICT_FAIL },
	{ "reset without a word", BEGIN "reset 0\n", NULL, 0, "the server reset the stream: NO_ERROR", SERVER_ANSWERS, VERDICT_FAIL },
	{ "it goes away first", H2_SETTINGS "goaway 0 11 too_many_pings\n", NULL, 0, "the server went away: ENHANCE_YOUR_CALM: too_many_pings", SERVER_ANSWERS, VERDICT_FAIL },
	{ "or in the middle", BEGIN "goaway 1 0\n", NULL, 0, "the server went away: NO_ERROR", SERVER_ANSWERS, VERDICT_FAIL },
	{ "closed in the middle", BEGIN "data 00 00\n", NULL, 0, "closed before the answer was complete", SERVER_ANSWERS, VERDICT_FAIL },
	{ "no status", H2_SETTINGS "last content-type=application/grpc\n", NULL, 0, "the answer breaks HTTP/2: ", SERVER_ANSWERS, VERDICT_FAIL },
	{ "a push", H2_SETTINGS "frame 4 1 0 \n" "frame 5 4 1 00 00 00 02\n", NULL, 0, "the answer breaks HTTP/2: Protocol error", SERVER_ANSWERS, VERDICT_FAIL },
	{ "data before headers", H2_SETTINGS "data 00\n", NULL, 0, "the answer breaks HTTP/2: ", SERVER_ANSWERS, VERDICT_FAIL },
	{ "headers that cannot be read", H2_SETTINGS "frame 1 4 1 ff ff ff ff ff ff\n", NULL, 0, "the answer breaks HTTP/2: ", SERVER_ANSWERS, VERDICT_FAIL },
	/* no HTTP/2 at all */
	{ "HTTP/1", NULL, "HTTP/1.1 400 Bad Request\r\n\r\n", 0, "the server speaks HTTP/1, not HTTP/2: 'HTTP/1.1 400 Bad Request'", SERVER_ANSWERS, VERDICT_FAIL },
	{ "garbage", NULL, "\x01\x02 what do you want\n", 0, "the answer is not HTTP/2: '?? what do you want'", SERVER_ANSWERS, VERDICT_FAIL },
	{ "less than a frame", NULL, "hello", 0, "the answer is not HTTP/2: 'hello'", SERVER_ANSWERS, VERDICT_FAIL },
	{ "another frame first", "goaway 0 1\n" H2_SETTINGS, NULL, 0, "the answer is not HTTP/2: '", SERVER_ANSWERS, VERDICT_FAIL },
	{ "an alert of TLS", NULL, "\x15\x03\x01\x01\x02\x02\x46", 0, "the server speaks TLS", SERVER_ANSWERS, VERDICT_FAIL },
	/* too much */
	{ "a long message", BEGIN "frame 0 0 1 00 00 00 08 00\n", "long", 0, "the answer is longer than 1024 octets", SERVER_ANSWERS, VERDICT_FAIL },
	{ "10 MB of what is no frame", H2_SETTINGS, NULL, 10000000, "the answer breaks HTTP/2: FRAME_SIZE_ERROR", SERVER_ANSWERS, VERDICT_FAIL },
	{ "10 MB of garbage", NULL, "x", 10000000, "the answer is not HTTP/2: 'xxxx", SERVER_ANSWERS, VERDICT_FAIL },
	/* too late */
	{ "closed at once", NULL, "", 0, "", SERVER_CLOSES, VERDICT_FAIL },
	{ "silence", NULL, "", 0, LATE ", no answer", SERVER_HANGS, VERDICT_FAIL },
	{ "an answer in dribs is late", BEGIN "data 00 00 00 00 02 08 01\n" H2_OK, NULL, 0, LATE, SERVER_DRIBBLES, VERDICT_FAIL },
};

static const struct row pings[] = {
	{ "it is answered", H2_SETTINGS "pong 00 00 00 00 00 00 00 00\n", NULL, 0, "PING was answered", SERVER_ANSWERS, VERDICT_PASS },
	{ "SETTINGS alone", H2_SETTINGS, NULL, 0, "closed before", SERVER_ANSWERS, VERDICT_FAIL },
	{ "it asks back", H2_SETTINGS "frame 6 0 0 00 00 00 00 00 00 00 00\n", NULL, 0, "closed before", SERVER_ANSWERS, VERDICT_FAIL },
	{ "it goes away", H2_SETTINGS "goaway 0 0 shut down\n", NULL, 0, "the server went away: NO_ERROR: shut down", SERVER_ANSWERS, VERDICT_FAIL },
	{ "HTTP/1", NULL, "HTTP/1.0 400 Bad\r\n", 0, "the server speaks HTTP/1", SERVER_ANSWERS, VERDICT_FAIL },
	{ "silence", NULL, "", 0, LATE ", no answer", SERVER_HANGS, VERDICT_FAIL },
};
// clang-format on

/* With a message of 2000 octets behind what the script says. */
static void put_long(struct h2_answer *a)
{
	static const struct h2_answer zeros = { .len = 2000 };

	h2_frame(a, 0, 0, 1, &zeros);
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static void run_row(
    struct loop *l, const struct row *row, struct check_spec (*make)(int port))
{
	struct h2_answer a = h2_build(row->script ? row->script : "");
	struct server s = { .manner = row->manner,
		.answer = row->script ? a.octets : row->text,
		.filler_len = row->filler_len,
		.eager = true };

	if (row->script && row->text)
		put_long(&a);
	s.answer_len = row->script ? a.len : 0;
	server_start(&s, l);
	struct check_spec spec = make(s.port);

	/* those that are to be on time may be slow, as this host may be */
	if (strncmp(row->detail, LATE, strlen(LATE)) == 0)
		spec.timeout_ms = 300;
	struct outcome o = probe_once(l, &spec, NULL);

	server_stop(&s);
	if (o.verdict != row->verdict ||
	    strncmp(o.detail, row->detail, strlen(row->detail)) != 0) {
		fail_msg(
		    "%s: verdict %d, '%s'", row->why, (int)o.verdict, o.detail);
	}
	if (row->manner == SERVER_ANSWERS)
		assert_memory_equal(s.request, preface, strlen(preface));
}

static void answers_are_judged(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
		run_row(&l, &cases[n], grpc_spec);
	loop_release(&l);
}

static void pings_are_judged(void **state)
{
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(pings) / sizeof(pings[0]); n++)
		run_row(&l, &pings[n], h2ping_spec);
	loop_release(&l);
}

/* As long as anybody may be: flow control lets no more through. */
static void a_flood_of_frames_ends(void **state)
{
	struct h2_answer a = h2_build(H2_SETTINGS), flood = { 0 };
	const struct h2_answer ping = { .len = 8 };
	struct loop l;

	(void)state;
	loop_init(&l);
	char *all = malloc(200000);
	size_t len = a.len;

	assert_non_null(all);
	h2_frame(&flood, 6, 0, 0, &ping);
	memcpy(all, a.octets, a.len);
	for (; len + flood.len <= 200000; len += flood.len)
		memcpy(all + len, flood.octets, flood.len);
	struct server s = { .manner = SERVER_ANSWERS,
		.answer = all,
		.answer_len = len,
		.eager = true };

	server_start(&s, &l);
	const struct check_spec spec = grpc_spec(s.port);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_int_equal(o.verdict, VERDICT_FAIL);
	bool bounded = strncmp(o.detail, "more than 65536 octets", 22) == 0;

	/* nghttp2 may have had enough of it first */
	if (!bounded)
		assert_non_null(strstr(o.detail, "Flooding was detected"));
	server_stop(&s);
	free(all);
	loop_release(&l);
}

// clang-format off
static const struct {
	const char *why;
	const char *server; /* its certificate; NULL: no TLS */
	const char *detail;
	enum verdict verdict;
	bool h2;     /* is offered */
	bool client; /* TLS at our side */
} secure[] = {
	{ "right", "good", "SERVING", VERDICT_PASS, true, true },
	{ "expired", "expired", "TLS handshake: certificate has expired", VERDICT_FAIL, true, true },
	{ "of another", "wrong", "TLS handshake: IP address mismatch", VERDICT_FAIL, true, true },
	{ "by a stranger", "unknown", "TLS handshake: unable to get local issuer certificate", VERDICT_FAIL, true, true },
	{ "without HTTP/2", "good", "TLS handshake: the server does not offer HTTP/2 (ALPN)", VERDICT_FAIL, false, true },
	{ "we do not speak TLS", "good", "", VERDICT_FAIL, true, false },
};
// clang-format on

static void tls_is_spoken(void **state)
{
	const struct h2_answer a =
	    h2_build(BEGIN "data 00 00 00 00 02 08 01\n" H2_OK);
	char ca[128];
	struct loop l;

	(void)state;
	loop_init(&l);
	for (size_t n = 0; n < sizeof(secure) / sizeof(secure[0]); n++) {
		struct server s = { .manner = SERVER_ANSWERS,
			.answer = a.octets,
			.answer_len = a.len,
			.eager = true,
			.tls = tls_server(&world, secure[n].server, false) };

		if (!secure[n].h2)
			SSL_CTX_set_alpn_select_cb(s.tls, NULL, NULL);
		server_start(&s, &l);
		struct check_spec spec = grpc_spec(s.port);

		spec.grpc.tls = (struct net_tls){ .on = secure[n].client,
			.verify = true,
			.server_name = "127.0.0.1",
			.ca_file = tls_path(&world, "ca.pem", ca),
			.alpn = "h2" };
		struct outcome o = probe_once(&l, &spec, NULL);

		if (o.verdict != secure[n].verdict ||
		    strncmp(o.detail, secure[n].detail,
		        strlen(secure[n].detail)) != 0) {
			fail_msg("%s: verdict %d, '%s'", secure[n].why,
			    (int)o.verdict, o.detail);
		}
		server_stop(&s);
		SSL_CTX_free(s.tls);
	}
	loop_release(&l);
}

static void sockets_have_paths(void **state)
{
	const struct h2_answer a =
	    h2_build(BEGIN "data 00 00 00 00 02 08 01\n" H2_OK);
	char path[128];
	struct loop l;

	(void)state;
	loop_init(&l);
	struct server s = { .manner = SERVER_ANSWERS,
		.answer = a.octets,
		.answer_len = a.len,
		.eager = true,
		.path = tls_path(&world, "socket", path) };
	struct check_spec spec = grpc_spec(0);

	spec.grpc.path = path;
	server_start(&s, &l);
	struct outcome o = probe_once(&l, &spec, NULL);

	assert_string_equal(o.detail, "SERVING");
	server_stop(&s);
	o = probe_once(&l, &spec, NULL);
	assert_string_equal(
	    o.detail, "cannot connect: No such file or directory");
	loop_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(pings_are_judged),
		cmocka_unit_test(a_flood_of_frames_ends),
		cmocka_unit_test(tls_is_spoken),
		cmocka_unit_test(sockets_have_paths),
	};

	tls_world_init(&world);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	tls_world_release(&world);
	return r;
}
