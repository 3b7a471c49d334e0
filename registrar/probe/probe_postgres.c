// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_postgres - does a PostgreSQL server answer SELECT 1?
 *
 * libpq speaks the protocol, TLS and all ways to show a password; none of
 * the functions used here waits. What it would look up by itself is given to
 * it: no name service, no password file, no certificates of a home folder.
 * A server that starts, recovers or ends says so with SQLSTATE 57P03; it is
 * there, so all but the end of it is a warning.
 */
#include "registrar/lib/password.h"
#include "registrar/probe/probe.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Octets from the server; what it has to say takes far less. */
#define ANSWER_MAX 262144

#define NOWHERE "/dev/null/none" /* cannot be there */
#define CANNOT_CONNECT_NOW "57P03: "

struct postgres_run {
	PGconn *conn;
	struct event *ready;
	bool connected;
	size_t answer_len; /* so far */
};

/* ---- errors ----------------------------------------------------------- */

/*
 * The text of libpq ends with that of errno; what a server says begins with
 * its severity and SQLSTATE, and its shortage is not ours.
 */
static int shortage(const char *why, int len)
{
	static const int errors[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM,
		EADDRNOTAVAIL };
	static const char ours[] = "could not ", no_memory[] = "out of memory";

	if (len == (int)strlen(no_memory) &&
	    !strncmp(why, no_memory, (size_t)len))
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		const char *text = strerror(errors[i]);
		int n = (int)strlen(text);

		if (n <= len && !strncmp(why + len - n, text, (size_t)n) &&
		    (n == len || !strncmp(why, ours, strlen(ours))))
			return -errors[i];
	}
	return 0;
}

/*
 * The first line, without what libpq says of where it tried: `connection to
 * server at "192.0.2.1", port 5432 failed: FATAL:  57P03: ...`.
 */
static void fail(struct probe *p, const char *text)
{
	const char *failed = strstr(text, " failed: ");
	const char *why = failed ? failed + strlen(" failed: ") : text;
	int len = (int)strcspn(why, "\n");
	const char *now = strstr(why, CANNOT_CONNECT_NOW);
	bool ends = strstr(why, "shutting down");
	int error = shortage(why, len);

	if (error) {
		char ours[256];

		(void)snprintf(ours, sizeof(ours), "%.*s", len, why);
		probe_done_error(p, error, ours);
	} else if (now && now < why + len && !ends) {
		probe_done_fmt(p, VERDICT_WARN, "%.*s", len, why);
	} else {
		probe_done_fmt(p, VERDICT_FAIL, "%.*s", len,
		    len ? why : "the connection broke");
	}
}

/*
 * libpq makes room for whatever a server announces. False: it sends too much,
 * and the run has ended.
 */
static bool is_bounded(struct probe *p)
{
	struct postgres_run *run = p->run;
	int n = 0;

	if (ioctl(PQsocket(run->conn), FIONREAD, &n) == 0 && n > 0)
		run->answer_len += (size_t)n;
	if (run->answer_len <= ANSWER_MAX)
		return true;
	fail(p, "the answer is too long");
	return false;
}

/* ---- SELECT 1 --------------------------------------------------------- */

static void wait_for(struct probe *p, short what);

/* Frees result. False: the run has ended. */
static bool judge_result(struct probe *p, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	bool is_one = status == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
	              strcmp(PQgetvalue(result, 0, 0), "1") == 0;

	if (!is_one) {
		char text[256];

		(void)snprintf(text, sizeof(text), "%s",
		    status == PGRES_TUPLES_OK ? "SELECT 1 is not 1"
		                              : PQresultErrorMessage(result));
		PQclear(result);
		fail(p, text);
		return false;
	}
	PQclear(result);
	return true;
}

/* True: there will be more. */
static bool take_results(struct probe *p)
{
	struct postgres_run *run = p->run;

	while (!PQisBusy(run->conn)) {
		PGresult *result = PQgetResult(run->conn);

		if (!result) {
			probe_done_fmt(p, VERDICT_PASS,
			    "SELECT 1 answered by version %d",
			    PQserverVersion(run->conn) / 10000);
			return false;
		}
		if (!judge_result(p, result))
			return false;
	}
	return true;
}

static void go_on(struct probe *p, short what)
{
	struct postgres_run *run = p->run;

	if ((what & EV_READ) && !is_bounded(p))
		return;
	if ((what & EV_READ) && !PQconsumeInput(run->conn)) {
		fail(p, PQerrorMessage(run->conn));
		return;
	}
	int left = PQflush(run->conn);

	if (left < 0) {
		fail(p, PQerrorMessage(run->conn));
	} else if (take_results(p)) {
		wait_for(p, (short)(left ? EV_READ | EV_WRITE : EV_READ));
	}
}

/* ---- connecting ------------------------------------------------------- */

/*
 * libpq opens what it needs by itself: sockets, the file of CAs. False: it
 * would take a descriptor that is not for checks, and the run has ended.
 */
