// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/ca/authority.h"
#include "registrar/mesh/ca/issuer.h"
#include "registrar/mesh/haproxy/reply.h"
#include "registrar/mesh/haproxy/sidecar_impl.h"
#include "registrar/mesh/rules.h"
#include "schema/base/log.h"
#include "schema/base/replace.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/conf/node.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RECONNECT_MS 200
#define RECONCILE_MS 30000
#define FILES_MS 200 /* changes of so long are written together */
#define ASK_AGAIN_MS 2000
#define OUTPUT_MAX ((size_t)16 << 20) /* of one that does not read */

struct mesh_service *sidecar_own(const struct sidecar *s)
{
	return mesh_model_find(s->model, s->zone, s->service);
}

struct config sidecar_config(const struct sidecar *s)
{
	return (struct config){ .model = s->model,
		.service = sidecar_own(s),
		.dir = s->o->mesh_dir,
		.name = s->name };
}

/* ---- files ------------------------------------------------------------- */

static void write_file(
    const struct sidecar *s, const char *suffix, const char *text)
{
	scoped_free char *name = xasprintf("%s.%s", s->name, suffix);
	scoped_fd int dir =
	    open(s->o->mesh_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error =
	    dir < 0 ? -errno
	            : replace_file(dir, name, text, strlen(text), REPLACE_SOON);

	if (error < 0) {
		log_error("mesh: cannot write '%s/%s': %s", s->o->mesh_dir,
		    name, strerror(-error));
	}
}

static char *render(
    const struct sidecar *s, void (*write)(const struct config *c, FILE *out))
{
	const struct config c = sidecar_config(s);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort(); /* out of memory */
	if (c.service)
		write(&c, out);
	if (fclose(out) != 0)
		abort();
	return text;
}

static void write_whole(const struct config *c, FILE *out)
{
	config_write(c, false, out);
}

static void write_shape(const struct config *c, FILE *out)
{
	config_write(c, true, out);
}

static void write_files(struct sidecar *s)
{
	scoped_free char *whole = render(s, write_whole);

	s->files_mono_ms = 0;
	write_file(s, "cfg", whole);
	for (unsigned i = 0; i < LISTS_N; i++)
		write_file(s, s->lists[i].suffix, s->lists[i].text);
}

static void write_soon(struct sidecar *s)
{
	if (!s->files_mono_ms)
		s->files_mono_ms = s->now_mono_ms + FILES_MS;
}

/* ---- what is said ------------------------------------------------------ */

void sidecar_say(
    struct sidecar *s, enum what what, unsigned list, const char *text)
{
	struct waiting *w = xcalloc(1, sizeof(*w));

	*w = (struct waiting){ .what = what, .list = list };
	*s->last = w;
	s->last = &w->next;
	(void)bufferevent_write(s->bev, text, strlen(text));
}

static void hang_up(struct sidecar *s)
{
	if (s->bev)
		bufferevent_free(s->bev);
	s->bev = NULL;
	s->is_settled = false;
	while (s->first) {
		struct waiting *w = s->first;

		s->first = w->next;
		free(w);
	}
	s->last = &s->first;
	sidecar_forget_servers(s);
	s->connect_mono_ms = s->now_mono_ms + RECONNECT_MS;
}

static void say_list(struct sidecar *s, unsigned i)
{
	SAY(s, WHAT_VERSION, i, "prepare %s %s/%s.%s\n", s->lists[i].kind,
	    s->o->mesh_dir, s->name, s->lists[i].suffix);
}

/* All of it at once, under a version that then takes the place of the old. */
static void say_version(struct sidecar *s, unsigned i, int version)
{
	const struct list *l = &s->lists[i];
	const char *file = arena_printf(
	    s->scratch, "%s/%s.%s", s->o->mesh_dir, s->name, l->suffix);

	for (const char *line = l->text; *line;) {
		size_t len = strcspn(line, "\n");

		SAY(s, WHAT_DONE, 0, "add %s @%d %s %.*s\n", l->kind, version,
		    file, (int)len, line);
		line += len + (line[len] == '\n');
	}
	SAY(s, WHAT_DONE, 0, "commit %s @%d %s\n", l->kind, version, file);
}

static void say_file(
    struct sidecar *s, const char *kind, const char *suffix, const char *text)
{
	SAY(s, WHAT_DONE, 0, "set ssl %s %s/%s.%s <<\n%s\n", kind,
	    s->o->mesh_dir, s->name, suffix, text);
	SAY(s, WHAT_DONE, 0, "commit ssl %s %s/%s.%s\n", kind, s->o->mesh_dir,
	    s->name, suffix);
}

static void say_certificate(struct sidecar *s)
{
	/* roots first: whom the new certificate was issued by is trusted */
	say_file(s, "ca-file", "roots", s->roots);
	say_file(s, "cert", "pem", s->pem);
}

/* ---- answers ----------------------------------------------------------- */

static bool is_well(const char *text, size_t len)
{
	static const char *const well[] = { "New server registered",
		"Server deleted", "Transaction ", "transaction ", "Committing ",
		"IP changed ", "no need to change", "port changed", NULL };

	for (unsigned i = 0; well[i]; i++) {
		size_t n = strlen(well[i]);

		if (len >= n && !memcmp(text, well[i], n))
			return true;
	}
	return !len;
}

static void on_answer(
    struct sidecar *s, const struct waiting *w, const char *text, size_t len)
{
	int version;

	switch (w->what) {
	case WHAT_PROMPT:
		break;
	case WHAT_DONE:
		if (!is_well(text, len)) {
			log_warn("mesh: sidecar '%s' said: %.*s", s->name,
			    (int)len, text);
			s->reconcile_mono_ms = s->now_mono_ms + 1000;
		}
		break;
	case WHAT_SERVERS:
		sidecar_learn_servers(s, text, len);
		break;
	case WHAT_VERSION:
		version = reply_version(text, len);
		if (version >= 0) {
			say_version(s, w->list, version);
		} else {
			log_warn("mesh: sidecar '%s' said: %.*s", s->name,
			    (int)len, text);
		}
		break;
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct sidecar *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	const char *text = NULL;
	size_t len = 0, used;

	s->scratch = arena_new();
	for (;;) {
		size_t have = evbuffer_get_length(in);
		const char *data =
		    have ? (const char *)evbuffer_pullup(in, -1) : NULL;

		used = data ? reply_next(data, have, &text, &len) : 0;
		if (!used || !s->first)
			break;
		struct waiting *w = s->first;

		s->first = w->next;
		if (!s->first)
			s->last = &s->first;
		on_answer(s, w, text, len);
		free(w);
		evbuffer_drain(in, used);
	}
	arena_free(s->scratch);
	s->scratch = NULL;
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct sidecar *s = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (s->is_settled)
		log_warn("mesh: sidecar '%s' has gone", s->name);
	hang_up(s);
}

/* ---- a connection ------------------------------------------------------ */

static void begin(struct sidecar *s)
{
	sidecar_say(s, WHAT_PROMPT, 0, "prompt\n");
	if (s->pem)
		say_certificate(s);
	for (unsigned i = 0; i < LISTS_N; i++)
		say_list(s, i);
	sidecar_say(s, WHAT_SERVERS, 0, "show servers state\n");
	s->reconcile_mono_ms = s->now_mono_ms + RECONCILE_MS;
}

static int open_socket(const struct sidecar *s, const char *suffix)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s.%s",
	    s->o->mesh_dir, s->name, suffix);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

static void call(struct sidecar *s)
{
	int fd = open_socket(s, "sock");

	s->connect_mono_ms = s->now_mono_ms + RECONNECT_MS;
	if (fd < 0)
		return;
	s->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!s->bev)
		abort(); /* out of memory */
	bufferevent_setcb(s->bev, on_read, NULL, on_event, s);
	(void)bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	log_info("mesh: sidecar '%s' is there", s->name);
	begin(s);
}

