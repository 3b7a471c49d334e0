// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * commands - what a scenario can say, and the world that it says it to.
 *
 * Whatever does not hold ends the program with 1 and the line of the
 * scenario.
 */
#include "registrar/instance/drains.h"
#include "registrar/instance/fleet.h"
#include "registrar/loader.h"
#include "registrar/process/process.h"
#include "registrar/store/store.h"

#define RUNNING_MAX 64

/* A file of the directory; text is what it holds, told or not. */
struct world_file {
	char name[256];
	char *text;
	bool there; /* in the directory */
	struct world_file *next;
};

struct world_watch;

struct world {
	const char *scenario;
	int line;
	char dir[64], registry[96];
	int64_t now_ms, wall_ahead_ms; /* steps of the wall clock */
	bool woken;
	struct registry *lock; /* holds the write lock, or NULL */
	struct world_file *files;
	/* the words of a command that is about a check, or NULL */
	char *const *awaited;
	bool extra; /* about its extra runs */
	/* probes with a run in progress, and process watches */
	struct probe *running[RUNNING_MAX];
	unsigned running_n;
	struct world_watch *watches;
	unsigned signal_n; /* that were sent to processes */
	/* the registrar; made anew by a restart */
	struct timers *timers;
	struct prober prober;
	struct watch_ops watch;
	struct needs *needs;
	struct followers *followers;
	struct instance_env env;
	struct store *store;
	struct fleet *fleet;
	struct drains *drains;
	struct loader *loader;
};

struct world *world_new(const char *scenario);
void world_free(struct world *w);
_Noreturn void world_fail(const struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void world_file_new(struct world *w, const char *name);
void world_file_add(struct world *w, const char *name, const char *line);

/* Write what waits to be written. */
void world_turn(struct world *w);
/* Let that much time pass. */
void world_wait(struct world *w, int64_t for_ms);

/* words[0] is the command itself */
void cmd_load(struct world *w, char *const *words, int n);
void cmd_remove(struct world *w, char *const *words, int n);
void cmd_rename(struct world *w, char *const *words, int n);
void cmd_restart(struct world *w, char *const *words, int n);
void cmd_process(struct world *w, char *const *words, int n);
void cmd_verdict(struct world *w, char *const *words, int n);
void cmd_early(struct world *w, char *const *words, int n);
void cmd_hang(struct world *w, char *const *words, int n);
void cmd_report(struct world *w, char *const *words, int n);
void cmd_wait(struct world *w, char *const *words, int n);
void cmd_lock(struct world *w, char *const *words, int n);
void cmd_unlock(struct world *w, char *const *words, int n);
void cmd_lose(struct world *w, char *const *words, int n);
void cmd_expect(struct world *w, char *const *words, int n);
void cmd_history(struct world *w, char *const *words, int n);
void cmd_resting(struct world *w, char *const *words, int n);
void cmd_step(struct world *w, char *const *words, int n);
void cmd_mode(struct world *w, char *const *words, int n);
void cmd_is(struct world *w, char *const *words, int n);
void cmd_ramp(struct world *w, char *const *words, int n);
void cmd_ports(struct world *w, char *const *words, int n);
void cmd_drain(struct world *w, char *const *words, int n);
void cmd_step_of(struct world *w, char *const *words, int n);
void cmd_signals(struct world *w, char *const *words, int n);
/* "500ms" */
int64_t world_duration(const struct world *w, const char *text);

/* commands.c: free *ret_service; gives the name of the instance. */
const char *world_split(
    const struct world *w, const char *instance, char **ret_service);
/* The registry as another program sees it; close it. */
struct registry *world_look(const struct world *w);

/* world.c: for commands. The present wall clock. */
int64_t world_wall_ms(const struct world *w);
/* The probe while it runs, or NULL. */
struct probe *world_running(
    const struct world *w, const char *instance, const char *check);
/* NULL: no process of that instance is watched. */
struct world_watch *world_watch_of(const struct world *w, const char *instance);
void world_watch_say(
    struct world_watch *watch, enum process_news news, const char *detail);
void world_start(struct world *w);
void world_stop(struct world *w);
void world_unlink_registry(const struct world *w);
