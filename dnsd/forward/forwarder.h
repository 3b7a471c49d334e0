// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * forwarder - the process that asks others, with libunbound inside: its own
 * sockets, cache and sandbox, one thread, one event loop.
 *
 * It talks to upstreams and to dnsd (frame.h) and, once it runs, opens no
 * file any more. Whatever happens to it, dnsd goes on.
 */
#include "schema/sandbox/sandbox.h"

/*
 * In a process of its own; link: the socket of frames. Returns its exit
 * status when dnsd is gone or the recipe is wrong, which it logs.
 */
int forwarder_main(int link, const char *recipe, enum sandbox_mode mode);
