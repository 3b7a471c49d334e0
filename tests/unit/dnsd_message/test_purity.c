// SPDX-License-Identifier: BSD-2-Clause
/*
 * The query path neither allocates, nor locks, nor enters the kernel: shown
 * by answering 100,000 requests of every kind where any of that is fatal.
 *
 * Linked with --wrap for all that allocates or locks (CMakeLists.txt); for
 * system calls a child of fork(2) gives them up by strict seccomp(2), under
 * which everything but read, write and exit kills. What is linked is checked
 * by style/check_symbols.py.
 */
#include "dnsd/message/screen/networks.h"
#include "tests/support/ask.h"
#include "tests/support/batch.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 5000 };

/* The one thing here that changes: calls while it counts. */
static struct {
	bool on;
	unsigned n;
} wrapped;

static void count(void)
{
	if (wrapped.on)
		wrapped.n++;
}

/* Names and signatures are the linker's. NOLINTBEGIN(bugprone-*,cert-*) */
#define WRAP(type, name, params, args)                                         \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params                                              \
	{                                                                      \
		count();                                                       \
		return __real_##name args;                                     \
	}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t len), (n, len))
WRAP(void *, realloc, (void *p, size_t len), (p, len))
WRAP(void *, reallocarray, (void *p, size_t n, size_t len), (p, n, len))
WRAP(void *, aligned_alloc, (size_t align, size_t len), (align, len))
WRAP(int, pthread_mutex_lock, (pthread_mutex_t * m), (m))
WRAP(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	count();
	__real_free(p);
}
/* NOLINTEND(bugprone-*,cert-*) */

static const char text[] = "zone svc.test\n"
                           "record many 60 NS ns1\n"
                           "service web port 80 max 0\n"
                           "meta k v\n"
                           "instance i1 192.0.2.1 six 2001:db8::1 weight 1\n"
                           "meta k v\n"
                           "instance i2 192.0.2.2 weight 10\n"
                           "tag v2\n"
                           "instance i3 2001:db8::3 weight 0 priority 1\n"
                           "zone 10.in-addr.arpa\n"
                           "zone 8.b.d.0.1.0.0.2.ip6.arpa\n"
                           "zone svc.test\n";

static const char *const questions[] = {
	"_web._tcp.svc.test SRV",
	"_web._tcp.svc.test PTR",
	"i1._web._tcp.svc.test TXT",
	"web.svc.test A",
	"web.svc.test AAAA edns=512",
	"web.svc.test TXT",
	"i1.web.svc.test A",
	"i1.web.svc.test AAAA do",
	"i1.web.svc.test TXT nsid",
	"i3.web.svc.test SRV",
	"svc.test SOA",
	"many.svc.test NS",
	"_tcp.svc.test A",
	"nope.svc.test A",
	". ANY",
	"web.svc.test ANY",
	"version.bind TXT class=CH",
	"_big._tcp.svc.test SRV",
	"_big._tcp.svc.test PTR",
	"big.svc.test A",
	"big.svc.test AAAA",
	"i77.big.svc.test A",
	"_v2._sub._web._tcp.svc.test PTR",
	"_services._dns-sd._udp.svc.test PTR",
	"lb._dns-sd._udp.svc.test PTR",
	"77.0.0.10.in-addr.arpa PTR",
	"99.9.0.10.in-addr.arpa PTR",
	"svc.test SOA version=3",
	"web.svc.test A cookie=2464c4abcf10c957",
	"web.svc.test A cookie=2464c4abcf10c95701000000000000000102030405060708",
	"web.svc.test A cookie=2464",
	"_big._tcp.svc.test SRV tcp",
};

enum { QUESTIONS = sizeof(questions) / sizeof(*questions) };

struct requests {
	struct world *world;
	uint8_t msg[QUESTIONS][ASK_MAX];
	struct message m[QUESTIONS];
	struct networks *networks, *nobody;
	struct tallies *tallies;
};

static uint8_t response[WIRE_MESSAGE_MAX + RESPOND_SLACK];

