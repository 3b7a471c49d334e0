// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * wire - numbers in network order, and the constants of the DNS header.
 *
 * No alignment is asked for. Bounds are the caller's: query.c checks a whole
 * field before it reads, respond.c reserves room before it writes.
 */
#include <stdint.h>
#include <string.h>

enum {
	WIRE_HEADER_LEN = 12,  /* RFC 1035 section 4.1.1 */
	WIRE_NAME_MAX = 255,   /* octets of a name, RFC 1035 section 2.3.4 */
	WIRE_LABEL_MAX = 63,   /* octets of a label */
	WIRE_LABELS_MAX = 127, /* labels of a name, root not counted */
	WIRE_MESSAGE_MAX = 65535,
	WIRE_UDP_MIN = 512,      /* what every client takes */
	WIRE_UDP_DEFAULT = 1232, /* fits every path, DNS flag day 2020 */
};

/* Octets 2 and 3 of the header. */
enum {
	WIRE_QR = 0x80,
	WIRE_OPCODE = 0x78,
	WIRE_AA = 0x04,
	WIRE_TC = 0x02,
	WIRE_RD = 0x01,
	WIRE_RA = 0x80, /* octet 3, and what follows */
	WIRE_AD = 0x20,
	WIRE_CD = 0x10,
	WIRE_RCODE = 0x0f,
};

/* RFC 6895 section 2.2. */
enum opcode {
	OPCODE_QUERY = 0,
	OPCODE_NOTIFY = 4, /* RFC 1996 */
	OPCODE_UPDATE = 5, /* RFC 2136 */
	OPCODES = 16,
};

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_BADVERS = 16, /* upper bits travel in the OPT record */
	RCODE_BADCOOKIE = 23,
};

enum rrtype {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_MD = 3,
	TYPE_MF = 4,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_MB = 7,
	TYPE_MG = 8,
	TYPE_MR = 9,
	TYPE_PTR = 12,
	TYPE_HINFO = 13,
	TYPE_MINFO = 14,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_RP = 17,
	TYPE_AFSDB = 18,
	TYPE_RT = 21,
	TYPE_PX = 26,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_KX = 36,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_DS = 43,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
	TYPE_ANY = 255,
};

enum rrclass { CLASS_IN = 1, CLASS_CH = 3, CLASS_ANY = 255 };

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Of octet 2 of the header. */
static inline enum opcode wire_opcode(uint8_t flags)
{
	return (enum opcode)((flags & WIRE_OPCODE) >> 3);
}

static inline uint8_t *wire_put16(uint8_t *p, uint16_t v)
{
	uint16_t be = __builtin_bswap16(v);

	memcpy(p, &be, sizeof(be));
	return p + sizeof(be);
}

static inline uint8_t *wire_put32(uint8_t *p, uint32_t v)
{
	uint32_t be = __builtin_bswap32(v);

	memcpy(p, &be, sizeof(be));
	return p + sizeof(be);
}
