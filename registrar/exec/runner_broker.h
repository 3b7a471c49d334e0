// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * runner_broker - the process that runs programs for the registrar.
 *
 * A helper (helper.h). It ends when the registrar closes its end of the
 * socket, and takes along whatever still runs.
 */
void runner_broker(void);
