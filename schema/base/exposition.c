// SPDX-License-Identifier: BSD-2-Clause
#include "schema/base/exposition.h"

#include "schema/base/version.h"
#include "schema/base/xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define NS_IN_S 1000000000

void exposition_release(struct exposition *e)
{
	free(e->text);
	*e = (struct exposition){ 0 };
}

static char *reserve(struct exposition *e, size_t len)
{
	if (e->room - e->len <= len) {
		e->room = 2 * e->room + len + 4096;
		e->text = xreallocarray(e->text, e->room, 1);
	}
	return e->text + e->len;
}

static void put(struct exposition *e, const char *text)
{
	size_t len = strlen(text);

	memcpy(reserve(e, len), text, len + 1);
	e->len += len;
}

static void put_escaped(struct exposition *e, const char *text)
{
	char *to = reserve(e, 2 * strlen(text));

	for (const char *p = text; *p; p++) {
		if (*p == '\\' || *p == '"' || *p == '\n')
			*to++ = '\\';
		if (*p == '\n') {
			*to++ = 'n';
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	e->len = (size_t)(to - e->text);
}

void exposition_family(
    struct exposition *e, const char *name, const char *type, const char *help)
{
	const char *const parts[] = { "# HELP ", name, " ", help, "\n# TYPE ",
		name, " ", type, "\n" };

	e->name = name;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		put(e, parts[i]);
}

/* Up to the value: NAME{L="V",le="1"} */
static void begin(struct exposition *e, const char *suffix,
    const char *const *labels, const char *le)
{
	const char *before = "{";

	put(e, e->name);
	put(e, suffix);
	for (unsigned i = 0; labels && labels[i]; i += 2) {
		put(e, before);
		put(e, labels[i]);
		put(e, "=\"");
		put_escaped(e, labels[i + 1]);
		put(e, "\"");
		before = ",";
	}
	if (le) {
		put(e, before);
		put(e, "le=\"");
		put(e, le);
		put(e, "\"");
		before = ",";
	}
	put(e, *before == ',' ? "} " : " ");
}

static void end_with(struct exposition *e, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	put(e, text);
}

static void end_with_ns(struct exposition *e, int64_t ns)
{
	char text[64];
	uint64_t whole = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	(void)snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu64 "\n",
	    ns < 0 ? "-" : "", whole / NS_IN_S, whole % NS_IN_S);
	put(e, text);
}

void exposition_value(
    struct exposition *e, const char *const *labels, uint64_t value)
{
	begin(e, "", labels, NULL);
	end_with(e, value);
}

void exposition_seconds(
    struct exposition *e, const char *const *labels, int64_t ns)
{
	begin(e, "", labels, NULL);
	end_with_ns(e, ns);
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void exposition_histogram(struct exposition *e, const char *const *labels,
    const struct histogram *const *h, unsigned n)
{
	uint64_t sum_ns = 0, total = 0;
	char le[32];

	for (unsigned k = 0; k < n; k++)
		sum_ns += read_counter(&h[k]->sum_ns);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t us = histogram_bound_us(i);

		for (unsigned k = 0; k < n; k++)
			total += read_counter(&h[k]->count[i]);
		if (i < HISTOGRAM_BUCKETS - 1) {
			(void)snprintf(le, sizeof(le), "%" PRIu64 ".%06" PRIu64,
			    us / 1000000, us % 1000000);
		} else {
			(void)strcpy(le, "+Inf");
		}
		begin(e, "_bucket", labels, le);
		end_with(e, total);
	}
	begin(e, "_sum", labels, NULL);
	end_with_ns(e, (int64_t)sum_ns);
	begin(e, "_count", labels, NULL);
	end_with(e, total);
}

void exposition_program(
    struct exposition *e, const char *program, int64_t started_wall_ms)
{
	struct rusage used;

	exposition_family(e, "rollcall_build_info", "gauge",
	    "Which program this is; always 1");
	exposition_value(e,
	    (const char *[]){
	        "program", program, "version", ROLLCALL_VERSION, NULL },
	    1);
	exposition_family(e, "process_start_time_seconds", "gauge",
	    "Start of the process, in seconds since 1970");
	exposition_seconds(e, NULL, started_wall_ms * 1000000);
	if (getrusage(RUSAGE_SELF, &used) < 0)
		return;
	exposition_family(e, "process_cpu_seconds_total", "counter",
	    "Time of processors that the process has used");
	exposition_seconds(e, NULL,
	    ((int64_t)used.ru_utime.tv_sec + used.ru_stime.tv_sec) * NS_IN_S +
	        ((int64_t)used.ru_utime.tv_usec + used.ru_stime.tv_usec) *
	            1000);
}