/* What 2.6 cannot be told: other backends, rules or limits. */
static void reload(struct sidecar *s)
{
	static const char word[] = "reload\n";
	int fd = open_socket(s, "master");

	if (fd < 0) {
		log_warn("mesh: sidecar '%s' has to be started again for what "
		         "has changed",
		    s->name);
		return;
	}
	(void)send(fd, word, sizeof(word) - 1, MSG_NOSIGNAL);
	close(fd);
	log_info("mesh: sidecar '%s' is reloaded", s->name);
}

/* ---- its certificate --------------------------------------------------- */

static const char *instance_of(const struct mesh_service *self)
{
	for (unsigned i = 0; i < self->n; i++) {
		if (!*self->instances[i].node)
			return self->instances[i].name;
	}
	return self->name;
}

static void take(
    struct sidecar *s, const char *pem, const char *roots, int64_t now_wall_ms)
{
	int64_t from, until;

	if (authority_read_times(pem, &from, &until) < 0 ||
	    until <= now_wall_ms)
		return;
	free(s->pem);
	free(s->roots);
	s->pem = xstrdup(pem);
	s->roots = xstrdup(roots);
	s->renew_wall_ms = from + (until - from) / 2;
}

static char *read_file(const struct sidecar *s, const char *suffix)
{
	scoped_free char *path =
	    xasprintf("%s/%s.%s", s->o->mesh_dir, s->name, suffix);
	char *text = NULL;
	size_t len;

	return conf_read_file(
	           path, (size_t)4 * CA_TEXT_MAX, &text, &len, NULL) < 0
	           ? NULL
	           : text;
}

