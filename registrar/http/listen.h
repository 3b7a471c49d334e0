// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * listen - sockets to be asked on: 127.0.0.1:8080, [::1]:8080, unix:PATH.
 */
#include "schema/base/diag.h"

#include <stdbool.h>

/* Whether text is such an address. */
bool listen_is_address(const char *text);
bool listen_is_unix(const char *text);

/*
 * A bound socket that listens, does not block and is closed on exec. A Unix
 * socket that nobody listens on is replaced, and is for its owner and group.
 * Returns the descriptor or a negative errno.
 */
int listen_open(const char *text, struct diag *reterr);
/* A socket that is connected to it; waits for that. */
int listen_connect(const char *text, struct diag *reterr);