static bool has_room(struct probe *p)
{
	int r = net_look(&p->prober->net);

	if (r < 0)
		probe_done_error(p, r, strerror(-r));
	return r == 0;
}

static void connect_on(struct probe *p)
{
	struct postgres_run *run = p->run;

	if (!is_bounded(p) || !has_room(p))
		return;
	switch (PQconnectPoll(run->conn)) {
	case PGRES_POLLING_READING:
		wait_for(p, EV_READ);
		return;
	case PGRES_POLLING_WRITING:
		wait_for(p, EV_WRITE);
		return;
	case PGRES_POLLING_OK:
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE:
	default:
		fail(p, PQerrorMessage(run->conn));
		return;
	}
	run->connected = true;
	if (PQsetnonblocking(run->conn, 1) < 0 ||
	    !PQsendQuery(run->conn, "SELECT 1")) {
		fail(p, PQerrorMessage(run->conn));
		return;
	}
	go_on(p, 0);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	const struct postgres_run *run = p->run;

	(void)fd;
	if (run->connected) {
		go_on(p, what);
	} else {
		connect_on(p);
	}
}

/* libpq may have changed the socket: without TLS it begins anew. */
static void wait_for(struct probe *p, short what)
{
	struct postgres_run *run = p->run;

	if (run->ready)
		event_free(run->ready);
	run->ready =
	    event_new(p->prober->base, PQsocket(run->conn), what, on_ready, p);
	if (!run->ready || event_add(run->ready, NULL) < 0)
		abort(); /* out of memory */
}

/* ---- one run ---------------------------------------------------------- */

static void ignore_notice(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static PGconn *open_session(
    const struct check_postgres *check, const char *password)
{
	bool local = strcmp(check->address, "localhost") == 0;
	/* a name for each address */
	scoped_free char *both =
	    local && check->server_name
	        ? xasprintf("%s,%s", check->server_name, check->server_name)
	        : NULL;
	char port[8];

	(void)snprintf(port, sizeof(port), "%d", check->port);
	const char *const pairs[][2] = {
		{ "hostaddr", local ? "127.0.0.1,::1" : check->address },
		{ "host", both ? both : check->server_name },
		{ "port", port },
		{ "user", check->user },
		{ "dbname", check->database },
		{ "password", password },
		{ "passfile", NOWHERE },
		{ "application_name", "rollcall" },
		{ "client_encoding", "UTF8" },
		{ "gssencmode", "disable" },
		{ "sslmode", postgres_sslmode_name(check->sslmode) },
		{ "sslrootcert", check->ca_file ? check->ca_file : NOWHERE },
		{ "sslcert", NOWHERE },
		{ "sslcrl", NOWHERE },
	};
	const char *keys[sizeof(pairs) / sizeof(pairs[0]) + 1] = { NULL };
	const char *values[sizeof(pairs) / sizeof(pairs[0]) + 1] = { NULL };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		keys[i] = pairs[i][0];
		values[i] = pairs[i][1];
	}
	return PQconnectStartParams(keys, values, 0);
}

static void postgres_files(const struct probe *p, struct fetch *f)
{
	const struct check_postgres *check = &p->spec->postgres;

	if (check->password_file)
		fetch_add(f, check->password_file);
	if (check->ca_file)
		fetch_add(f, check->ca_file);
}

static void postgres_start(struct probe *p)
{
	const struct check_postgres *check = &p->spec->postgres;
	char password[PASSWORD_MAX];
	struct diag why;

	int r = password_take(p->fetch, check->password_file, password, &why);

	if (r < 0) {
		probe_done_error(p, r, why.text);
		return;
	}
	if (!has_room(p)) {
		explicit_bzero(password, sizeof(password));
		return;
	}
	struct postgres_run *run = xcalloc(1, sizeof(*run));

	run->conn = open_session(check, password);
	explicit_bzero(password, sizeof(password));
	if (!run->conn)
		abort(); /* out of memory */
	p->run = run;
	/* says the SQLSTATE, in whatever language the server speaks */
	(void)PQsetErrorVerbosity(run->conn, PQERRORS_VERBOSE);
	(void)PQsetNoticeProcessor(run->conn, ignore_notice, NULL);
	if (PQstatus(run->conn) == CONNECTION_BAD) {
		fail(p, PQerrorMessage(run->conn));
	} else {
		wait_for(p, EV_WRITE);
	}
}

static void postgres_stop(struct probe *p)
{
	struct postgres_run *run = p->run;

	if (!run)
		return;
	if (run->ready)
		event_free(run->ready);
	PQfinish(run->conn);
	free(run);
}

static const char *postgres_waiting(const struct probe *p)
{
	const struct postgres_run *run = p->run;

	return run->connected ? "no answer to SELECT 1" : "connecting";
}

const struct probe_ops probe_postgres_ops = {
	.files = postgres_files,
	.start = postgres_start,
	.stop = postgres_stop,
	.waiting = postgres_waiting,
};
