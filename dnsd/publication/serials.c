// SPDX-License-Identifier: BSD-2-Clause
#include "dnsd/publication/serials.h"

#include "dnsd/message/wire/siphash.h"
#include "schema/base/replace.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ten thousand zones take a megabyte; more is not ours. */
enum { FILE_MAX = 16 << 20 };

static const char head[] = "rollcall serials 1\n";

/* ---- items ------------------------------------------------------------ */

void serials_add(struct serials *s, const struct serials_item *item)
{
	s->item = xreallocarray(s->item, s->n + 1, sizeof(*s->item));
	s->item[s->n++] = *item;
}

struct serials_item *serials_find(
    const struct serials *s, const struct dname *zone)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct dname *own = &s->item[i].zone;

		if (own->len == zone->len &&
		    !memcmp(own->lower, zone->lower, zone->len))
			return &s->item[i];
	}
	return NULL;
}

void serials_release(struct serials *s)
{
	free(s->item);
	*s = (struct serials){ 0 };
}

/* ---- reading ---------------------------------------------------------- */

static uint64_t sum_of(const char *text, size_t len)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "serials of zones";

	return siphash(key, (const uint8_t *)text, len);
}

static bool parse_line(const char *line, struct serials_item *ret_i)
{
	char zone[DNAME_TEXT_MAX], what[6];
	uint64_t word;
	struct serials_item i = { 0 };
	int end = 0;

	/* DNAME_TEXT_MAX is more than 1000 */
	// NOLINTNEXTLINE(cert-err34-c): the checksum is right, we wrote it
	if (sscanf(line, "%1000s %" SCNu32 " %5s %16" SCNx64 "%n", zone,
	        &i.kept.serial, what, &word, &end) != 4 ||
	    line[end] || !dname_from_text(&i.zone, zone))
		return false;
	i.kept.is_exact = !strcmp(what, "exact");
	if (i.kept.is_exact) {
		i.kept.digest = word;
	} else {
		i.writer = word;
	}
	*ret_i = i;
	return i.kept.is_exact || !strcmp(what, "most");
}

/* The text up to the checksum, which is right; NULL otherwise. */
static char *checked(char *text)
{
	char *last = strstr(text, "\nsum ");
	uint64_t sum;

	if (!last || strncmp(text, head, sizeof(head) - 1) != 0)
		return NULL;
	last++;
	// NOLINTNEXTLINE(cert-err34-c): a sum that overflows is another one
	if (sscanf(last, "sum %16" SCNx64, &sum) != 1 ||
	    sum != sum_of(text, (size_t)(last - text)))
		return NULL;
	*last = '\0';
	return text + sizeof(head) - 1;
}

static bool parse(char *text, struct serials *ret_s)
{
	char *state = NULL, *line = checked(text);
	struct serials_item item;

	if (!line)
		return false;
	for (line = strtok_r(line, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		if (!parse_line(line, &item))
			return false;
		serials_add(ret_s, &item);
	}
	return true;
}

static int read_text(int dir_fd, char **ret_text)
{
	scoped_fd int fd = openat(dir_fd, SERIALS_FILE,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EBADMSG;
	size_t len = (size_t)st.st_size, have = 0;
	scoped_free char *text = xcalloc(1, len + 1);
	while (have < len) {
		ssize_t n = read(fd, text + have, len - have);

		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	*ret_text = take_ptr(&text);
	return 0;
}

static int read_in(int dir_fd, struct serials *ret_s)
{
	scoped_free char *text = NULL;
	struct serials s = { 0 };
	int error = read_text(dir_fd, &text);

	if (!error && (!text || !parse(text, &s))) {
		serials_release(&s);
		error = -EBADMSG;
	}
	if (!error)
		*ret_s = s;
	return error;
}

static int open_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int serials_read(
    const char *directory, struct serials *ret_s, struct diag *reterr)
{
	scoped_fd int dir_fd = open_directory(directory);
	int error = dir_fd < 0 ? dir_fd : read_in(dir_fd, ret_s);

	if (error == -EBADMSG) {
		return diag_set(reterr, error,
		    "found '%s/%s' damaged, expected what was written there",
		    directory, SERIALS_FILE);
	}
	if (error) {
		return diag_set(reterr, error, "cannot read '%s/%s': %s",
		    directory, SERIALS_FILE, strerror(-error));
	}
	return 0;
}

/* ---- writing ---------------------------------------------------------- */

static void merge(struct serials *there, const struct serials *s, uint64_t own)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct serials_item *mine = &s->item[i];
		struct serials_item *other = serials_find(there, &mine->zone);

		if (!other) {
			serials_add(there, mine);
		} else if ((!other->kept.is_exact && other->writer == own) ||
		           !serial_is_ahead(
		               mine->kept.serial, other->kept.serial)) {
			*other = *mine;
		}
	}
}

static char *print(const struct serials *s, size_t *ret_len)
{
	char *text = NULL, zone[DNAME_TEXT_MAX];
	FILE *f = open_memstream(&text, ret_len);

	if (!f)
		abort();
	(void)fputs(head, f);
	for (unsigned i = 0; i < s->n; i++) {
		const struct serials_item *item = &s->item[i];

		dname_to_text(item->zone.lower, zone);
		(void)fprintf(f, "%s %" PRIu32 " %s %016" PRIx64 "\n", zone,
		    item->kept.serial, item->kept.is_exact ? "exact" : "most",
		    item->kept.is_exact ? item->kept.digest : item->writer);
	}
	(void)fflush(f);
	(void)fprintf(f, "sum %016" PRIx64 "\n", sum_of(text, *ret_len));
	if (fclose(f))
		abort();
	return text;
}

int serials_write(const char *directory, const struct serials *s,
    uint64_t writer, struct diag *reterr)
{
	scoped_fd int dir_fd = open_directory(directory);
	struct serials all = { 0 };
	size_t len;
	int error = dir_fd < 0 ? dir_fd : 0;

	if (!error && flock(dir_fd, LOCK_EX) < 0)
		error = -errno;
	if (!error) {
		(void)read_in(dir_fd, &all); /* damaged: written anew */
		merge(&all, s, writer);
		scoped_free char *text = print(&all, &len);
		error =
		    replace_file(dir_fd, SERIALS_FILE, text, len, REPLACE_SURE);
		serials_release(&all);
	}
	if (error) {
		return diag_set(reterr, error, "cannot write '%s/%s': %s",
		    directory, SERIALS_FILE, strerror(-error));
	}
	return 0;
}
