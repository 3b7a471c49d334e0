// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names in none of our zones, where there is an answer to them.
 */
#include "dnsd/message/respond/respond_impl.h"

/*
 * A negative answer has to say how long it holds (RFC 2308), and the only
 * zone that all other names are in is the root: as short as ours.
 */
void respond_nothing(struct out *o)
{
	enum { TTL_S = 2 };
	static const uint8_t soa[] = "\0\0\6\0\1\0\0\0\2\0\57"
	                             "\11localhost\0"
	                             "\6nobody\7invalid\0"
	                             "\0\0\0\1\0\0\16\20\0\0\4\260"
	                             "\0\11\72\200\0\0\0";
	const size_t len = sizeof(soa); /* the last octet is the NUL's */

	if (len > respond_room(o)) {
		o->result.truncated = true;
		return;
	}
	memcpy(o->at, soa, len);
	o->at[len - 1] = TTL_S;
	o->at += len;
	o->authority_n++;
}
