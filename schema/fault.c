// SPDX-License-Identifier: BSD-2-Clause
/*
 * A handler of signals can be told nothing but by what has no owner: whether
 * its thread is in SQLite, and how often it had to help.
 */
#include "schema/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile sig_atomic_t depth;
static atomic_uint replaced_n;

static bool replace_page(void *address)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page = (char *)address - (uintptr_t)address % size;

	return mmap(page, size, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	int before = errno;

	(void)context;
	if (depth > 0 && info->si_code == BUS_ADRERR &&
	    replace_page(info->si_addr)) {
		(void)atomic_fetch_add(&replaced_n, 1);
	} else { /* it comes again, and ends us */
		(void)signal(sig, SIG_DFL);
	}
	errno = before;
}

void fault_catch(void)
{
	struct sigaction now, wanted = { .sa_flags = SA_SIGINFO | SA_RESTART };

	wanted.sa_sigaction = on_fault;
	if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != on_fault)
		(void)sigaction(SIGBUS, &wanted, NULL);
}

void fault_enter(void)
{
	depth++;
}

void fault_leave(void)
{
	depth--;
}

unsigned fault_count(void)
{
	return atomic_load_explicit(&replaced_n, memory_order_relaxed);
}
