// SPDX-License-Identifier: BSD-2-Clause
/*
 * registrar mesh check, explain ...: what the mesh is told to do.
 */
#include "registrar/command/commands.h"
#include "registrar/lib/wall.h"
#include "registrar/mesh/ca/issuer.h"
#include "registrar/mesh/control.h"
#include "registrar/mesh/intercept.h"
#include "registrar/mesh/review.h"
#include "registrar/mesh/rules.h"
#include "schema/base/clock.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "schema/follow.h"
#include "schema/mesh.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define CERTIFICATES_SHOWN 100
#define LOOK_MS 1000

static int fail(const struct diag *why, int code)
{
	(void)fprintf(stderr, "registrar: %s\n", why->text);
	return code;
}

/* All there is now. */
static int load(const struct registrar_options *o, struct mesh_model *m,
    struct diag *reterr)
{
	struct follow *f = follow_new(o->run.registry, REGISTRY_READ, LOOK_MS);
	int error = follow_look(f, 0, reterr);

	if (error == 0)
		error = mesh_model_read(m, f, NULL, NULL, reterr);
	follow_free(f);
	return error;
}

static int check(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	(void)o;
	(void)rest;
	return mesh_review(m, stdout) ? EXIT_UNHEALTHY : EXIT_DONE;
}

/* SERVICE or SERVICE.ZONE; NULL and a message: it is not there. */
static struct mesh_service *find(
    const struct registrar_options *o, struct mesh_model *m, const char *text)
{
	char name[REGISTRY_KEY_MAX];
	const char *dot = strchr(text, '.');
	const char *zone = dot ? dot + 1 : o->run.zone;

	(void)snprintf(name, sizeof(name), "%.*s",
	    dot ? (int)(dot - text) : (int)sizeof(name) - 1, text);
	struct mesh_service *s = mesh_model_find(m, zone, name);

	if (!s || !s->in_mesh) {
		(void)fprintf(stderr,
		    "registrar: found '%s.%s', which is %s, expected a service "
		    "of the mesh\n",
		    name, zone, s ? "not in the mesh" : "not there");
		return NULL;
	}
	return s;
}

static void print_words(const char *what, const struct conf_strings *words)
{
	for (unsigned i = 0; i < words->n; i++) {
		(void)printf("%s%s", i ? ", " : what, words->items[i]);
	}
}

static unsigned print_instances(struct mesh_service *to)
{
	unsigned n = 0;

	mesh_service_settle(to, clock_wall_ms());
	for (unsigned i = 0; i < to->n; i++) {
		const struct mesh_instance *x = &to->instances[i];
		bool gets = x->gets_calls && x->weight > 0;

		n += gets;
		(void)printf("  %s %s%s%s:%d: %s, %s, weight %d\n", x->name,
		    strchr(x->address, ':') ? "[" : "", x->address,
		    strchr(x->address, ':') ? "]" : "", x->port,
		    gets ? "gets calls" : "gets none",
		    eligible_why_name(x->why), x->weight);
	}
	if (!n)
		(void)puts("no instance gets calls");
	return n;
}

static int explain(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	struct mesh_service *from = find(o, m, rest->items[1]);
	struct mesh_service *to = from ? find(o, m, rest->items[2]) : NULL;
	const struct mesh_caller *caller;

	if (!to)
		return EXIT_WRONG;
	enum mesh_rule rule = mesh_rule_find(from, to, &caller);
	bool in = mesh_rule_lets_in(rule);

	(void)printf("%s.%s %s call %s.%s: %s", from->name, from->zone,
	    in ? "may" : "may not", to->name, to->zone, mesh_rule_text(rule));
	if (caller) {
		print_words("; methods ", &caller->methods);
		print_words("; paths ", &caller->paths);
	}
	(void)puts("");
	if (in && !mesh_calls(from, to)) {
		(void)printf(
		    "%s.%s does not list it in 'calls', so its sidecar "
		    "does not know the way\n",
		    from->name, from->zone);
		in = false;
	}
	return print_instances(to) && in ? EXIT_DONE : EXIT_UNHEALTHY;
}

/* ---- what is done ------------------------------------------------------ */

static void ports_of(const struct mesh_service *s, struct intercept *i,
    int ports[static PORTS_MAX])
{
	for (unsigned k = 0; k < s->n && i->n < PORTS_MAX; k++) {
		bool seen = *s->instances[k].node;

		for (unsigned n = 0; n < i->n; n++)
			seen |= ports[n] == s->instances[k].port;
		if (!seen)
			ports[i->n++] = s->instances[k].port;
	}
	i->ports = ports;
}

