// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/mesh/intercept.h"

static void write_ports(const struct intercept *i, FILE *out)
{
	(void)fputs("tcp dport {", out);
	for (unsigned k = 0; k < i->n; k++)
		(void)fprintf(out, "%s %d", k ? "," : "", i->ports[k]);
	(void)fputs(" }", out);
}

static unsigned depth_of(const char *cgroup)
{
	unsigned n = 1;

	for (; *cgroup; cgroup++)
		n += *cgroup == '/' && cgroup[1];
	return n;
}

void intercept_write_undo(const struct intercept *i, FILE *out)
{
	/* so that it can be deleted whether it is there or not */
	(void)fprintf(out,
	    "table inet rollcall_mesh_%s\n"
	    "delete table inet rollcall_mesh_%s\n",
	    i->name, i->name);
}

void intercept_write(const struct intercept *i, FILE *out)
{
	intercept_write_undo(i, out);
	(void)fprintf(out,
	    "table inet rollcall_mesh_%s {\n"
	    "	chain calls {\n"
	    "		type nat hook output priority -100; policy accept;\n"
	    "		# the sidecar's own way to an application on this host\n"
	    "		meta skuid \"%s\" oifname \"lo\" ip daddr != 127.0.0.0/8 ",
	    i->name, i->proxy_user);
	write_ports(i, out);
	(void)fprintf(out,
	    " redirect to :%d\n"
	    "		meta skuid \"%s\" oifname \"lo\" ip6 daddr != ::1 ",
	    i->base_port + MESH_INBOUND, i->proxy_user);
	write_ports(i, out);
	(void)fprintf(out,
	    " redirect to :%d\n"
	    "		meta skuid \"%s\" return\n"
	    "		ip daddr 127.0.0.0/8 return\n"
	    "		ip6 daddr ::1 return\n"
	    "		",
	    i->base_port + MESH_INBOUND, i->proxy_user);
	if (i->user)
		(void)fprintf(out, "meta skuid \"%s\" ", i->user);
	if (i->cgroup) {
		(void)fprintf(out, "socket cgroupv2 level %u \"%s\" ",
		    depth_of(i->cgroup), i->cgroup);
	}
	(void)fprintf(out,
	    "meta l4proto tcp redirect to :%d\n"
	    "	}\n"
	    "	chain arrivals {\n"
	    "		type nat hook prerouting priority -100; policy accept;\n"
	    "		",
	    i->base_port + MESH_OUTBOUND);
	write_ports(i, out);
	(void)fprintf(out,
	    " redirect to :%d\n"
	    "	}\n"
	    "	# on loopback the application is for its sidecar, for root (checks)\n"
	    "	# and for itself\n"
	    "	chain loopback {\n"
	    "		type filter hook output priority 0; policy accept;\n"
	    "		oifname \"lo\" meta skuid != { 0, \"%s\"%s%s%s } ",
	    i->base_port + MESH_INBOUND, i->proxy_user, i->user ? ", \"" : "",
	    i->user ? i->user : "", i->user ? "\"" : "");
	write_ports(i, out);
	(void)fputs(" ct state new reject with tcp reset\n"
	            "	}\n"
	            "}\n",
	    out);
}
