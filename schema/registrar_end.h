// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * registrar_end - the last that a registrar says: nobody needs to wait until
 * it is silent.
 */
#include "schema/registry.h"

/*
 * It ends: started_wall_ms of its row is 0 until registry_put_registrar() is
 * called again. In a transaction.
 */
int registry_end_registrar(
    struct registry *r, const char *name, struct diag *reterr);
