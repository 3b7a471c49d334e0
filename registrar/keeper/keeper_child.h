// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * keeper_child - the process of the keeper.
 *
 * A packet from the registrar is an octet that says what, then, of
 * KEEPER_START, one of `enum keeper_how` and the words of the command line,
 * each with its NUL. When the registrar closes its end without KEEPER_END it
 * was killed.
 */
enum keeper_packet {
	KEEPER_START = 1,
	KEEPER_END,
};

/* For helper_start(), with a SOCK_SEQPACKET. */
void keeper_child(void);
