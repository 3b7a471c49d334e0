// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * calls - which system calls are left, for sandbox.c.
 *
 * A list of what is allowed, not of what is not: new calls that reach far
 * (io_uring was one) must not be open until somebody hears of them. An
 * operator must not lose a program because a library took to a new call,
 * though, so what is not allowed fails, and nobody is killed: with ENOSYS, as
 * in a kernel that does not have it yet, which glibc and others cope with
 * because such kernels are in use; with EPERM what programs of ours have no
 * business with, so that who wonders finds a reason. Only calls of another
 * architecture's numbers, which no library of ours makes, end the process.
 *
 * The kernel logs what failed, where it has audit (type=1326 in its log, with
 * the program and the number of the call; `ausyscall NUMBER` names it).
 *
 * Under AddressSanitizer and ThreadSanitizer what these need is allowed too:
 * a process that looks for leaks of this one (clone(2), ptrace(2)).
 */

/* uses: of enum sandbox_use. For all threads. -errno: nothing changed. */
int calls_restrict(unsigned uses);
