// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * told - what registrars and dnsd tell of themselves, and what of it whoever
 * looks at states or answers must know before anything else.
 *
 * States are of now only while the registrar that writes them is heard; they
 * are answered only if a dnsd serves the zone. Registrars tell by rows, dnsd
 * by its status file beside the registry (schema/dnsd_status.h); where there
 * is no such file, nothing is known of dnsd, which is not to say that there
 * is none. Plain data, one thread.
 */
#include "schema/base/arena.h"
#include "schema/dnsd_status.h"
#include "schema/member.h"
#include "schema/registry.h"

#include <stdio.h>

enum told_code {
	TOLD_REGISTRAR_SILENT, /* whose states are among those shown */
	TOLD_REFUSED,          /* a definition is not in force */
	TOLD_UNSERVED,         /* a zone: nobody here answers for it */
	TOLD_DNSD_SILENT,      /* one that ought to answer */
	TOLD_DNSD_TROUBLE,     /* one that answers from what it read before */
	TOLD_CLUSTER,          /* what other hosts say may be old */
	TOLD_DNSD_UNKNOWN,     /* whether anybody answers; no doubt */
};
/* "registrar-silent" ...: for scripts */
const char *told_code_name(enum told_code c);

struct told_line {
	enum told_code code;
	const char *text;
};

struct told {
	struct arena *arena; /* borrowed */
	int64_t now_wall_ms;
	struct registrar_row *registrars; /* by name */
	struct pulse *pulses;             /* of each; NULL: not known */
	struct refused_row *refused;      /* by source and file */
	struct member_row *members;       /* by host */
	struct dnsd_status *dnsd;         /* by address */
	unsigned registrar_n, refused_n, member_n, dnsd_n;
	/* by told_judge() */
	struct told_line *lines;
	unsigned line_n;
	bool doubtful; /* one of them casts doubt on what is shown */
};

/* Everything is copied into a; unknown is what cannot be read. */
void told_read(struct told *ret_t, struct registry *reg, const char *path,
    int64_t now_wall_ms, struct arena *a);

/* What is shown: sources of instances, zones of services; each once. */
struct told_scope {
	const char *const *sources, *const *zones;
	unsigned source_n, zone_n;
	const char *service; /* alone; NULL: everything */
};
void told_judge(struct told *t, const struct told_scope *s);

/* Does any dnsd here answer for the zone? */
enum told_served { TOLD_SERVED, TOLD_NOT_SERVED, TOLD_NOT_KNOWN };
enum told_served told_served(const struct told *t, const char *zone);

/* Is that registrar heard? source: "registrar/NAME"; others are. */
bool told_is_heard(const struct told *t, const char *source);
/*
 * "heard", "ended", "gone" (its process), "stalled" (it hangs), "blocked" (it
 * cannot write the registry), "silent". The k-th.
 */
const char *told_registrar_state(const struct told *t, unsigned k);
/* When it was there last. */
int64_t told_registrar_heard(const struct told *t, unsigned k);
/* "answers", "ended", "gone", "stalled", "silent" */
const char *told_dnsd_state(const struct told *t, const struct dnsd_status *s);
int64_t told_dnsd_heard(const struct dnsd_status *s);

/*
 * When that host was known last to be there, "2s ago"; in a. NULL: nothing is
 * known of it.
 */
const char *told_host_heard(const struct told *t, const char *node);

/* Is the refused definition about that service, as far as can be guessed? */
bool told_is_about(const struct refused_row *row, const char *service);
