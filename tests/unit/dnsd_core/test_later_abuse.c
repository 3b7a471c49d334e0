// SPDX-License-Identifier: BSD-2-Clause
/*
 * Answers that come later when there are too many, when they never come, and
 * when the server ends meanwhile.
 */
#include "dnsd/options.h"
#include "dnsd/transport/server.h"
#include "tests/unit/dnsd_core/support_later.h"

/* ---- too many --------------------------------------------------------- */

static void test_full(void **state)
{
	enum { SLOTS = 16, N = 40 };
	struct desk *d = desk_new();
	struct site *s =
	    desk_site(d, &(struct site_plan){ .config.slot_n = SLOTS });
	scoped_fd int fd = udp_client_new(s, htonl(INADDR_LOOPBACK));
	uint16_t id = 0;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < N; i++)
			udp_ask(fd, "hold.a A edns=1232", (uint16_t)i);
		for (unsigned i = 0; i < N - SLOTS; i++) {
			scoped_free char *got = udp_hear(fd, &id);

			assert_non_null(got);
			assert_string_equal(
			    got, "SERVFAIL\nopt 1232 option15=29\n");
		}
		/* others do not notice */
		udp_ask(fd, "web.svc.test A", 1000);
		scoped_free char *other = udp_hear(fd, &id);
		assert_non_null(other);
		assert_int_equal(id, 1000);
		desk_await(d, &d->held_n, SLOTS);
		assert_int_equal(desk_release_all(d), SLOTS);
		for (unsigned i = 0; i < SLOTS; i++) {
			scoped_free char *got = udp_hear(fd, &id);

			assert_non_null(got);
			assert_non_null(strstr(got, "afterwards"));
		}
		assert_int_equal(
		    counted_all(s, STAT_LATER_FULL), (round + 1) * (N - SLOTS));
	}
	assert_int_equal(counted_all(s, STAT_SERVFAIL), 3 * (N - SLOTS));
	assert_int_equal(counted_all(s, STAT_DEFERRED), 3 * N);
	site_free(s);
	desk_free(d);
}

/* One connection does not get all of it. */
static void test_share_of_a_connection(void **state)
{
	enum { SHARE = 256, N = 300 };
	struct desk *d = desk_new();
	struct site *s = desk_site(d, &(struct site_plan){ 0 });
	scoped_fd int fd = client_new(s), other = client_new(s);
	struct script script = { 0 };
	struct heard h = { 0 };

	(void)state;
	for (unsigned i = 0; i < N; i++)
		script_ask(&script, "hold.a A", (uint16_t)i);
	say(fd, &script);
	for (unsigned i = 0; i < N - SHARE; i++) {
		assert_true(hear(fd, &h));
		assert_int_equal(h.rcode, RCODE_SERVFAIL);
	}
	ask_one(other, "now.a A", 1);
	assert_heard(other, 1);
	desk_await(d, &d->held_n, SHARE);
	assert_int_equal(desk_release_all(d), SHARE);
	for (unsigned i = 0; i < SHARE; i++) {
		assert_true(hear(fd, &h));
		assert_int_equal(h.rcode, RCODE_NOERROR);
	}
	script_free(&script);
	site_free(s);
	desk_free(d);
}

/* Nobody who waits is closed while somebody else can make room. */
static void test_room_for_newcomers(void **state)
{
	enum { MAX = 4 };
	struct desk *d = desk_new();
	struct site *s =
	    desk_site(d, &(struct site_plan){ .connection_max = MAX });
	scoped_fd int waiting = client_new(s);

	(void)state;
	ask_one(waiting, "hold.a A", 1);
	desk_await(d, &d->held_n, 1);
	for (unsigned i = 0; i < 3 * MAX; i++) {
		scoped_fd int fd = client_new(s);

		ask_one(fd, "web.svc.test A", 2);
		assert_heard(fd, 2);
		/* it stays until it is closed: is the idlest at some time */
	}
	assert_true(desk_answer(d, 0));
	assert_heard(waiting, 1);
	site_free(s);
	desk_free(d);
}

/* ---- never ------------------------------------------------------------ */

static void test_overdue(void **state)
{
	enum { SLOTS = 4 };
	static const char want[] = "SERVFAIL\nopt 1232 option15=22\n";
	struct desk *d = desk_new();
	struct site *s = desk_site(
	    d, &(struct site_plan){
	           .config = { .slot_n = SLOTS, .patience_ms = 100 } });
	scoped_fd int fd = udp_client_new(s, htonl(INADDR_LOOPBACK));
	scoped_fd int stream = client_new(s);
	uint16_t id = 0;

	(void)state;
	/* more often than there are slots: they come back */
	for (unsigned round = 0; round < 3; round++) {
		udp_ask(fd, "none.a A edns=1232", 1);
		udp_ask(fd, "hold.a A edns=1232", 2);
		ask_one(stream, "none.a A", 3);
		for (unsigned i = 0; i < 2; i++) {
			scoped_free char *got = udp_hear(fd, &id);

			assert_non_null(got);
			assert_string_equal(got, want);
		}
		struct heard h = { 0 };
		assert_true(hear(stream, &h));
		assert_int_equal(h.rcode, RCODE_SERVFAIL);
		/* too late: not even for who has the slot now */
		udp_ask(fd, "none.a A edns=1232", 4);
		desk_await(d, &d->taken_n, 4 * (round + 1));
		assert_false(desk_answer(d, round));
		scoped_free char *got = udp_hear(fd, &id);
		assert_int_equal(id, 4);
		assert_string_equal(got, want);
	}
	assert_int_equal(counted_all(s, STAT_LATER_OVERDUE), 12);
	site_free(s);
	desk_free(d);
}

