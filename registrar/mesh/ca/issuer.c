// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/ca/issuer.h"

#include "registrar/definition/definition_mesh.h"
#include "registrar/mesh/ca/authority.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/notify.h"
#include "schema/base/scoped.h"
#include "schema/label.h"
#include "schema/mesh.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PATIENCE_S 1
#define KEEP_MS INT64_C(2592000000) /* of what has ended */

struct issuer {
	const struct registrar_options *o;
	struct authority *authority;
	int listener, signals;
};

/* ---- both ends --------------------------------------------------------- */

static int set_address(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, path, strlen(path) + 1);
	return 0;
}

static void set_patience(int fd)
{
	const struct timeval t = { .tv_sec = PATIENCE_S };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* To the end of what the other says; -errno. */
static int read_all(int fd, char buf[static CA_TEXT_MAX + 1])
{
	int64_t until_ms = clock_mono_ms() + (int64_t)PATIENCE_S * 1000;
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, buf + len, CA_TEXT_MAX - len, 0);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == CA_TEXT_MAX || memchr(buf, '\0', len))
			return -E2BIG;
		if (clock_mono_ms() > until_ms)
			return -ETIMEDOUT;
	}
	buf[len] = '\0';
	return 0;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- who may have it --------------------------------------------------- */

struct asking {
	const struct issuer *is;
	struct arena *arena;
	struct ucred peer;
	struct identity who;
	const char *request;
	const char *user; /* of the service, by its policy */
	const char *why;  /* it has none */
};

static void on_service(void *arg, const struct service_row *row)
{
	struct asking *q = arg;
	struct mesh_policy p;
	struct diag why;

	q->why = "it is not in the mesh";
	if (!row->mesh)
		return;
	q->why = "its 'mesh' cannot be understood";
	if (mesh_policy_parse(q->arena, row->mesh, row->zone, &p, &why) < 0)
		return;
	q->why = "it has no 'user'";
	q->user = p.user;
}

static bool peer_may(const struct asking *q)
{
	const struct passwd *pw = getpwnam(q->user);

	return q->peer.uid == 0 || q->peer.uid == geteuid() ||
	       (pw && pw->pw_uid == q->peer.uid);
}

static int check(struct asking *q, struct registry *r, struct diag *reterr)
{
	bool revoked = true;
	int error = registry_read_service_row(
	    r, q->who.zone, q->who.service, on_service, q, reterr);

	if (error < 0)
		return error;
	if (!q->user)
		return diag_set(reterr, -EACCES, "%s", q->why);
	error = registry_is_mesh_revoked(
	    r, q->who.zone, q->who.service, &revoked, reterr);
	if (error < 0)
		return error;
	if (revoked)
		return diag_set(reterr, -EACCES, "it is revoked");
	if (!peer_may(q)) {
		return diag_set(reterr, -EACCES,
		    "it runs as user '%s', who asks is another", q->user);
	}
	return 0;
}

static int issue(struct asking *q, struct registry *r, struct issued *ret_i,
    struct diag *reterr)
{
	int64_t now_ms = clock_wall_ms();
	int error = check(q, r, reterr);

	if (error == 0) {
		error = authority_sign(q->is->authority, q->request, &q->who,
		    now_ms, q->is->o->ca_life_ms, q->arena, ret_i, reterr);
	}
	if (error < 0)
		return error;
	const struct mesh_certificate_row row = {
		.serial = ret_i->serial,
		.zone = q->who.zone,
		.service = q->who.service,
		.instance = q->who.instance,
		.asked_by = arena_printf(
		    q->arena, "uid %u, pid %d", q->peer.uid, (int)q->peer.pid),
		.issued_wall_ms = now_ms,
		.until_wall_ms = ret_i->until_wall_ms,
	};

	(void)registry_prune_mesh_certificates(r, now_ms - KEEP_MS, 100, NULL);
	return registry_put_mesh_certificate(r, &row, reterr);
}

/* "issue ZONE SERVICE INSTANCE\n" and a request; text is cut up. */
static bool split(struct asking *q, char *text)
{
	char *end = strchr(text, '\n'), *save = NULL;

	if (!end)
		return false;
	*end = '\0';
	q->request = end + 1;
	const char *verb = strtok_r(text, " ", &save);

	q->who.zone = strtok_r(NULL, " ", &save);
	q->who.service = strtok_r(NULL, " ", &save);
	q->who.instance = strtok_r(NULL, " ", &save);
	return verb && !strcmp(verb, "issue") && q->who.instance &&
	       !strtok_r(NULL, " ", &save) && label_is_zone(q->who.zone) &&
	       label_is_service(q->who.service) &&
	       label_is_service(q->who.instance);
}

