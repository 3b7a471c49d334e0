// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * runner_broker - the process that runs programs for the registrar.
 *
 * Forked by runner.c, it keeps nothing of the registrar but the descriptor it
 * is given and standard error. It ends when the other end is closed, and
 * takes along whatever still runs. It does not end by SIGTERM, SIGINT and
 * their like: those are the registrar's business.
 */
_Noreturn void runner_broker(int fd);
