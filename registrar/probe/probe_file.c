// SPDX-License-Identifier: BSD-2-Clause
/*
 * probe_file - what did somebody write, and how long ago?
 *
 * The first word of the file is the state, the rest of it the detail. Its
 * time is that of the last write on the wall clock; a clock that was set
 * back makes no file too old.
 */
#include "registrar/probe/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// clang-format off
static const struct {
	const char *word;
	enum verdict verdict;
} words[] = {
	{ "passing", VERDICT_PASS }, { "pass", VERDICT_PASS },
	{ "ok", VERDICT_PASS }, { "0", VERDICT_PASS },
	{ "warning", VERDICT_WARN }, { "warn", VERDICT_WARN },
	{ "1", VERDICT_WARN },
	{ "critical", VERDICT_FAIL }, { "fail", VERDICT_FAIL },
	{ "2", VERDICT_FAIL },
};
// clang-format on

static void judge(struct probe *p, const char *text)
{
	const char *word = text + strspn(text, " \t\r\n");
	size_t len = strcspn(word, " \t\r\n:");
	const char *rest = word + len + strspn(word + len, " \t\r\n:");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) != len ||
		    strncasecmp(words[i].word, word, len) != 0)
			continue;
		probe_done(p, words[i].verdict, *rest ? rest : words[i].word);
		return;
	}
	probe_done_fmt(p, VERDICT_FAIL,
	    "found '%.*s' in '%s', expected passing, warning or critical",
	    (int)(len < 40 ? len : 40), word, p->spec->file.path);
}

static void fail(struct probe *p, int error, const char *why)
{
	struct diag text;

	(void)diag_set(
	    &text, 0, "cannot read '%s': %s", p->spec->file.path, why);
	probe_done_error(p, error, text.text);
}

static int64_t age_ms(const struct probe *p, const struct fetched *is)
{
	return p->prober->wall_ms(p->prober->arg) - is->modified_wall_ms;
}

static void file_files(const struct probe *p, struct fetch *f)
{
	fetch_add(f, p->spec->file.path);
}

static void file_start(struct probe *p)
{
	const struct check_state_file *check = &p->spec->file;
	struct fetched is = fetch_get(p->fetch, check->path);
	char text[PROBE_DETAIL_MAX];

	if (is.error == -EINVAL) {
		fail(p, 0, "it is no regular file");
		return;
	}
	if (is.error) {
		fail(p, is.error, strerror(-is.error));
		return;
	}
	(void)snprintf(text, sizeof(text), "%s", is.text);
	if (check->max_age_ms && age_ms(p, &is) > check->max_age_ms) {
		probe_done_fmt(p, VERDICT_FAIL, "not written for %lld s: %s",
		    (long long)(age_ms(p, &is) / 1000), text);
		return;
	}
	judge(p, text);
}

static void file_stop(struct probe *p)
{
	(void)p;
}

const struct probe_ops probe_file_ops = {
	.files = file_files,
	.start = file_start,
	.stop = file_stop,
};
