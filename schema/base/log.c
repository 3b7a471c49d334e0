// SPDX-License-Identifier: BSD-2-Clause
/*
 * A line is built in one buffer and leaves by one write(2): lines of several
 * threads do not mix, and no lock is held. That of the last error is held for
 * a copy.
 */
#include "schema/base/log.h"

#include "schema/base/clock.h"
#include "schema/base/utf8.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_LEN 4096

/* The log sink: the one mutable file-scope variable of the house rules. */
static struct {
	const char *program;
	enum log_level level;
	enum log_format format;
	bool journal;         /* who reads standard error */
	pthread_mutex_t lock; /* of what follows */
	char last[LOG_LAST_MAX];
	int64_t last_wall_ms;
} sink = { .program = "rollcall",
	.level = LOG_LEVEL_INFO,
	.format = LOG_FORMAT_TEXT,
	.lock = PTHREAD_MUTEX_INITIALIZER };

static const struct {
	const char *name, *priority; /* of syslog(3), as sd-daemon(3) has it */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARN] = { "warn", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

struct line {
	char text[LINE_MAX_LEN];
	size_t len;
	bool
	    full; /* nothing more fits: what is cut is cut between characters */
};

static void put(struct line *l, const char *s, size_t n)
{
	if (l->full || n > sizeof(l->text) - 8 - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static void put_text(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static void put_escape(struct line *l, unsigned c)
{
	char esc[8];

	(void)snprintf(esc, sizeof(esc), "\\u%04x", c);
	put_text(l, esc);
}

/*
 * JSON's escapes do for text too: what is logged may come from a peer. What is
 * no UTF-8, as names of files may be, is U+FFFD.
 */
static void put_escaped(struct line *l, const char *s, bool json)
{
	size_t left = strlen(s);

	while (left) {
		unsigned char c = (unsigned char)*s;
		unsigned char next = (unsigned char)s[1];
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
		size_t n = utf8_len(s, left);

		if (c < 0x20 || c == 0x7f || c1) {
			put_escape(l, c1 ? next : c);
			n = c1 ? 2 : 1;
		} else if (!n) {
			put_escape(l, 0xfffd);
			n = 1;
		} else if (json && (c == '"' || c == '\\')) {
			const char pair[] = { '\\', *s };

			put(l, pair, 2);
		} else {
			put(l, s, n);
		}
		s += n;
		left -= n;
	}
}

static void put_time(struct line *l)
{
	int64_t now_wall_ms = clock_wall_ms();
	time_t secs = (time_t)(now_wall_ms / 1000);
	struct tm tm;
	char text[40];

	gmtime_r(&secs, &tm);
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(
	    text + n, sizeof(text) - n, ".%03dZ", (int)(now_wall_ms % 1000));
	put_text(l, text);
}

/* The variable is inherited also by those whose output goes elsewhere. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(own, sizeof(own), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return !strcmp(own, stream);
}

void log_setup(
    const char *program, enum log_level level, enum log_format format)
{
	sink.program = program;
	sink.level = level;
	sink.format = format;
	sink.journal = is_journal();
}

static void keep(const char *message)
{
	(void)pthread_mutex_lock(&sink.lock);
	(void)snprintf(sink.last, sizeof(sink.last), "%.*s",
	    (int)sizeof(sink.last) - 1, message);
	sink.last_wall_ms = clock_wall_ms();
	(void)pthread_mutex_unlock(&sink.lock);
}

int64_t log_last(char ret_text[LOG_LAST_MAX])
{
	(void)pthread_mutex_lock(&sink.lock);
	memcpy(ret_text, sink.last, sizeof(sink.last));
	int64_t at_wall_ms = sink.last_wall_ms;
	(void)pthread_mutex_unlock(&sink.lock);
	return at_wall_ms;
}

static void put_members(struct line *l, const struct log_member *members)
{
	for (const struct log_member *m = members; m && m->key; m++) {
		size_t before = l->len;

		if (!m->value)
			continue;
		put_text(l, ",\"");
		put_text(l, m->key);
		put_text(l, "\":\"");
		put_escaped(l, m->value, true);
		put_text(l, "\"");
		if (l->full) { /* whole or not at all */
			l->len = before;
			l->full = false;
			return;
		}
	}
}

/* Members come first: what is too long cuts the message, and no quote. */
static void put_json(struct line *l, enum log_level level,
    const struct log_member *members, const char *message)
{
	put_text(l, "{\"time\":\"");
	put_time(l);
	put_text(l, "\",\"program\":\"");
	put_text(l, sink.program);
	put_text(l, "\",\"level\":\"");
	put_text(l, levels[level].name);
	put_text(l, "\"");
	put_members(l, members);
	put_text(l, ",\"message\":\"");
	put_escaped(l, message, true);
	memcpy(l->text + l->len, "\"}\n", 3);
	l->len += 3;
}

static void put_plain(struct line *l, enum log_level level, const char *message)
{
	if (!sink.journal) {
		put_time(l);
		put_text(l, " ");
	}
	put_text(l, sink.program);
	put_text(l, " ");
	put_text(l, levels[level].name);
	put_text(l, ": ");
	put_escaped(l, message, false);
	l->text[l->len++] = '\n';
}

__attribute__((format(printf, 3, 0))) static void log_line(enum log_level level,
    const struct log_member *members, const char *fmt, va_list ap)
{
	struct line l = { .len = 0 };
	char message[LINE_MAX_LEN / 2 - 256];

	if (level > sink.level && level > LOG_LEVEL_WARN)
		return;
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	if (level <= LOG_LEVEL_WARN)
		keep(message);
	if (level > sink.level)
		return;
	if (sink.journal)
		put_text(&l, levels[level].priority);
	if (sink.format == LOG_FORMAT_JSON) {
		put_json(&l, level, members, message);
	} else {
		put_plain(&l, level, message);
	}
	ssize_t n = write(STDERR_FILENO, l.text, l.len);
	(void)n; /* nowhere is left to report it */
}

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(level, NULL, fmt, ap);
	va_end(ap);
}

void log_with(enum log_level level, const struct log_member *members,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(level, members, fmt, ap);
	va_end(ap);
}

bool log_limit_ok(
    struct log_limit *l, unsigned burst, int64_t interval_ms, int64_t now_ms)
{
	if (now_ms - l->window_start_ms >= interval_ms || !l->used) {
		l->window_start_ms = now_ms;
		l->used = 0;
	}
	if (l->used >= burst)
		return false;
	l->used++;
	return true;
}
