// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * dnsd_status - what each dnsd says of itself, in a small file beside the
 * registry, which dnsd itself never writes.
 *
 * REGISTRY.dnsd-ADDRESS.status, of the first address that it listens on, so
 * that a restart takes the place of what was before. Lines of a key, a blank
 * and a value; unknown keys are passed over. Replaced as a whole by rename(2),
 * every DNSD_STATUS_EVERY_MS. What nobody replaces any more is told apart by
 * its age, by its process, if that would be one of this host's, and by its
 * pulse, REGISTRY.dnsd-ADDRESS.lock (schema/pulse.h).
 *
 * No file says that there is no dnsd: it may not be allowed to write there, or
 * run on another host.
 */
#include "schema/base/arena.h"
#include "schema/base/diag.h"
#include "schema/pulse.h"

#include <stdbool.h>
#include <stdint.h>

#define DNSD_STATUS_EVERY_MS 5000
#define DNSD_STATUS_SILENT_MS 12000 /* two of them are missing */
#define DNSD_STATUS_ZONES_MAX 1000
#define DNSD_STATUS_ADDRESSES_MAX 64

/* A zone that shows what the registry says. */
struct dnsd_status_zone {
	const char *name;    /* no final dot */
	int64_t publication; /* of its answers; 0: not known */
};

struct dnsd_status {
	int pid;
	uint64_t pid_space; /* what tells whose number that is; 0: unknown */
	const char *version;
	int64_t started_wall_ms, written_wall_ms;
	int64_t ended_wall_ms; /* by a signal; 0: it runs */
	const char *addresses[DNSD_STATUS_ADDRESSES_MAX]; /* "[::1]:53 tls" */
	unsigned address_n;
	/* of the registry that is answered from; "", -1: none was read yet */
	const char *registry_id;
	int64_t revision;
	const char *trouble; /* why it does not follow it now; "": it does */
	/* the last warning of its log; "", 0: there was none */
	const char *last_error;
	int64_t last_error_wall_ms;
	struct dnsd_status_zone *zones;
	unsigned zone_n;  /* at most DNSD_STATUS_ZONES_MAX */
	unsigned other_n; /* zones that are not named here */
	/* filled by dnsd_status_read_all(): its process is not there */
	bool gone;
	struct pulse pulse; /* the same: of its loop */
};

/* The tag of this process's numbers of processes, for pid_space. */
uint64_t dnsd_status_pid_space(void);

/*
 * Makes or replaces the file of s->addresses[0] beside the registry. -errno:
 * nothing changed; -EACCES and -EROFS are a way to run.
 */
int dnsd_status_write(
    const char *registry, const struct dnsd_status *s, struct diag *reterr);

/* The file of its pulse; address: the first one. To be freed. */
char *dnsd_status_pulse_path(const char *registry, const char *address);

/*
 * All that stand beside the registry, by their addresses; what cannot be read
 * or is none is passed over. -errno: the directory cannot be read. Everything
 * is in the arena.
 */
int dnsd_status_read_all(const char *registry, int64_t now_wall_ms,
    struct arena *a, struct dnsd_status **ret_all, unsigned *ret_n);

/* Does it answer, as far as can be known? */
bool dnsd_status_is_alive(const struct dnsd_status *s, int64_t now_wall_ms);
/* The zone among those that it serves, or NULL. */
const struct dnsd_status_zone *dnsd_status_find_zone(
    const struct dnsd_status *s, const char *zone);
