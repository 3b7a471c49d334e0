// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/net/net.h"

#include "registrar/lib/budget.h"
#include "registrar/net/tls_cache.h"

#include <event2/event.h>
#include <stddef.h>

void net_init(struct net *n, struct event_base *base, struct timers *timers)
{
	*n = (struct net){ .base = base,
		.timers = timers,
		.fd_max = budget_descriptors(),
		.tls = tls_cache_new() };
}

void net_release(struct net *n)
{
	tls_cache_free(n->tls);
	n->tls = NULL;
}

void net_base_free(struct event_base *base)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
}

int net_fd(const struct net *n, int fd)
{
	return budget_take(n->fd_max, fd);
}

int net_look(const struct net *n)
{
	return budget_look(n->fd_max);
}