/* All threads wait for something else: time goes on all the same. */
static void test_overdue_while_all_wait(void **state)
{
	enum { THREADS = 2 };
	struct desk *d = desk_new();
	struct site *s = desk_site(
	    d, &(struct site_plan){
	           .config = { .thread_n = THREADS, .patience_ms = 100 } });
	scoped_fd int fd = client_new(s);
	struct heard h = { 0 };

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		ask_one(fd, "block.a A", (uint16_t)i);
	desk_await(d, &d->taken_n, THREADS);
	ask_one(fd, "now.a A", 9); /* waits for a thread, too long */
	for (unsigned i = 0; i < THREADS; i++) {
		assert_true(hear(fd, &h));
		assert_true(h.id < THREADS);
		assert_int_equal(h.rcode, RCODE_SERVFAIL);
	}
	desk_wait_ms(100);
	desk_unblock(d);
	assert_true(hear(fd, &h));
	assert_int_equal(h.id, 9);
	assert_int_equal(h.rcode, RCODE_SERVFAIL);
	assert_int_equal(d->taken_n, THREADS); /* he was spared it */
	ask_one(fd, "now.a A", 10);
	assert_heard(fd, 10);
	site_free(s);
	desk_free(d);
}

/* ---- many at once ----------------------------------------------------- */

struct client {
	const struct site *site;
	pthread_t thread;
	unsigned seed, wrong, heard_n;
};

/* Asks what it likes, hears some of it, and goes when it likes. */
static void *visit(void *arg)
{
	static const char *const questions[] = { "now.a A", "wait.a A",
		"hold.a A", "none.a A", "drop.a A", "web.svc.test A",
		"_big._tcp.svc.test SRV" };
	struct client *c = arg;
	struct rng rng;

	rng_seed_fixed(&rng, c->seed);
	for (unsigned visit_n = 0; visit_n < 12; visit_n++) {
		scoped_fd int fd = client_new(c->site);
		unsigned n = 1 + rng_below(&rng, 20);
		unsigned hears = rng_below(&rng, 4) ? 0 : n / 3;
		uint16_t first = (uint16_t)(100 * visit_n);

		for (unsigned i = 0; i < n; i++) {
			unsigned k = rng_below(&rng, 9);
			const char *q = questions[k < 7 ? k : 0];

			if (k == 8) {
				ask_opcode(fd, "_big._tcp.svc.test SRV",
				    (uint16_t)(first + i), OPCODE_NOTIFY);
			} else {
				ask_one(fd, q, (uint16_t)(first + i));
			}
		}
		struct timeval short_patience = { 2, 0 };
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_patience,
		    sizeof(short_patience));
		for (struct heard h; hears && hear(fd, &h); hears--) {
			c->heard_n++;
			c->wrong += h.id < first || h.id >= first + n;
		}
	}
	return NULL;
}

static void test_crowd(void **state)
{
	enum { CLIENTS = 6 };
	struct desk *d = desk_new();
	struct site *s =
	    desk_site(d, &(struct site_plan){ .config = { .slot_n = 64,
	                                          .thread_n = 3,
	                                          .patience_ms = 200 } });
	struct client clients[CLIENTS] = { 0 };
	unsigned heard_n = 0;

	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ .site = s, .seed = i + 1 };
		pthread_create(&clients[i].thread, NULL, visit, &clients[i]);
	}
	/* meanwhile services change, and tickets are answered from here */
	for (unsigned i = 0; i < 300; i++) {
		world_add(s->world,
		    i % 2 ? "service web port 80\ninstance i1 192.0.2.1\n"
		          : "service web port 81\ninstance i2 192.0.2.2\n");
		(void)reclaim_run(s->world->reclaim);
		(void)desk_release_all(d);
		desk_wait_ms(1);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		assert_int_equal(clients[i].wrong, 0);
		heard_n += clients[i].heard_n;
	}
	assert_true(heard_n > 0);
	site_free(s);
	desk_free(d);
}

/* ---- the end ---------------------------------------------------------- */

struct ending {
	struct options options;
	const char *listen;
	char text[ADDRESS_TEXT_MAX];
	struct site *site; /* for its world and its port; not asked */
	struct server *server;
	struct site clients; /* that clients ask */
};