static void requests_init(struct requests *r)
{
	r->world = world_new(text);
	static const char *const all[] = { "0.0.0.0/0", "192.0.2.128/25" };

	r->networks = networks_new(all, 2);
	r->nobody = networks_new(NULL, 0);
	char big[200 * 64] = "service big\n";
	for (unsigned i = 0; i < 200; i++) {
		size_t len = strlen(big);

		(void)snprintf(big + len, sizeof(big) - len,
		    "instance i%u %s%u weight %u\n", i,
		    i % 3 ? "10.0.0." : "2001:db8::", i, i % 9);
	}
	world_add(r->world, big);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		char name[ASK_NAME_MAX];
		struct ask a;

		ask_parse(&a, name, questions[i]);
		r->m[i] = (struct message){ r->msg[i], ask_build(&a, r->msg[i]),
			response, 0, NULL };
	}
}

static void requests_release(struct requests *r)
{
	networks_free(r->networks);
	networks_free(r->nobody);
	world_free(r->world);
	tallies_free(r->tallies);
}

/* As for /metrics. */
static void count_everything(struct requests *r)
{
	r->tallies = tallies_new(1, 10);
	r->world->handler->tally = tallies_take(r->tallies);
}

/* Cookies, networks and limits, all at once; the table of accounts is cold. */
static void guard_everything(struct requests *r)
{
	struct policy *p = &r->world->policy;

	for (unsigned i = 0; i < RESPONSE_CLASSES; i++)
		p->responses[i] = (struct limit_rule){ 5, 5, 15 };
	p->queries = (struct limit_rule){ 1000000, 1000000, 0 };
	p->slip = 2;
	p->leak = 3;
	p->prefixes = (struct network_prefixes){ 24, 56 };
	p->allowed = r->networks;
	p->exempt = r->nobody;
	p->watches = true;
	p->cookies = COOKIES_ON;
	p->secrets.n = 2;
	for (unsigned i = 0; i < QUESTIONS; i++)
		r->m[i].peer = &r->world->peer.any;
}

/* 160,000 answers, all but the last question over UDP. */
static void answer_all(struct requests *r)
{
	for (unsigned k = 0; k < ROUNDS; k++) {
		reclaim_in(r->world->reader);
		handle_batch(r->world->handler, r->m, QUESTIONS - 1, VIA_UDP);
		handle_batch(
		    r->world->handler, r->m + QUESTIONS - 1, 1, VIA_TCP);
		reclaim_out(r->world->reader);
	}
}

static void test_no_allocation(void **state)
{
	struct requests r;

	(void)state;
	requests_init(&r);
	count_everything(&r);
	wrapped.on = true;
	answer_all(&r);
	guard_everything(&r);
	answer_all(&r);
	wrapped.on = false;
	assert_int_equal(wrapped.n, 0);
	assert_true(stats_get(&r.world->handler->stats, STAT_RRL_DROPPED) > 0);

	/* and the counters do count */
	wrapped.on = true;
	world_add(r.world, "service one\ninstance i1 192.0.2.1\n");
	wrapped.on = false;
	assert_true(wrapped.n > 0);
	requests_release(&r);
}

/* True: the child answered all of it and needed no system call. */
static bool survives(struct requests *r, bool enter_kernel)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
			_exit(1);
		if (enter_kernel)
			(void)syscall(SYS_getppid);
		answer_all(r);
		/* _exit() would be exit_group(2), which kills as well */
		(void)syscall(SYS_exit, 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || !WEXITSTATUS(status));
	return WIFEXITED(status);
}

/* ThreadSanitizer has a thread of its own, which strict mode leaves alone. */
#if defined(__SANITIZE_THREAD__)
#define HAVE_TSAN true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAVE_TSAN true
#endif
#endif
#ifndef HAVE_TSAN
#define HAVE_TSAN false
#endif

static void test_no_system_call(void **state)
{
	struct requests r;

	(void)state;
	if (HAVE_TSAN)
		skip();
	requests_init(&r);
	guard_everything(&r);
	count_everything(&r);
	assert_true(survives(&r, false));
	assert_false(survives(&r, true));
	requests_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_no_system_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