static void answer(struct asking *q, int fd, char *text)
{
	struct registry *r = NULL;
	struct issued i = { 0 };
	struct diag why;

	if (!split(q, text)) {
		log_warn("mesh ca: a request that is none: uid=%u pid=%d",
		    q->peer.uid, (int)q->peer.pid);
		(void)write_all(fd, "error found no request\n");
		return;
	}
	int error =
	    registry_open(q->is->o->run.registry, REGISTRY_WRITE, &r, &why);

	if (error == 0)
		error = issue(q, r, &i, &why);
	if (error == 0) {
		log_info("mesh ca: issued: service='%s.%s' instance='%s' "
		         "serial=%s uid=%u",
		    q->who.service, q->who.zone, q->who.instance, i.serial,
		    q->peer.uid);
		(void)write_all(fd, arena_printf(q->arena, "ok\n%s\n%s", i.pem,
		                        authority_roots(q->is->authority)));
	} else {
		log_warn("mesh ca: refused: service='%s.%s' uid=%u pid=%d: %s",
		    q->who.service, q->who.zone, q->peer.uid, (int)q->peer.pid,
		    why.text);
		(void)write_all(
		    fd, arena_printf(q->arena, "error %s\n", why.text));
	}
	registry_close(r);
}

static void serve_one(struct issuer *is)
{
	char text[CA_TEXT_MAX + 1];
	scoped_fd int fd = accept4(is->listener, NULL, NULL, SOCK_CLOEXEC);
	struct asking q = { .is = is };
	socklen_t len = sizeof(q.peer);

	if (fd < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &q.peer, &len) < 0)
		return;
	set_patience(fd);
	int error = read_all(fd, text);

	if (error < 0) {
		log_warn("mesh ca: no request from uid=%u pid=%d: %s",
		    q.peer.uid, (int)q.peer.pid, strerror(-error));
		return;
	}
	q.arena = arena_new();
	answer(&q, fd, text);
	arena_free(q.arena);
}

/* ---- the process ------------------------------------------------------- */

static int start(struct issuer *is, struct diag *reterr)
{
	const char *path = is->o->ca_socket;
	struct sockaddr_un a;
	sigset_t set;
	int error = authority_open(is->o->ca_dir, &is->authority, reterr);

	if (error < 0)
		return error;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	is->signals = signalfd(-1, &set, SFD_CLOEXEC);
	is->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (is->signals < 0 || is->listener < 0)
		return diag_set(reterr, -errno, "no socket");
	if (set_address(&a, path) < 0)
		return diag_set(reterr, -EINVAL, "'%s' is too long", path);
	(void)unlink(path);
	if (bind(is->listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    chmod(path, 0666) < 0 || listen(is->listener, 64) < 0) {
		return diag_set(reterr, -errno, "cannot listen on '%s': %s",
		    path, strerror(errno));
	}
	struct sandbox s = { .mode = is->o->run.sandbox,
		.uses = SANDBOX_CONNECTS };

	error = sandbox_files(&s, is->o->run.registry, reterr);
	if (error == 0)
		error = sandbox_calls(&s, reterr);
	if (error == 0)
		sandbox_log(&s);
	return error;
}

int issuer_main(const struct registrar_options *o)
{
	struct issuer is = { .o = o, .listener = -1, .signals = -1 };
	struct diag why;

	log_setup("registrar", o->run.log_level, o->run.log_format);
	int error = start(&is, &why);

	if (error < 0) {
		log_error("mesh ca: %s", why.text);
	} else {
		log_info("mesh ca: listening: socket='%s'", o->ca_socket);
		notify_state("READY=1");
	}
	while (error == 0) {
		struct pollfd p[] = { { .fd = is.signals, .events = POLLIN },
			{ .fd = is.listener, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			break;
		if (p[1].revents)
			serve_one(&is);
	}
	authority_free(is.authority);
	return error < 0 ? 1 : 0;
}

/* ---- who asks ---------------------------------------------------------- */

static int exchange(const char *path, const char *request,
    char buf[static CA_TEXT_MAX + 1], struct diag *reterr)
{
	struct sockaddr_un a;
	scoped_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = set_address(&a, path);

	if (fd < 0 || error < 0)
		return diag_set(reterr, -EINVAL, "no socket for '%s'", path);
	set_patience(fd);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		error = -errno;
	if (error == 0)
		error = write_all(fd, request);
	if (error == 0 && shutdown(fd, SHUT_WR) < 0)
		error = -errno;
	if (error == 0)
		error = read_all(fd, buf);
	if (error < 0) {
		return diag_set(reterr, error,
		    "the authority at '%s' does not answer: %s", path,
		    strerror(-error));
	}
	return 0;
}

int issuer_ask(const char *socket, const char *zone, const char *service,
    const char *instance, struct arena *a, struct credentials *ret_c,
    struct diag *reterr)
{
	char buf[CA_TEXT_MAX + 1];
	const char *key, *request;
	int error = authority_request(a, &key, &request, reterr);

	if (error == 0) {
		error = exchange(socket,
		    arena_printf(a, "issue %s %s %s\n%s", zone, service,
		        instance, request),
		    buf, reterr);
	}
	if (error < 0)
		return error;
	char *roots = strstr(buf, "\n\n");

	if (strncmp(buf, "ok\n", 3) != 0 || !roots) {
		buf[strcspn(buf, "\n")] = '\0';
		diag_make_printable(buf);
		return diag_set(reterr, -EACCES, "%.300s", buf);
	}
	roots[1] = '\0';
	ret_c->pem = arena_printf(a, "%s%s", buf + 3, key);
	ret_c->roots = arena_strdup(a, roots + 2);
	return 0;
}