/* Runs `nft -f -` with text. */
static int run_nft(const char *text)
{
	char nft[] = "nft", flag[] = "-f", dash[] = "-";
	char *const argv[] = { nft, flag, dash, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	int error = posix_spawnp(&pid, nft, &actions, NULL, argv, environ);

	(void)posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	if (error == 0 && write(ends[1], text, strlen(text)) < 0)
		error = errno;
	close(ends[1]);
	if (error)
		return -error;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -EINVAL : 0;
}

static int enter_netns(const char *name)
{
	scoped_free char *path = xasprintf("/run/netns/%s", name);
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

static int intercept(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	struct mesh_service *s = find(o, m, rest->items[1]);
	int ports[PORTS_MAX];
	char text[8192] = "";

	if (!s)
		return EXIT_WRONG;
	struct intercept i = { .name = s->name,
		.user =
		    o->user || o->cgroup || o->netns ? o->user : s->policy.user,
		.cgroup = o->cgroup,
		.proxy_user = s->policy.proxy_user,
		.base_port = s->policy.base_port };

	ports_of(s, &i, ports);
	if (s->broken || !i.n) {
		(void)fprintf(stderr, "registrar: %s.%s has no port here\n",
		    s->name, s->zone);
		return EXIT_WRONG;
	}
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return EXIT_FAILED;
	(o->undo ? intercept_write_undo : intercept_write)(&i, out);
	(void)fclose(out);
	if (o->print)
		return fputs(text, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
	int error = o->netns ? enter_netns(o->netns) : 0;

	if (error == 0)
		error = run_nft(text);
	if (error == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "registrar: nftables did not take it: %s\n",
	    strerror(-error));
	return EXIT_FAILED;
}

static int revoke_one(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	const struct mesh_service *s = find(o, m, rest->items[1]);
	struct registry *r = NULL;
	struct diag why;

	if (!s)
		return EXIT_WRONG;
	int error = registry_open(o->run.registry, REGISTRY_WRITE, &r, &why);

	if (error == 0 && o->undo) {
		error =
		    registry_withdraw_mesh_revoked(r, s->zone, s->name, &why);
	} else if (error == 0) {
		error = registry_put_mesh_revoked(
		    r, s->zone, s->name, "command", "", clock_wall_ms(), &why);
	}
	registry_close(r);
	if (error < 0)
		return fail(&why, error == -ENOENT ? EXIT_WRONG : EXIT_FAILED);
	return EXIT_DONE;
}

static void print_certificate(void *arg, const struct mesh_certificate_row *row)
{
	struct arena *a = arg;

	(void)printf("%s %s/%s.%s until %s, asked by %s\n", row->serial,
	    row->service, row->instance, row->zone,
	    wall_text(a, row->until_wall_ms), row->asked_by);
}

static int certificates(const struct registrar_options *o, struct mesh_model *m,
    const struct conf_strings *rest)
{
	struct registry *r = NULL;
	struct arena *a = arena_new();
	struct diag why;
	int error = registry_open(o->run.registry, REGISTRY_READ, &r, &why);

	(void)m;
	(void)rest;
	if (error == 0) {
		error = registry_read_mesh_certificates(
		    r, CERTIFICATES_SHOWN, print_certificate, a, &why);
	}
	registry_close(r);
	arena_free(a);
	return error < 0 ? fail(&why, EXIT_FAILED) : EXIT_DONE;
}

static const struct sub {
	const char *name;
	unsigned rest_n;
	const char *usage;
	int (*fn)(const struct registrar_options *o, struct mesh_model *m,
	    const struct conf_strings *rest);
} subs[] = {
	{ "check", 1, "mesh check", check },
	{ "explain", 3, "mesh explain CALLER CALLEE", explain },
	{ "intercept", 2, "mesh intercept SERVICE", intercept },
	{ "revoke", 2, "mesh revoke SERVICE", revoke_one },
	{ "certificates", 1, "mesh certificates", certificates },
	{ NULL, 0, NULL, NULL },
};

static int wrong(const char *word)
{
	const char *names[] = { "ca", "check", "explain", "intercept", "revoke",
		"certificates", NULL };
	const char *near = conf_nearest(word, names);

	(void)fprintf(stderr, "registrar: found '%s', expected '%s'\n", word,
	    near ? near : "check' or another of `registrar mesh --help");
	return EXIT_WRONG;
}

int command_mesh(
    const struct registrar_options *o, const struct conf_strings *rest)
{
	const struct sub *s = subs;
	struct diag why;

	if (!rest->n)
		return control_main(o);
	if (rest->n == 1 && !strcmp(rest->items[0], "ca"))
		return issuer_main(o);
	while (s->name && strcmp(s->name, rest->items[0]) != 0)
		s++;
	if (!s->name)
		return wrong(rest->items[0]);
	if (rest->n != s->rest_n) {
		(void)fprintf(stderr,
		    "registrar: found %u words, expected 'registrar %s'\n",
		    rest->n, s->usage);
		return EXIT_WRONG;
	}
	struct mesh_model *m = mesh_model_new();
	int error = load(o, m, &why);
	int code = error < 0 ? fail(&why, EXIT_FAILED) : s->fn(o, m, rest);

	mesh_model_free(m);
	return code;
}
