// SPDX-License-Identifier: BSD-2-Clause
/*
 * xdp-server - dnsd's message handler behind AF_XDP, or behind a socket.
 *
 *	xdp-server xdp  IFACE ADDRESS PORT REGISTRY ZONE
 *	xdp-server sock IFACE ADDRESS PORT REGISTRY ZONE
 *
 * An experiment (see README.md), not a server: one queue, one thread, IPv4
 * without options, no fragments. Everything above the packet is dnsd's own
 * code in both cases, so the difference is what the kernel's UDP path costs.
 */
#include "dnsd/message/data/catalog.h"
#include "dnsd/message/handle.h"
#include "dnsd/options.h"
#include "dnsd/registry/loader.h"
#include "dnsd/transport/address.h"
#include "dnsd/transport/udp.h"
#include "dnsd/zonefile/apex.h"
#include "schema/base/scoped.h"
#include "schema/base/xalloc.h"
#include "tests/support/batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xdp/xsk.h>

enum {
	FRAMES = 4096,
	FRAME_LEN = XSK_UMEM__DEFAULT_FRAME_SIZE,
	HEADERS_LEN = sizeof(struct ethhdr) + sizeof(struct iphdr) +
	              sizeof(struct udphdr),
	BATCH = HANDLE_BATCH_MAX,
};

struct ring {
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons completion, rx;
	uint8_t *frames;
};

static void fail(const char *what, int error)
{
	fprintf(stderr, "xdp-server: %s: %s\n", what, strerror(error));
	exit(1);
}

static void open_ring(struct ring *g, const char *iface)
{
	const struct xsk_socket_config config = {
		.rx_size = XSK_RING_CONS__DEFAULT_NUM_DESCS,
		.tx_size = XSK_RING_PROD__DEFAULT_NUM_DESCS,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	size_t len = (size_t)FRAMES * FRAME_LEN;
	uint32_t at = 0;
	int error;

	g->frames = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->frames == MAP_FAILED)
		fail("mmap", errno);
	error = xsk_umem__create(
	    &g->umem, g->frames, len, &g->fill, &g->completion, NULL);
	if (error)
		fail("umem", -error);
	error = xsk_socket__create(
	    &g->xsk, iface, 0, g->umem, &g->rx, &g->tx, &config);
	if (error)
		fail("AF_XDP socket", -error);
	/* the first half of the frames receives, the second half sends */
	uint32_t n = xsk_ring_prod__reserve(&g->fill, FRAMES / 2, &at);
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&g->fill, at + i) =
		    (uint64_t)i * FRAME_LEN;
	xsk_ring_prod__submit(&g->fill, n);
}

