// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs a fuzz target over files, or over the files of folders: the corpus
 * and its nearest neighbours as a plain test, without libFuzzer. Folders
 * that are not there are empty.
 */
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUTATIONS 48 /* of each kind, of one input */

/*
 * What an input is cut short to, and one octet of it replaced: the nearest
 * neighbours of the corpus, the same in every run.
 */
static void replay_neighbours(const uint8_t *data, size_t len)
{
	static const uint8_t odd[] = "\0\xff\x80{}[]:\"'\n\t -*&!%\xc0";
	scoped_free uint8_t *copy = xmalloc(len);

	for (size_t i = 0; i < MUTATIONS && i < len; i++) {
		size_t at = len <= MUTATIONS ? i : i * len / MUTATIONS;
		scoped_free uint8_t *head = xmalloc(at);

		memcpy(head, data, at);
		(void)LLVMFuzzerTestOneInput(head, at);
		memcpy(copy, data, len);
		copy[at] = odd[i % (sizeof(odd) - 1)];
		(void)LLVMFuzzerTestOneInput(copy, len);
	}
}

static int replay_file(const char *path)
{
	scoped_file FILE *f = fopen(path, "rb");
	struct stat st;

	if (!f || fstat(fileno(f), &st) < 0) {
		(void)fprintf(stderr, "cannot read '%s'\n", path);
		return -EIO;
	}
	size_t len = (size_t)st.st_size;
	/* Exactly as long as the input: ASan sees a read past its end. */
	scoped_free uint8_t *data = xmalloc(len);
	if (fread(data, 1, len, f) != len)
		return -EIO;
	(void)LLVMFuzzerTestOneInput(data, len);
	replay_neighbours(data, len);
	return 0;
}

static int replay_folder(DIR *dir, const char *path, unsigned *n)
{
	const struct dirent *e;

	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		scoped_free char *file = xasprintf("%s/%s", path, e->d_name);
		int r = replay_file(file);
		if (r < 0)
			return r;
		++*n;
	}
	return 0;
}

static int replay_path(const char *path, unsigned *n)
{
	DIR *dir = opendir(path);

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir) {
		++*n;
		return replay_file(path);
	}
	int r = replay_folder(dir, path, n);
	(void)closedir(dir);
	return r;
}

int main(int argc, char **argv)
{
	unsigned n = 0;

	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		if (replay_path(argv[i], &n) < 0)
			return 1;
	}
	(void)printf("%u inputs\n", n);
	return 0;
}
