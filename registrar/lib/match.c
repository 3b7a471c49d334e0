// SPDX-License-Identifier: BSD-2-Clause
/*
 * pcre2_dfa_match() keeps a list of states for each octet, without going back;
 * it is fed a few octets at a time ("partial" matching), so that the length of
 * the list is known before the next ones: each state is compared with all
 * others of its list. pcre2_match(), which goes back, would forget its count
 * of steps at each place where a match might begin, and run over long
 * repetitions uncounted.
 *
 * Groups need it nevertheless. So it is asked only for a text that is known to
 * match, with one place to begin: a lazy repetition in front, whose steps are
 * counted with all others.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "registrar/lib/match.h"

#include "registrar/lib/ere.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#define STATES_MAX 2048
/* twice a list of three numbers each, and two of its own */
#define WORK_N (2 + 2 * 3 * (STATES_MAX + 1))
#define PIECE 16
#define HEAP_KIB 4096
#define STEPS_MAX 200000 /* of pcre2_match(), 20 to 100 ns each */

struct match {
	pcre2_code *any;   /* behind whatever comes before; no groups */
	pcre2_code *whole; /* at one place; NULL: groups are not wanted */
	pcre2_code *first; /* the first place, with groups */
	pcre2_match_context *limits;
	pcre2_match_data *data;
	unsigned group_n;
	int work[WORK_N];
};

/* ---- compiling -------------------------------------------------------- */

static pcre2_code *compile(const char *before, const char *perl,
    const char *behind, uint32_t more, struct diag *reterr)
{
	scoped_free char *text = xasprintf("%s(?:%s)%s", before, perl, behind);
	int error;
	size_t at;
	pcre2_code *code =
	    pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
	        PCRE2_ANCHORED | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
	            PCRE2_NO_AUTO_POSSESS | PCRE2_NO_START_OPTIMIZE |
	            PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C | more,
	        &error, &at, NULL);

	if (!code) {
		PCRE2_UCHAR why[128];

		(void)pcre2_get_error_message(error, why, sizeof(why));
		(void)diag_set(reterr, -EINVAL, "%s", (const char *)why);
	}
	return code;
}

static int compile_all(
    struct match *m, const struct ere *e, bool groups, struct diag *reterr)
{
	m->any = compile(".*", e->perl, "", PCRE2_NO_AUTO_CAPTURE, reterr);
	if (!m->any)
		return -EINVAL;
	m->data = pcre2_match_data_create(MATCH_GROUPS, NULL);
	m->limits = pcre2_match_context_create(NULL);
	if (!m->data || !m->limits)
		abort(); /* out of memory */
	(void)pcre2_set_match_limit(m->limits, STEPS_MAX);
	(void)pcre2_set_depth_limit(m->limits, STEPS_MAX);
	(void)pcre2_set_heap_limit(m->limits, HEAP_KIB);
	if (!groups)
		return 0;
	if (e->doubtful && e->group_n) {
		return diag_set(reterr, -EINVAL,
		    "with groups, branches of '|' must begin differently");
	}
	m->whole = compile("", e->perl, "(?C)", 0, reterr);
	if (m->whole)
		m->first = compile(".*?\\K", e->perl, "", 0, reterr);
	return m->first ? 0 : -EINVAL;
}

int match_new(
    const char *pattern, bool groups, struct match **ret_m, struct diag *reterr)
{
	struct ere e;
	const char *why = ere_read(pattern, &e);

	if (why)
		return diag_set(reterr, -EINVAL, "%s", why);
	struct match *m = xcalloc(1, sizeof(*m));
	int r = compile_all(m, &e, groups, reterr);

	m->group_n = e.group_n;
	free(e.perl);
	if (r < 0) {
		match_free(m);
		return r;
	}
	*ret_m = m;
	return 0;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	pcre2_code_free(m->any);
	pcre2_code_free(m->whole);
	pcre2_code_free(m->first);
	pcre2_match_context_free(m->limits);
	pcre2_match_data_free(m->data);
	free(m);
}

unsigned match_group_n(const struct match *m)
{
	return m->group_n;
}

