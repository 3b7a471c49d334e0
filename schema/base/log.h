// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * log - one line a message on standard error, as text or as JSON.
 *
 * Only main and event callbacks log; libraries return errors. A line reads
 * `cannot open 'x': reason`: lower case, no full stop, then key=value pairs.
 * Control characters are escaped, so hostile input cannot forge lines.
 * Safe from any thread: a line is one write. The last error is kept.
 *
 * Where standard error is journald's (JOURNAL_STREAM) a line begins with its
 * priority as <N>, and a text has no time of its own: journald has one.
 */
#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* program is borrowed and must outlive the last line. */
void log_setup(
    const char *program, enum log_level level, enum log_format format);

void log_at(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The same with members for programs, in JSON beside "message"; a text is the
 * sentence alone. Ends with a key of NULL; one whose value is NULL is left
 * out. Keys are plain words.
 */
struct log_member {
	const char *key, *value;
};
void log_with(enum log_level level, const struct log_member *members,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * The last line of level error or warn, whether it was written or not, cut to
 * LOG_LAST_MAX octets with NUL; returns when that was, 0: there was none.
 */
#define LOG_LAST_MAX 512
int64_t log_last(char ret_text[LOG_LAST_MAX]);

/*
 * For lines that a peer can provoke: true at most `burst` times in each
 * interval. One struct for each kind of line, owned by one thread.
 */
struct log_limit {
	int64_t window_start_ms;
	unsigned used;
};
bool log_limit_ok(
    struct log_limit *l, unsigned burst, int64_t interval_ms, int64_t now_ms);
