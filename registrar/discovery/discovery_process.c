// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes. One that was found is there until it ends, whatever it calls
 * itself meanwhile. Where the definition asks for its port, it is of no use
 * before it listens on one, and then keeps that.
 */
#include "registrar/discovery/discovery_impl.h"
#include "registrar/lib/looker.h"
#include "registrar/lib/match.h"
#include "registrar/lib/procfs.h"
#include "registrar/lib/sockets.h"
#include "registrar/process/process.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VAR_MAX (3 + MATCH_GROUPS) /* {1} to {9} of these */

struct process_source {
	struct each_set *set;
	struct process_finder *finder;
	struct match *re; /* of cmdline, if its groups are asked for; or NULL */
};

/* ---- ports that processes have ---------------------------------------- */

struct port {
	uint64_t inode;
	int port;
};

struct ports {
	struct port *items;
	unsigned n, room;
	bool read;
	int lowest; /* of one process; 0: none */
};

static void on_listener(void *arg, const struct listener *l)
{
	struct ports *p = arg;

	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->items = xreallocarray(p->items, p->room, sizeof(*p->items));
	}
	p->items[p->n++] = (struct port){ l->inode, l->port };
}

static void on_socket(void *arg, int fd, uint64_t inode)
{
	struct ports *p = arg;

	(void)fd;
	for (unsigned n = 0; n < p->n; n++) {
		int port = p->items[n].port;

		if (p->items[n].inode == inode &&
		    (!p->lowest || port < p->lowest))
			p->lowest = port;
	}
}

/* The lowest port that it listens on; 0: none. */
static int port_of(struct ports *p, struct looker *l, pid_t pid, bool udp)
{
	if (!p->read)
		(void)listeners_read(udp, on_listener, p);
	p->read = true;
	p->lowest = 0;
	(void)looker_sockets(l, pid, on_socket, p);
	return p->lowest;
}

/* ---- variables -------------------------------------------------------- */

struct vars {
	struct conf_pair items[VAR_MAX];
	char texts[VAR_MAX][32]; /* of numbers */
	unsigned n;
};

static const char *const group_names[MATCH_GROUPS] = { "0", "1", "2", "3", "4",
	"5", "6", "7", "8", "9" };

static void add(struct vars *v, const char *key, const char *value)
{
	v->items[v->n++] = (struct conf_pair){ key, value };
}

static void add_number(struct vars *v, const char *key, int number)
{
	char *text = v->texts[v->n];

	(void)snprintf(text, sizeof(v->texts[0]), "%d", number);
	add(v, key, text);
}

/* The file name of its program; without that, of its first argument. */
static char *program_of(const struct process_found *p)
{
	size_t len = *p->exe ? strlen(p->exe) : strcspn(p->cmdline, " ");
	const char *text = *p->exe ? p->exe : p->cmdline;
	const char *slash = memrchr(text, '/', len);

	if (slash) {
		len -= (size_t)(slash + 1 - text);
		text = slash + 1;
	}
	return xasprintf("%.*s", (int)len, text);
}

/* Copies the groups of the pattern into buf, of the length of cmdline + 10. */
static void add_groups(const struct process_source *ps, struct vars *v,
    const char *cmdline, char *buf)
{
	struct match_span at[MATCH_GROUPS];

	if (!ps->re || match_groups(ps->re, cmdline, strlen(cmdline), at) != 1)
		return;
	for (unsigned n = 1; n < MATCH_GROUPS && n <= match_group_n(ps->re);
	     n++) {
		memcpy(buf, cmdline + at[n].at, at[n].len);
		buf[at[n].len] = '\0';
		add(v, group_names[n], buf);
		buf += at[n].len + 1;
	}
}

/* ---- telling ---------------------------------------------------------- */

static void put(struct process_source *ps, const struct process_found *p,
    const char *key, int port)
{
	struct vars v = { .n = 0 };
	scoped_free char *program = program_of(p);
	/* groups may overlap, each is at most all of it */
	scoped_free char *groups =
	    xcalloc(MATCH_GROUPS, strlen(p->cmdline) + 1);
	scoped_free char *name = xasprintf("%s-%d", program, (int)p->pid);

	add_number(&v, "pid", (int)p->pid);
	add(&v, "exe", program);
	add_groups(ps, &v, p->cmdline, groups);
	if (port)
		add_number(&v, "port", port);
	const struct each_found found = {
		.name = name,
		.port = ROW_DEFAULT,
		.process = { PROCESS_PID, key },
		.vars = { .items = v.items, .n = v.n },
	};

	each_set_put(ps->set, key, &found);
}

static void on_found(void *arg, const struct process_found *all, unsigned n,
    bool whole, int error)
{
	struct process_source *ps = arg;
	bool udp = !strcmp(ps->set->service->protocol, "udp");
	struct looker *looker = ps->set->discovery->env.looker;
	struct ports ports = { .n = 0 };

	if (error < 0)
		return;
	if (whole)
		each_set_begin(ps->set);
	for (unsigned k = 0; k < n; k++) {
		scoped_free char *key =
		    process_pid_text(all[k].pid, all[k].start_ticks);
		int port = 0;

		if (each_set_seen(ps->set, key))
			continue;
		if (ps->set->spec->needs_port)
			port = port_of(&ports, looker, all[k].pid, udp);
		if (port || !ps->set->spec->needs_port)
			put(ps, &all[k], key, port);
	}
	free(ports.items);
	if (whole)
		each_set_end(ps->set);
}

static bool is_there(const char *key)
{
	struct proc_stat stat;
	uint64_t ticks;
	pid_t pid;

	return process_pid_parse(key, &pid, &ticks) == 0 &&
	       proc_stat_read(pid, &stat) == 0 && stat.start_ticks == ticks &&
	       stat.state != 'Z';
}

/* ---- lifetime --------------------------------------------------------- */

static void *start(struct each_set *set)
{
	struct process_source *ps = xcalloc(1, sizeof(*ps));
	const struct process_spec *spec = &set->spec->process;

	ps->set = set;
	if (spec->kind == PROCESS_CMDLINE && set->spec->uses_groups &&
	    match_new(spec->what, true, &ps->re, NULL) < 0)
		abort(); /* the definition has compiled it */
	ps->finder =
	    process_finder_new(set->discovery->env.watcher, spec, on_found, ps);
	return ps;
}

static void stop(void *source)
{
	struct process_source *ps = source;

	process_finder_free(ps->finder);
	match_free(ps->re);
	free(ps);
}

static void moved(void *source)
{
	const struct process_source *ps = source;

	process_finder_set_spec(ps->finder, &ps->set->spec->process);
}

static void look(void *source)
{
	const struct process_source *ps = source;

	process_finders_look(ps->set->discovery->env.watcher);
}

const struct each_source each_source_process = {
	start,
	stop,
	moved,
	look,
	is_there,
};
