// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/rules.h"

#include <string.h>

const char *mesh_rule_text(enum mesh_rule r)
{
	static const char *const texts[] = {
		[MESH_OPEN] = "it has no 'allow', so all of the mesh may",
		[MESH_LISTED] = "its 'allow' names the caller",
		[MESH_REVOKED] = "the caller is revoked",
		[MESH_UNLISTED] = "its 'allow' does not name the caller",
		[MESH_BROKEN] = "its 'mesh' cannot be understood",
		[MESH_NOBODY] = "the caller has no 'user', so no certificate",
	};

	return texts[r];
}

enum mesh_rule mesh_rule_find(const struct mesh_service *caller,
    const struct mesh_service *callee, const struct mesh_caller **ret_caller)
{
	const struct mesh_policy *p = &callee->policy;

	*ret_caller = NULL;
	if (callee->broken)
		return MESH_BROKEN;
	if (caller->revoked)
		return MESH_REVOKED;
	if (!caller->in_mesh || !caller->policy.user)
		return MESH_NOBODY;
	if (!p->is_closed)
		return MESH_OPEN;
	for (unsigned i = 0; i < p->allow_n; i++) {
		if (!strcmp(p->allow[i].service, caller->name) &&
		    !strcmp(p->allow[i].zone, caller->zone)) {
			*ret_caller = &p->allow[i];
			return MESH_LISTED;
		}
	}
	return MESH_UNLISTED;
}

bool mesh_calls(
    const struct mesh_service *caller, const struct mesh_service *callee)
{
	const struct mesh_policy *p = &caller->policy;

	for (unsigned i = 0; i < p->call_n; i++) {
		if (!strcmp(p->calls[i].service, callee->name) &&
		    !strcmp(p->calls[i].zone, callee->zone))
			return true;
	}
	return false;
}
