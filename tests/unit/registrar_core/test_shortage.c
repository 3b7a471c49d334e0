// SPDX-License-Identifier: BSD-2-Clause
/*
 * Want of descriptors, memory, processes, buffers and ports is never a
 * verdict: each kind of check, each in a process of its own that is short of
 * one thing, for a while.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tls_support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SKIPPED 77
#define LATER_MS 60000 /* the interval: a run before that is a second try */

static struct tls_world world;
static char secret[160], sock[128], ca[128], word[128];
static const char *no_argv[] = { "/bin/true", NULL };
static const struct check_range ok_range = { 200, 299 };
static struct conf_pair token = { "Authorization", NULL };

/* ---- what is checked -------------------------------------------------- */

enum what {
	TCP,
	TALK,
	TLS,
	HTTP,
	HTTP_UNIX,
	HTTP_SECRET,
	UDP,
	DNS,
	FILE_,
	ICMP,
	POSTGRES,
	POSTGRES_PASSWORD,
	REDIS,
	REDIS_PASSWORD,
	GRPC,
	H2PING,
	EXEC,
	EXEC_USER,
	WHAT_N
};

static const char *const names[WHAT_N] = { "tcp", "tcp, send", "tcp, tls",
	"http", "http, socket", "http, secret", "udp", "dns", "file", "icmp",
	"postgres", "postgres, password_file", "redis", "redis, password_file",
	"grpc", "h2ping", "exec", "exec, user" };

static struct check_http http_spec(int port)
{
	return (struct check_http){ .url = "http://127.0.0.1/",
		.address = "127.0.0.1",
		.port = port,
		.host = "h",
		.target = "/",
		.method = "GET",
		.status = { (struct check_range *)(uintptr_t)&ok_range, 1 } };
}

static void add_net(struct check_spec *s, enum what what, int port)
{
	if (what <= TLS) {
		s->kind = CHECK_TCP;
		s->tcp = (struct check_tcp){
			.to = "", .address = "127.0.0.1", .port = port
		};
		if (what == TALK)
			s->tcp.send = (struct check_payload){ "x", 1 };
		s->tcp.tls = (struct net_tls){ .on = what == TLS,
			.verify = true,
			.server_name = "127.0.0.1",
			.ca_file = ca };
	} else if (what <= HTTP_SECRET) {
		s->kind = CHECK_HTTP;
		s->http = http_spec(port);
		if (what == HTTP_UNIX)
			s->http.socket = sock;
		token.value = secret;
		s->http.secrets = what == HTTP_SECRET;
		s->http.headers =
		    (struct conf_pairs){ &token, what == HTTP_SECRET };
	} else if (what == UDP) {
		s->kind = CHECK_UDP;
		s->udp = (struct check_udp){ .to = "",
			.address = "127.0.0.1",
			.port = port,
			.send = { "x", 1 } };
	} else if (what == DNS) {
		s->kind = CHECK_DNS;
		s->dns = (struct check_dns){ .to = "",
			.address = "127.0.0.1",
			.port = port,
			.name = "example.",
			.type = 1 };
	} else {
		s->kind = CHECK_ICMP;
		s->icmp = (struct check_icmp){ .address = "127.0.0.1" };
	}
}

static void add_database(struct check_spec *s, enum what what, int port)
{
	const char *password =
	    what == POSTGRES_PASSWORD || what == REDIS_PASSWORD ? word : NULL;

	if (what == POSTGRES || what == POSTGRES_PASSWORD) {
		s->kind = CHECK_POSTGRES;
		s->postgres = (struct check_postgres){ .to = "",
			.address = "127.0.0.1",
			.port = port,
			.user = "u",
			.database = "d",
			.password_file = password,
			.sslmode = 1 };
	} else {
		s->kind = CHECK_REDIS;
		s->redis = (struct check_redis){ .to = "",
			.address = "127.0.0.1",
			.port = port,
			.password_file = password };
	}
}

static struct check_spec spec_of(enum what what, int port)
{
	struct check_spec s = { .name = "it",
		.interval_ms = LATER_MS,
		.timeout_ms = 300,
		.rise = 1,
		.fall = 1 };

	switch (what) {
	case FILE_:
		s.kind = CHECK_FILE;
		s.file.path = word;
		return s;
	case POSTGRES:
	case POSTGRES_PASSWORD:
	case REDIS:
	case REDIS_PASSWORD:
		add_database(&s, what, port);
		return s;
	case GRPC:
		s.kind = CHECK_GRPC;
		s.grpc = (struct check_grpc){ .to = "",
			.address = "127.0.0.1",
			.port = port,
			.authority = "h",
			.service = "" };
		return s;
	case H2PING:
		s.kind = CHECK_H2PING;
		s.h2ping = (struct check_h2ping){
			.to = "", .address = "127.0.0.1", .port = port
		};
		return s;
	case EXEC:
	case EXEC_USER:
		s.kind = CHECK_EXEC;
		s.timeout_ms = 5000;
		s.exec = (struct check_exec){ .argv = { no_argv, 1 },
			.dir = "/",
			.user = what == EXEC_USER ? "nobody" : NULL };
		return s;
	case TCP:
	case TALK:
	case TLS:
	case HTTP:
	case HTTP_UNIX:
	case HTTP_SECRET:
	case UDP:
	case DNS:
	case ICMP:
	case WHAT_N:
		break;
	}
	add_net(&s, what, port);
	return s;
}

