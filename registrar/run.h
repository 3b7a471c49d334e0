// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * run - `registrar run`: watch, check, and write what is found.
 */
struct run_options;

/*
 * Runs until SIGTERM or SIGINT; SIGHUP reads the directory again. Returns 0,
 * or 1 when it could not start (the log says why). Rows stay in the registry
 * when it ends: dnsd goes on answering, the next run goes on from there.
 */
int run_main(const struct run_options *options);
