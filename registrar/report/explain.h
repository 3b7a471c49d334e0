// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * explain - which instances of a service are in an answer, and why the
 * others are not.
 *
 * Who may be in one is as schema/eligible.h says; who of them is drawn is said
 * again, in words, of dnsd/message/answer/pick.c: a system test holds the two
 * together. Works on a copy of the registry (status.h), so no daemon is asked.
 * Plain data, one thread.
 */
#include "registrar/report/status.h"

/* Their bits are those of enum eligible_type. */
enum explain_type { EXPLAIN_SRV, EXPLAIN_A, EXPLAIN_AAAA };
#define EXPLAIN_TYPE_N 3
#define EXPLAIN_ALL ((1u << EXPLAIN_TYPE_N) - 1)

/* One thing to know about an instance; code is a word for scripts. */
struct explain_reason {
	const char *code, *text;
};
#define EXPLAIN_REASON_MAX 8

struct explain_instance {
	const struct status_instance *i;
	unsigned types;                 /* bits of those it can be in */
	int weight;                     /* as SRV has it */
	unsigned ahead[EXPLAIN_TYPE_N]; /* drawn before it, always */
	struct explain_reason reasons[EXPLAIN_REASON_MAX];
	unsigned reason_n;
};

struct explain {
	const struct status_report *report; /* borrowed */
	const struct status_service *service;
	struct arena *arena;
	struct explain_instance *instances; /* in the order of the report */
	unsigned n[EXPLAIN_TYPE_N];         /* instances that can be in it */
	unsigned max_answers; /* of A, AAAA; 0: all, 65535: as fit */
	/* asked for: _N._P.S, or _S._P of another protocol than the first */
	const struct port_row *port; /* NULL: the first port */
	const char *port_owner;      /* the name; NULL: that of the service */
	/* asked for: the name of one instance, which no policy is about */
	const char *own_name; /* NULL: the service */
	unsigned own_types;   /* bits of those it has */
};

/* Who set a mode, and why; the texts are copied. */
struct explain_note {
	const char *instance, *source, *reason;
};

/*
 * report: of one service. max_answers: dnsd's, for a service that names none.
 * Notes: at most one for an instance. Everything is in the arena.
 */
void explain_service(struct explain *ret_e, const struct status_report *report,
    unsigned max_answers, const struct explain_note *notes, unsigned note_n,
    struct arena *a);

const char *explain_type_name(enum explain_type t);
/* What is answered while nobody can be in such an answer. */
const char *explain_empty(const struct explain *e, enum explain_type t);

/*
 * types: those asked for, bits. instance NULL: all of them.
 */
void explain_print(FILE *f, const struct explain *e,
    const struct status_style *style, unsigned types, const char *instance);
void explain_print_json(
    FILE *f, const struct explain *e, unsigned types, const char *instance);
