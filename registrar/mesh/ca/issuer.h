// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * issuer - `registrar mesh ca`: the process that holds the authority's key and
 * does nothing else.
 *
 * It listens on a Unix socket. Who asks is known by the kernel (SO_PEERCRED):
 * the user that a service runs as, by its policy in the registry, gets a
 * certificate for that service; root and the process's own user, as whom the
 * control plane runs, for each service that has a user. One request a
 * connection, each bound in size and time; everything that is issued is in the
 * registry before it is handed out, and everything that is refused in the log.
 */
#include "registrar/options.h"

/* Until SIGTERM; an exit code. */
int issuer_main(const struct registrar_options *o);

/*
 * The other end: waits at most a second. key_pem of the answer is made here.
 * -EACCES: refused, reterr says why.
 */
struct credentials {
	const char *pem; /* certificate, then its key */
	const char *roots;
};
int issuer_ask(const char *socket, const char *zone, const char *service,
    const char *instance, struct arena *a, struct credentials *ret_c,
    struct diag *reterr);
