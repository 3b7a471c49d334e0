// SPDX-License-Identifier: BSD-2-Clause
/*
 * One line for Nagios and its like: a word, what is worst, then numbers. Out
 * of service is critical; states that may be old are unknown; one instance
 * that is down while others answer, or a definition that is refused, is a
 * warning.
 */
#include "registrar/report/status.h"

#include <string.h>

struct verdict {
	int code;
	const char *text; /* why; NULL: all is well */
};

/* The more urgent first: unknown is less than critical. */
static unsigned rank(int code)
{
	static const unsigned ranks[] = { [NAGIOS_OK] = 0,
		[NAGIOS_WARNING] = 1,
		[NAGIOS_UNKNOWN] = 2,
		[NAGIOS_CRITICAL] = 3 };

	return ranks[code];
}

static void worse(struct verdict *v, int code, const char *text)
{
	if (rank(code) > rank(v->code))
		*v = (struct verdict){ code, text };
}

static void judge_told(struct verdict *v, const struct told *t)
{
	static const int codes[] = {
		[TOLD_REGISTRAR_SILENT] = NAGIOS_UNKNOWN,
		[TOLD_REFUSED] = NAGIOS_WARNING,
		[TOLD_UNSERVED] = NAGIOS_CRITICAL,
		[TOLD_DNSD_SILENT] = NAGIOS_WARNING,
		[TOLD_DNSD_TROUBLE] = NAGIOS_WARNING,
		[TOLD_CLUSTER] = NAGIOS_WARNING,
		[TOLD_DNSD_UNKNOWN] = NAGIOS_OK,
	};

	for (unsigned k = 0; k < t->line_n; k++)
		worse(v, codes[t->lines[k].code], t->lines[k].text);
}

static void judge_instances(struct verdict *v, const struct status_report *r)
{
	for (unsigned k = 0; k < r->instance_n; k++) {
		const struct status_instance *i = &r->instances[k];

		if (!status_is_bad(r, i))
			continue;
		worse(v, NAGIOS_WARNING,
		    arena_printf(r->arena, "%s/%s is %s: %s", i->row.service,
		        i->row.name, status_state(i),
		        status_detail(r->arena, r, i)));
	}
}

static unsigned judge_services(struct verdict *v, const struct status_report *r)
{
	unsigned unanswered = 0;

	for (unsigned k = 0; k < r->service_n; k++) {
		const struct status_service *s = &r->services[k];

		if (!s->is_out)
			continue;
		unanswered++;
		worse(v, NAGIOS_CRITICAL,
		    arena_printf(r->arena, "%s.%s has no answer", s->row.name,
		        s->row.zone));
	}
	return unanswered;
}

static unsigned count_state(const struct status_report *r, const char *state)
{
	unsigned n = 0;

	for (unsigned k = 0; k < r->instance_n; k++)
		n += !strcmp(status_state(&r->instances[k]), state);
	return n;
}

/* What is behind a bar is numbers. */
static void put_text(FILE *f, struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *p = copy; *p; p++) {
		if (*p == '|')
			*p = '/';
	}
	status_put_safe(f, copy, 0);
}

int status_print_nagios(FILE *f, const struct status_report *r)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };
	static const char *const states[] = { "passing", "warning", "critical",
		"dead", "starting", "draining", "drained", "maintenance",
		"expired" };
	struct verdict v = { NAGIOS_OK, NULL };

	judge_told(&v, &r->told);
	unsigned unanswered = judge_services(&v, r);

	judge_instances(&v, r);
	(void)fprintf(f, "ROLLCALL %s - ", words[v.code]);
	if (v.text)
		put_text(f, r->arena, v.text);
	(void)fprintf(f,
	    "%s%u service%s, %u instance%s | services=%u "
	    "unanswered=%u;;0 instances=%u",
	    v.text ? "; " : "", r->service_n, r->service_n == 1 ? "" : "s",
	    r->instance_n, r->instance_n == 1 ? "" : "s", r->service_n,
	    unanswered, r->instance_n);
	for (size_t k = 0; k < sizeof(states) / sizeof(*states); k++) {
		(void)fprintf(
		    f, " %s=%u", states[k], count_state(r, states[k]));
	}
	(void)fputc('\n', f);
	return v.code;
}
