// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * replace - a small file whose readers see all of the old or all of the new.
 *
 * What is written stands beside it as NAME.tmp until it is whole; two writers
 * at a time want a lock of their own. A link of either name is not followed.
 */
#include <stddef.h>

enum replace_how {
	REPLACE_SOON, /* on the disk when the kernel likes */
	REPLACE_SURE, /* before the call returns, name and content */
};

/* In the directory of that descriptor, with mode 0640 less umask. */
int replace_file(int dir_fd, const char *name, const void *data, size_t len,
    enum replace_how how);