/* ---- what is short ---------------------------------------------------- */

/* From now on, here and in what is forked, that call fails. Never undone. */
static int deny(long call, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { 4, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0
	           ? -1
	           : 0;
}

static void limit_descriptors(rlim_t to)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = to;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* The broker alone is our child. */
static pid_t broker(void)
{
	char path[64];
	int pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	    (int)syscall(SYS_gettid));
	FILE *f = fopen(path, "re");

	if (f) {
		if (fscanf(f, "%d", &pid) != 1) /* NOLINT(cert-err34-c) */
			pid = 0;
		(void)fclose(f);
	}
	return pid;
}

/* A network of our own, where lo is up. */
static bool own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	bool is_root = geteuid() == 0;

	if (unshare(is_root ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER) < 0)
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;

	close(fd);
	return up;
}

#define LAST_PORT "61234"

/* The only local port is taken, for TCP to that port and for UDP. */
static bool take_all_ports(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_port = htons(61234) };
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "we");

	if (!f)
		return false;
	(void)fprintf(f, LAST_PORT " " LAST_PORT);
	if (fclose(f) != 0)
		return false;
	return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to,
	           sizeof(to)) == 0 &&
	       bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&any,
	           sizeof(any)) == 0;
}

/* ---- one case, in a process of its own -------------------------------- */

enum shortage {
	DESCRIPTORS, /* of this process, until the first run has ended */
	BUDGET,      /* those that are for checks */
	CALL,        /* `call` fails with `error` */
	CALL_BEFORE, /* also in the broker and its children */
	PROCESSES,
	PORTS,
};

struct scarce {
	enum shortage shortage;
	long call;
	int error;
	const char *text; /* in the reason */
};

struct stage {
	struct loop l;
	struct server s;
	struct prober pr;
	struct probe p;
	struct outcome o;
};

static bool set_up(struct stage *st, enum what what, const struct scarce *c)
{
	if (c->shortage == PORTS && !own_network())
		return false;
	if (c->shortage == PROCESSES && geteuid() == 0 &&
	    setresuid(65534, 65534, 65534) < 0)
		return false;
	loop_init(&st->l);
	st->s = (struct server){ .manner = SERVER_HANGS };
	server_start(&st->s, &st->l);
	if (c->shortage == CALL_BEFORE && deny(c->call, c->error) < 0)
		return false;
	prober_start(&st->pr, &st->l);
	static struct check_spec spec;

	spec = spec_of(what, st->s.port);
	probe_init(
	    &st->p, &st->pr, &spec, &support_subject, outcome_take, &st->o);
	return true;
}

static bool begin_shortage(struct stage *st, const struct scarce *c)
{
	const struct rlimit none = { 0, 0 };

	switch (c->shortage) {
	case DESCRIPTORS:
		limit_descriptors((rlim_t)lowest_free());
		return true;
	case BUDGET:
		st->pr.net.fd_max = lowest_free();
		return true;
	case CALL:
		return deny(c->call, c->error) == 0;
	case CALL_BEFORE:
		return true;
	case PROCESSES:
		return prlimit(broker(), RLIMIT_NPROC, &none, NULL) == 0;
	case PORTS:
		return take_all_ports(st->s.port);
	}
	return false;
}

static const char *judge(struct stage *st, const struct scarce *c)
{
	if (!loop_until(&st->l, &st->o.done, 10000))
		return "nothing was told";
	if (st->o.verdict != VERDICT_NONE)
		return "there was a verdict";
	if (!strstr(st->o.detail, c->text))
		return "the reason is another one";
	if (st->pr.counts.unable != 1)
		return "it was not counted";
	if (st->pr.counts.kinds[st->p.spec->kind].failed)
		return "it was counted as a failure";
	if (c->shortage != DESCRIPTORS && c->shortage != BUDGET)
		return NULL;
	limit_descriptors(1024);
	st->pr.net.fd_max = 1024;
	st->o.done = false;
	if (!loop_until(&st->l, &st->o.done, 20000))
		return "it was not tried again";
	return st->o.verdict == VERDICT_NONE ? "it could have run" : NULL;
}

static int one_case(enum what what, const struct scarce *c)
{
	static struct stage st;

	if (!set_up(&st, what, c) || !begin_shortage(&st, c))
		return SKIPPED;
	probe_begin(&st.p);
	const char *wrong = judge(&st, c);

	if (wrong) {
		print_error("%s, %d, %s: %s: verdict %d, '%s'\n", names[what],
		    (int)c->shortage, c->text, wrong, (int)st.o.verdict,
		    st.o.detail);
	}
	return wrong ? 1 : 0;
}