/* A whole server: workers for UDP and TCP. */
static void ending_start(struct ending *e, struct desk *d)
{
	struct world *w = world_new_readers(zone_text, 64);
	struct handler_source source = { w->catalog, &w->identity, &w->slot,
		WORLD_UDP_MAX, d->table, NULL, NULL, NULL };
	struct sockaddr_in *in = (void *)&e->clients.door.address.storage;
	struct diag diag;
	int one = 1;

	*e = (struct ending){ .clients.world = w };
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	e->clients.door.address.len = sizeof(*in);
	/* a port that nobody has; free again, so another may take it: again */
	for (int tries = 0; !e->server && tries < 20; tries++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		in->sin_port = 0;
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		assert_int_equal(bind(fd, (void *)in, sizeof(*in)), 0);
		assert_int_equal(
		    getsockname(fd, (void *)in, &e->clients.door.address.len),
		    0);
		close(fd);
		address_to_text(&e->clients.door.address, e->text);
		e->listen = e->text;
		e->options = (struct options){ .listen = { &e->listen, 1 },
			.workers = 2,
			.tcp_connections = 100,
			.tcp_idle_ms = IDLE_LONG_MS };
		assert_true(server_reader_n(&e->options) <= 64);
		(void)server_start(
		    &e->options, NULL, &source, w->reclaim, &e->server, &diag);
	}
	assert_non_null(e->server);
}

static void *end_server(void *arg)
{
	struct ending *e = arg;

	server_stop(e->server);
	return NULL;
}

/* Who is answered while the server ends gets the answer, on both ways. */
static void test_end_waits_a_while(void **state)
{
	struct desk *d = desk_new();
	struct ending e;
	pthread_t thread;
	uint16_t id = 0;

	(void)state;
	ending_start(&e, d);
	scoped_fd int udp = udp_client_new(&e.clients, htonl(INADDR_LOOPBACK));
	scoped_fd int fd = client_new(&e.clients);
	udp_ask(udp, "hold.a A", 1);
	ask_one(fd, "hold.a A", 2);
	desk_await(d, &d->held_n, 2);
	pthread_create(&thread, NULL, end_server, &e);
	desk_wait_ms(200);
	assert_int_equal(desk_release_all(d), 2);
	scoped_free char *got = udp_hear(udp, &id);
	assert_non_null(got);
	assert_non_null(strstr(got, "afterwards"));
	assert_heard(fd, 2);
	assert_true(is_closed(fd, PATIENCE_MS));
	pthread_join(thread, NULL);
	world_free(e.clients.world);
	desk_free(d);
}

/* Who never is, does not keep it from ending; nor who waits in take(). */
static void test_end_is_bounded(void **state)
{
	static const char *const questions[] = { "hold.a A", "none.a A",
		"block.a A", "wait.a A" };
	struct desk *d = desk_new();
	struct ending e;

	(void)state;
	ending_start(&e, d);
	scoped_fd int udp = udp_client_new(&e.clients, htonl(INADDR_LOOPBACK));
	scoped_fd int fd = client_new(&e.clients);
	for (uint16_t i = 0; i < 40; i++) {
		udp_ask(udp, questions[i % 4], (uint16_t)i);
		ask_one(fd, questions[i % 4], (uint16_t)i);
	}
	desk_await(d, &d->taken_n, 4);
	int64_t start = clock_mono_ms();
	server_stop(e.server);
	int64_t took = clock_mono_ms() - start;
	assert_true(took >= STREAM_DRAIN_MS / 2);
	assert_true(took < STREAM_DRAIN_MS + PATIENCE_MS / 2);
	world_free(e.clients.world);
	desk_free(d);
}

/* And in the middle of everything. */
static void test_end_of_a_crowd(void **state)
{
	enum { CLIENTS = 4 };
	struct desk *d = desk_new();
	struct ending e;

	(void)state;
	ending_start(&e, d);
	scoped_fd int udp = udp_client_new(&e.clients, htonl(INADDR_LOOPBACK));
	int fd[CLIENTS];
	for (unsigned i = 0; i < CLIENTS; i++)
		fd[i] = client_new(&e.clients);
	for (uint16_t i = 0; i < 400; i++) {
		udp_ask(udp, i % 3 ? "now.a A" : "wait.a A", (uint16_t)i);
		ask_one(fd[i % CLIENTS], i % 2 ? "now.a A" : "wait.a A",
		    (uint16_t)i);
	}
	close(fd[0]);
	server_stop(e.server);
	for (unsigned i = 1; i < CLIENTS; i++)
		close(fd[i]);
	world_free(e.clients.world);
	desk_free(d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_share_of_a_connection),
		cmocka_unit_test(test_room_for_newcomers),
		cmocka_unit_test(test_overdue),
		cmocka_unit_test(test_overdue_while_all_wait),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_end_waits_a_while),
		cmocka_unit_test(test_end_is_bounded),
		cmocka_unit_test(test_end_of_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
