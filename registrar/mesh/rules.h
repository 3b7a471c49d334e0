// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * rules - may one service call another, and by which rule.
 *
 * The one place for it: sidecars are configured by it, `explain` tells it.
 */
#include "registrar/mesh/model.h"

enum mesh_rule {
	MESH_OPEN,    /* the callee has no `allow`: whoever is in the mesh */
	MESH_LISTED,  /* `allow` names the caller */
	MESH_REVOKED, /* the caller, by an operator */
	MESH_UNLISTED,
	MESH_BROKEN, /* what the callee says cannot be understood */
	MESH_NOBODY, /* the caller has no user, so it gets no certificate */
};

static inline bool mesh_rule_lets_in(enum mesh_rule r)
{
	return r == MESH_OPEN || r == MESH_LISTED;
}
const char *mesh_rule_text(enum mesh_rule r);

/* ret_caller: what `allow` says of it; NULL unless it is listed. */
enum mesh_rule mesh_rule_find(const struct mesh_service *caller,
    const struct mesh_service *callee, const struct mesh_caller **ret_caller);

bool mesh_calls(
    const struct mesh_service *caller, const struct mesh_service *callee);
