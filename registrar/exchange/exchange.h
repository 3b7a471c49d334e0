// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/* exchange - the formats that `import` reads and `export` writes. */

enum exchange_format {
	FORMAT_AUTO = -1, /* by content; for export: lines */
	FORMAT_LINES,     /* an object on each line, see import.h */
	FORMAT_CONSUL,    /* JSON of Consul */
	FORMAT_SKYDNS,    /* keys of SkyDNS and CoreDNS in etcd */
	FORMAT_ZONE,      /* a master file, RFC 1035 section 5 */
};