/* ---- does it match? --------------------------------------------------- */

/* How many states the list has, for the octets to come. */
static int64_t cost_of_octet(const struct match *m, bool begun)
{
	int64_t states = begun ? m->work[1] : 1;

	return 20 + 10 * states + states * states / 2;
}

static int run(struct match *m, const pcre2_code *code, const char *text,
    size_t len, uint32_t option)
{
	uint32_t begun = 0;
	int64_t cost = 0;

	for (size_t at = 0;; at += PIECE) {
		bool last = len - at <= PIECE;
		size_t end = last ? len : at + PIECE;

		cost += cost_of_octet(m, begun) * PIECE;
		if (cost > MATCH_COST_MAX)
			return PCRE2_ERROR_MATCHLIMIT;
		int r = pcre2_dfa_match(code, (PCRE2_SPTR)text, end, at,
		    option | begun | (last ? 0 : PCRE2_PARTIAL_HARD), m->data,
		    m->limits, m->work, WORK_N);

		if (r != PCRE2_ERROR_PARTIAL)
			return r;
		begun = PCRE2_DFA_RESTART;
	}
}

static int verdict(int r)
{
	if (r >= 0)
		return 1;
	return r == PCRE2_ERROR_NOMATCH ? 0 : -E2BIG;
}

int match_run(struct match *m, const char *text, size_t len)
{
	return verdict(run(m, m->any, text, len, PCRE2_DFA_SHORTEST));
}

/* ---- where, and what fell to each group ------------------------------- */

/*
 * Where the longest match at this place ends: first what it costs is counted,
 * for in pieces the matches of earlier ones are forgotten.
 */
static int find_end(
    struct match *m, const char *text, size_t len, size_t at, size_t *ret_end)
{
	int r = run(m, m->whole, text + at, len - at, 0);

	if (r != PCRE2_ERROR_MATCHLIMIT) {
		r = pcre2_dfa_match(m->whole, (PCRE2_SPTR)text, len, at, 0,
		    m->data, m->limits, m->work, WORK_N);
	}
	if (r < 0)
		return -E2BIG;
	*ret_end = pcre2_get_ovector_pointer(m->data)[1];
	return 0;
}

/* Greedy is not always longest: go back, and try on. */
static int has_other_end(pcre2_callout_block *b, void *end)
{
	return b->current_position != *(const size_t *)end;
}

int match_groups(struct match *m, const char *text, size_t len,
    struct match_span ret_at[MATCH_GROUPS])
{
	const size_t *found = pcre2_get_ovector_pointer(m->data);
	PCRE2_SPTR subject = (PCRE2_SPTR)text;
	int r = match_run(m, text, len);
	size_t end;

	if (r <= 0)
		return r;
	r = pcre2_match(m->first, subject, len, 0, 0, m->data, m->limits);
	if (r < 0)
		return -E2BIG;
	size_t at = found[0];

	if (find_end(m, text, len, at, &end) < 0)
		return -E2BIG;
	(void)pcre2_set_callout(m->limits, has_other_end, &end);
	r = pcre2_match(m->whole, subject, len, at, 0, m->data, m->limits);
	(void)pcre2_set_callout(m->limits, NULL, NULL);
	if (r < 0)
		return -E2BIG;
	for (size_t n = 0; n < MATCH_GROUPS; n++) {
		bool in = n < (size_t)r && found[2 * n] != PCRE2_UNSET;

		ret_at[n] = (struct match_span){
			.at = in ? found[2 * n] : 0,
			.len = in ? found[2 * n + 1] - found[2 * n] : 0,
		};
	}
	return 1;
}

const char *match_word(int result)
{
	if (result < 0)
		return "cost too much to compare with";
	return result ? "match" : "do not match";
}

int match_regex(const char *pattern, const char *text, size_t len)
{
	struct match *m = NULL;

	if (match_new(pattern, false, &m, NULL) < 0 || !m)
		abort(); /* the definition has compiled it */
	int r = match_run(m, text, len);

	match_free(m);
	return r;
}
