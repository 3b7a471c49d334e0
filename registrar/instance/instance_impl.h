// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * instance_impl - private to instance*.c.
 *
 *	instance.c         rows, watches and probes; edits by difference
 *	instance_health.c  verdicts to health; what an earlier run left
 *	instance_course.c  damping, slow start, deregistering, requirements
 */
#include "registrar/health/damping.h"
#include "registrar/health/health.h"
#include "registrar/instance/instance.h"

#define PROCESS_CHECK "process" /* the name of its row, and its kind */

/* A check, or the process watch, which has no probe. */
struct check {
	struct instance *owner;
	const struct check_spec *spec; /* NULL: the process watch */
	struct probe probe;
	struct follower follower; /* of an alias */
	struct track track;
	struct store_check row;
	char *output; /* row.output */
	bool kept;    /* during an edit */
};

struct instance {
	struct store_instance row; /* first: of_row() */
	const struct instance_env *env;
	struct instance_origin origin;
	struct probe_subject subject;
	char *reason; /* row.reason */
	/* process */
	struct process_watch *watch; /* NULL: none is asked for */
	struct check process;
	bool told; /* it has said something */
	bool unknown;
	bool restored; /* what the registry had of it was taken up */
	/* checks; each stays where it is, the array may move */
	struct check **checks;
	unsigned check_n;
	int64_t started_ms; /* for spec->grace_ms */
	bool heard;         /* a verdict was given in this run */
	/* instance_course.c */
	enum health raw;        /* before damping */
	struct damping damping; /* as the definition says */
	struct timer calm;      /* set while it is held back */
	struct timer ramp;      /* set while it starts slowly */
	struct timer deregister;
	int64_t bad_since_ms; /* while raw is critical or dead */
	bool withdrawn;       /* for being so for too long */
	struct need_user *needs;
	unsigned need_n;
};

static inline bool is_up(enum health h)
{
	return h == HEALTH_PASSING || h == HEALTH_WARNING;
}

/* ---- instance.c ------------------------------------------------------- */

/* NULL: it has none of that name. */
struct check *instance_find_check(const struct instance *i, const char *name);

/* ---- instance_health.c ------------------------------------------------ */

/* Does anything speak about its health at all? */
bool instance_has_tracks(const struct instance *i);

/*
 * Let the worst track decide. `was` is the health that it comes from; check
 * and text become the reason of a change.
 */
void instance_judge(
    struct instance *i, enum health was, const char *check, const char *text);

/* What was known of a process that has ended is void. */
void instance_forget_checks(struct instance *i);

/* Unless there is a process to wait for, or none. */
void instance_begin_checks(struct instance *i);

/* For probes (arg: the check) and watches (arg: the instance). */
void instance_on_probe(void *check, enum verdict v, const char *detail);
void instance_on_process(
    void *instance, enum process_news news, const char *detail);

/* ---- instance_course.c ------------------------------------------------ */

/* Begin needs the origin, and no row; end is the last thing. */
void instance_course_begin(struct instance *i);
void instance_course_end(struct instance *i);
/* The origin is the new one already, `was` what the old one said. */
void instance_course_edit(struct instance *i, const struct health_policy *was);
/* What an earlier run left, first how much it flapped; old is its row. */
void instance_damping_restore(
    struct instance *i, const struct instance_row *old);
void instance_course_restore(
    struct instance *i, const struct instance_row *old);

/* What its requirements add; the one that is not met, or NULL. */
const char *instance_add_needs(const struct instance *i, struct combination *c);

/* raw is what tracks and requirements say now. Gives what the row is to say. */
enum health instance_course(struct instance *i, enum health raw);

/* Why a row is critical though i->raw is not; in buf. */
const char *instance_damping_text(
    const struct instance *i, char *buf, size_t n);

/* The health of the row is another one now. */
void instance_health_changed(struct instance *i, enum health was);
