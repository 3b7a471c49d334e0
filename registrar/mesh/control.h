// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * control - `registrar mesh run`: the process that tells the sidecars of this
 * host, and goes by the registry alone.
 */
#include "registrar/options.h"

/* Until SIGTERM; an exit code. */
int control_main(const struct registrar_options *o);