static uint16_t ip_checksum(const struct iphdr *ip)
{
	uint16_t word[sizeof(*ip) / 2];
	uint32_t sum = 0;

	memcpy(word, ip, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Headers of a request turned round for its response. */
static size_t turn_headers(uint8_t *out, const uint8_t *in, size_t payload_len)
{
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t mac[ETH_ALEN];
	uint32_t address;
	uint16_t port;

	memcpy(&eth, in, sizeof(eth));
	memcpy(&ip, in + sizeof(eth), sizeof(ip));
	memcpy(&udp, in + sizeof(eth) + sizeof(ip), sizeof(udp));
	memcpy(mac, eth.h_dest, ETH_ALEN);
	memcpy(eth.h_dest, eth.h_source, ETH_ALEN);
	memcpy(eth.h_source, mac, ETH_ALEN);
	address = ip.saddr;
	ip.saddr = ip.daddr;
	ip.daddr = address;
	ip.tot_len = htons((uint16_t)(sizeof(ip) + sizeof(udp) + payload_len));
	ip.check = 0;
	ip.check = ip_checksum(&ip);
	port = udp.source;
	udp.source = udp.dest;
	udp.dest = port;
	udp.len = htons((uint16_t)(sizeof(udp) + payload_len));
	udp.check = 0; /* none, RFC 768; IPv6 would need one */
	memcpy(out, &eth, sizeof(eth));
	memcpy(out + sizeof(eth), &ip, sizeof(ip));
	memcpy(out + sizeof(eth) + sizeof(ip), &udp, sizeof(udp));
	return HEADERS_LEN + payload_len;
}

static bool is_query(const uint8_t *frame, uint32_t len, uint16_t port)
{
	const struct iphdr *ip = (const void *)(frame + sizeof(struct ethhdr));
	uint16_t dest;

	if (len < HEADERS_LEN || frame[12] != 8 || frame[13] != 0 ||
	    ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return false;
	memcpy(&dest, frame + HEADERS_LEN - 6, sizeof(dest));
	return dest == htons(port);
}

/* Frames that were sent are free again. */
static void collect_sent(struct ring *g, uint64_t *free_frame, unsigned *n)
{
	uint32_t at = 0;
	uint32_t done = xsk_ring_cons__peek(
	    &g->completion, XSK_RING_CONS__DEFAULT_NUM_DESCS, &at);

	for (uint32_t i = 0; i < done; i++)
		free_frame[(*n)++] =
		    *xsk_ring_cons__comp_addr(&g->completion, at + i);
	xsk_ring_cons__release(&g->completion, done);
}

static void serve_batch(struct ring *g, struct handler *h, uint16_t port,
    uint64_t *free_frame, unsigned *free_n)
{
	struct message m[BATCH];
	uint64_t from[BATCH];
	const uint8_t *head[BATCH];
	uint32_t rx_at = 0, tx_at = 0, fill_at = 0, n = 0;
	uint32_t got = xsk_ring_cons__peek(&g->rx, BATCH, &rx_at);

	for (uint32_t i = 0; i < got; i++) {
		const struct xdp_desc *d =
		    xsk_ring_cons__rx_desc(&g->rx, rx_at + i);
		uint8_t *frame = g->frames + d->addr;

		from[i] = d->addr & ~(uint64_t)(FRAME_LEN - 1);
		if (!is_query(frame, d->len, port) || n == *free_n)
			continue;
		head[n] = frame;
		m[n].request = frame + HEADERS_LEN;
		m[n].request_len = d->len - HEADERS_LEN;
		m[n].peer = NULL;
		m[n].response =
		    g->frames + free_frame[*free_n - 1 - n] + HEADERS_LEN;
		n++;
	}
	handle_batch(h, m, n, VIA_UDP);
	uint32_t out = xsk_ring_prod__reserve(&g->tx, n, &tx_at);
	for (uint32_t i = 0; i < out; i++) {
		struct xdp_desc *d = xsk_ring_prod__tx_desc(&g->tx, tx_at + i);

		d->addr = free_frame[--*free_n];
		d->options = 0;
		d->len = (uint32_t)turn_headers(
		    g->frames + d->addr, head[i], m[i].response_len);
	}
	xsk_ring_prod__submit(&g->tx, out);
	xsk_ring_cons__release(&g->rx, got);
	if (xsk_ring_prod__reserve(&g->fill, got, &fill_at) == got) {
		for (uint32_t i = 0; i < got; i++)
			*xsk_ring_prod__fill_addr(&g->fill, fill_at + i) =
			    from[i];
		xsk_ring_prod__submit(&g->fill, got);
	}
	if (out)
		(void)sendto(
		    xsk_socket__fd(g->xsk), NULL, 0, MSG_DONTWAIT, NULL, 0);
}

static void serve_xdp(struct handler *h, const char *iface, uint16_t port)
{
	static struct ring g;
	static uint64_t free_frame[FRAMES];
	unsigned free_n = 0;

	open_ring(&g, iface);
	for (unsigned i = FRAMES / 2; i < FRAMES; i++)
		free_frame[free_n++] = (uint64_t)i * FRAME_LEN;
	for (;;) {
		struct pollfd p = { xsk_socket__fd(g.xsk), POLLIN, 0 };

		if (!xsk_cons_nb_avail(&g.rx, 1))
			(void)poll(&p, 1, -1);
		collect_sent(&g, free_frame, &free_n);
		serve_batch(&g, h, port, free_frame, &free_n);
	}
}

/* The catalog as dnsd makes it; never changed afterwards. */
static struct catalog *load(
    const char *path, const char *zone_name, struct reclaim *rec)
{
	struct options o = { .ttl_ms = 5000, .negative_ttl_ms = 2000 };
	struct catalog *c = catalog_new(1, rec);
	struct registry *r;
	struct zone *z;
	struct diag diag;
	int64_t revision;

	if (apex_zone(&o, zone_name, catalog_seed(c), &z, &diag) < 0 ||
	    registry_open(path, REGISTRY_READ, &r, &diag) < 0) {
		fprintf(stderr, "xdp-server: %s\n", diag.text);
		exit(1);
	}
	catalog_add_zone(c, z);
	struct loader *l = loader_new(c, rec);
	if (loader_load_all(l, r, &revision, &diag) < 0) {
		fprintf(stderr, "xdp-server: %s\n", diag.text);
		exit(1);
	}
	loader_free(l);
	registry_close(r);
	return c;
}

int main(int argc, char *argv[])
{
	static const struct identity id = { "rollcall", NULL };
	struct address a;
	struct udp *u;
	struct diag diag;

	if (argc != 7) {
		fputs("usage: xdp-server xdp|sock IFACE ADDRESS PORT REGISTRY "
		      "ZONE\n",
		    stderr);
		return 2;
	}
	struct reclaim *rec = reclaim_new(1);
	struct catalog *c = load(argv[5], argv[6], rec);
	const struct handler_source source = { c, &id, NULL, WIRE_UDP_DEFAULT,
		NULL, NULL, NULL, NULL };
	uint16_t port = (uint16_t)atoi(argv[4]);
	if (!strcmp(argv[1], "xdp")) {
		serve_xdp(handler_new(&source), argv[2], port);
		return 0;
	}
	scoped_free char *text = xasprintf("%s:%s", argv[3], argv[4]);
	if (address_parse(text, &a, &diag) < 0 ||
	    udp_start(&a, &source, reclaim_reader(rec, 0), &u, &diag) < 0) {
		fprintf(stderr, "xdp-server: %s\n", diag.text);
		return 1;
	}
	pause();
	udp_stop(u);
	return 0;
}