/* How many failed. */
static unsigned run_case(enum what what, const struct scarce *c)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(one_case(what, c));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		print_message("skipped: %s, %s: not to be had here\n",
		    names[what], c->text);
		return 0;
	}
	if (!WIFEXITED(status)) {
		print_error("%s, %d, %s: died of signal %d\n", names[what],
		    (int)c->shortage, c->text, WTERMSIG(status));
	}
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

/* ---- the table -------------------------------------------------------- */

#define TO(what) (1U << (what))
#define PASSWORDS (TO(HTTP_SECRET) | TO(POSTGRES_PASSWORD) | TO(REDIS_PASSWORD))
#define FILES (PASSWORDS | TO(FILE_) | TO(TLS))
#define EXECS (TO(EXEC) | TO(EXEC_USER))
#define ALL (TO(WHAT_N) - 1)
#define SOCKETS (ALL & ~(TO(FILE_) | EXECS))
#define CONNECTED (SOCKETS & ~TO(HTTP_UNIX) & ~TO(ICMP))

// clang-format off
static const struct {
	unsigned kinds;
	struct scarce scarce;
} cases[] = {
	{ ALL & ~TO(EXEC_USER), { DESCRIPTORS, 0, 0, "Too many open files" } },
	/* without a conversation it is closed before it could take a place */
	{ SOCKETS & ~TO(TCP), { BUDGET, 0, 0, "Too many open files" } },
	{ SOCKETS & ~PASSWORDS, { CALL, SYS_socket, ENFILE, "Too many open files in system" } },
	{ SOCKETS & ~PASSWORDS, { CALL, SYS_socket, ENOBUFS, "No buffer space" } },
	{ SOCKETS & ~PASSWORDS, { CALL, SYS_socket, ENOMEM, "Cannot allocate memory" } },
	{ SOCKETS, { CALL, SYS_connect, ENOBUFS, "No buffer space" } },
	{ SOCKETS, { CALL, SYS_connect, ENOMEM, "Cannot allocate memory" } },
	{ TO(UDP) | TO(DNS) | TO(ICMP) | TO(HTTP) | TO(REDIS),
	  { CALL, SYS_sendto, ENOBUFS, "No buffer space" } },
	{ FILES, { CALL, SYS_openat, ENFILE, "Too many open files in system" } },
	{ FILES, { CALL, SYS_openat, ENOMEM, "Cannot allocate memory" } },
	{ PASSWORDS | TO(FILE_), { CALL, SYS_read, ENOMEM, "Cannot allocate memory" } },
	{ CONNECTED, { PORTS, 0, 0, "Cannot assign requested address" } },
	{ TO(EXEC), { CALL, SYS_pipe2, ENFILE, "Too many open files in system" } },
	{ TO(EXEC), { CALL, SYS_sendmsg, ENOBUFS, "No buffer space" } },
	{ TO(EXEC), { PROCESSES, 0, 0, "Resource temporarily unavailable" } },
	{ TO(EXEC), { CALL_BEFORE, SYS_execve, EAGAIN, "Resource temporarily unavailable" } },
	{ TO(EXEC), { CALL_BEFORE, SYS_execve, ENOMEM, "Cannot allocate memory" } },
	{ TO(EXEC_USER), { CALL_BEFORE, SYS_openat, ENFILE, "Too many open files in system" } },
};
// clang-format on

static void shortage_is_no_verdict(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		for (unsigned what = 0; what < WHAT_N; what++) {
			if (cases[n].kinds & TO(what)) {
				failed +=
				    run_case((enum what)what, &cases[n].scarce);
			}
		}
	}
	assert_int_equal(failed, 0);
}

/* What the other side lacks is its own. */
static void theirs_is_one(void **state)
{
	static const struct scarce refused = { CALL, SYS_connect, ECONNREFUSED,
		"" };
	static struct stage st;
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!set_up(&st, TCP, &refused) ||
		    !begin_shortage(&st, &refused))
			_exit(SKIPPED);
		probe_begin(&st.p);
		_exit(!loop_until(&st.l, &st.o.done, 10000) ||
		      st.o.verdict != VERDICT_FAIL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SKIPPED);
}

static int make_world(void **state)
{
	(void)state;
	tls_world_init(&world);
	(void)tls_path(&world, "ca.pem", ca);
	(void)tls_path(&world, "sock", sock);
	FILE *f = tls_create(&world, "word");

	(void)fputs("passing", f);
	assert_int_equal(fclose(f), 0);
	(void)tls_path(&world, "word", word);
	(void)snprintf(secret, sizeof(secret), "{file:%s}", word);
	return 0;
}

static int remove_world(void **state)
{
	(void)state;
	(void)unlink(word);
	tls_world_release(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shortage_is_no_verdict),
		cmocka_unit_test(theirs_is_one),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
