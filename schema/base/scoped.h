// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * scoped - locals that clean up after themselves.
 *
 *	scoped_free char *text = xstrdup(s);
 *	scoped_fd int fd = open(...);
 *	return take_ptr(&text);		hands the pointer out
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scoped_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void scoped_fd_fn(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void scoped_file_fn(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define scoped_free __attribute__((cleanup(scoped_free_fn)))
#define scoped_fd __attribute__((cleanup(scoped_fd_fn)))
#define scoped_file __attribute__((cleanup(scoped_file_fn)))

/* Give a scoped descriptor to somebody else. */
static inline int take_fd(int *fd)
{
	int out = *fd;

	*fd = -1;
	return out;
}

/* Give a scoped pointer to somebody else: return take_ptr(&p). */
#define take_ptr(pp)                                                           \
	__extension__({                                                        \
		__typeof__(*(pp)) taken_ = *(pp);                              \
		*(pp) = NULL;                                                  \
		taken_;                                                        \
	})