/* The one of before, if the control plane was started again. */
static void take_file(struct sidecar *s, int64_t now_wall_ms)
{
	scoped_free char *pem = read_file(s, "pem");
	scoped_free char *roots = read_file(s, "roots");

	if (pem && roots)
		take(s, pem, roots, now_wall_ms);
}

static void renew(struct sidecar *s, int64_t now_wall_ms)
{
	const struct mesh_service *self = sidecar_own(s);
	struct credentials c;
	struct diag why;

	if (!self || !self->policy.user || self->revoked)
		return;
	s->ask_mono_ms = s->now_mono_ms + ASK_AGAIN_MS;
	int error = issuer_ask(s->o->ca_socket, s->zone, s->service,
	    instance_of(self), s->scratch, &c, &why);

	if (error < 0) {
		log_warn(
		    "mesh: no certificate for '%s': %s", s->name, why.text);
		return;
	}
	take(s, c.pem, c.roots, now_wall_ms);
	write_file(s, "pem", c.pem);
	write_file(s, "roots", c.roots);
	log_info("mesh: sidecar '%s' has a new certificate", s->name);
	if (s->bev)
		say_certificate(s);
}

/* ---- from outside ------------------------------------------------------ */

static bool replace_text(char **text, char *now)
{
	bool same = *text && !strcmp(*text, now);

	free(*text);
	*text = now;
	return !same;
}

void sidecar_callee(struct sidecar *s, struct mesh_service *to)
{
	if (!s->is_settled)
		return;
	s->scratch = arena_new();
	sidecar_say_servers(s, to);
	arena_free(s->scratch);
	s->scratch = NULL;
}

void sidecar_update(struct sidecar *s)
{
	bool had = s->shape;

	s->scratch = arena_new();
	for (unsigned i = 0; i < LISTS_N; i++) {
		struct list *l = &s->lists[i];

		if (replace_text(&l->text, render(s, l->write)) && s->bev)
			say_list(s, i);
	}
	if (s->is_settled)
		sidecar_say_all_servers(s);
	if (replace_text(&s->shape, render(s, write_shape))) {
		write_files(s);
		if (had)
			reload(s);
	} else {
		write_soon(s);
	}
	arena_free(s->scratch);
	s->scratch = NULL;
}

void sidecar_tick(struct sidecar *s, int64_t now_mono_ms, int64_t now_wall_ms)
{
	s->now_mono_ms = now_mono_ms;
	s->scratch = arena_new();
	if (!s->pem)
		take_file(s, now_wall_ms);
	if ((!s->pem || now_wall_ms >= s->renew_wall_ms) &&
	    now_mono_ms >= s->ask_mono_ms)
		renew(s, now_wall_ms);
	if (s->files_mono_ms && now_mono_ms >= s->files_mono_ms)
		write_files(s);
	if (s->bev &&
	    evbuffer_get_length(bufferevent_get_output(s->bev)) > OUTPUT_MAX) {
		log_warn("mesh: sidecar '%s' does not read", s->name);
		hang_up(s);
	}
	if (!s->bev && now_mono_ms >= s->connect_mono_ms)
		call(s);
	if (s->is_settled && now_mono_ms >= s->reconcile_mono_ms) {
		s->reconcile_mono_ms = now_mono_ms + RECONCILE_MS;
		for (unsigned i = 0; i < LISTS_N; i++)
			say_list(s, i);
		sidecar_say(s, WHAT_SERVERS, 0, "show servers state\n");
	}
	arena_free(s->scratch);
	s->scratch = NULL;
}

struct sidecar *sidecar_new(struct event_base *base,
    const struct registrar_options *o, struct mesh_model *m, const char *zone,
    const char *name)
{
	struct sidecar *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->o = o;
	s->model = m;
	s->zone = xstrdup(zone);
	s->service = xstrdup(name);
	s->name = strcmp(zone, o->run.zone) != 0
	              ? xasprintf("%s.%s", name, zone)
	              : xstrdup(name);
	s->last = &s->first;
	s->lists[0] = (struct list){ "map", "destinations",
		config_write_destinations, NULL };
	s->lists[1] =
	    (struct list){ "acl", "callers", config_write_callers, NULL };
	s->lists[2] = (struct list){ "acl", "ports", config_write_ports, NULL };
	return s;
}

void sidecar_free(struct sidecar *s)
{
	if (!s)
		return;
	if (s->files_mono_ms)
		write_files(s);
	hang_up(s);
	for (unsigned i = 0; i < LISTS_N; i++)
		free(s->lists[i].text);
	free(s->shape);
	free(s->pem);
	free(s->roots);
	free(s->zone);
	free(s->service);
	free(s->name);
	free(s);
}
