// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * tool - what the measuring programs share: a clock, latencies, questions,
 * and the CPU time of a server.
 *
 * They print one JSON object each; the scripts beside them make tables of it.
 * Wrong usage and failing system calls end the program with a message.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Prints what failed and why (errno), and ends the program. */
_Noreturn void die(const char *what);

/* Of an option: not below 0; else the program ends. */
double number(const char *text);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);
/* CLOCK_REALTIME. */
uint64_t wall_ns(void);
/* Until then or a little later. */
void sleep_until_ns(uint64_t at);

/* xorshift; for arrival times and choices, not for secrets. */
uint64_t random_u64(uint64_t *state);
/* From 0 up to 1, without either. */
double random_share(uint64_t *state);

/* ---- latencies: bins 1.6 % wide ---------------------------------------- */

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BINS = 60 * HISTOGRAM_STEPS };

struct histogram {
	uint64_t n, sum, max;
	uint64_t bin[HISTOGRAM_BINS];
};

void histogram_add(struct histogram *h, uint64_t value);
/* The value that the given share of all does not exceed; 0 if there is none. */
double histogram_at(const struct histogram *h, double share);

/* ---- questions ---------------------------------------------------------- */

enum { QUESTION_MAX = 300, QUESTION_LENGTHS_MAX = 16 };

struct question {
	uint32_t at; /* in questions.octets */
	uint16_t len;
	uint16_t class; /* which of the different lengths it has */
};

struct questions {
	struct question *item;
	uint8_t *octets; /* messages with id 0 */
	uint32_t n;
	uint16_t length[QUESTION_LENGTHS_MAX];
	unsigned length_n;
};

/* One message; returns its length. edns: the size offered, 0: no OPT. */
size_t question_put(
    uint8_t out[QUESTION_MAX], const char *name, const char *type, int edns);
/* A file with "NAME TYPE" in each line. */
void questions_load(struct questions *ret_q, const char *path, int edns);

/* ---- the server --------------------------------------------------------- */

/*
 * "127.0.0.1:5300"; anything but loopback and 198.18.0.0/15, which RFC 2544
 * keeps for benchmarks and xdp/run uses in a namespace, is refused.
 */
struct sockaddr_in loopback_address(const char *text);
/* A non-blocking connected socket with large buffers. */
int loopback_socket(const struct sockaddr_in *to);

/* Time on a CPU of all threads of the processes "PID,PID" so far. */
uint64_t process_cpu_ns(const char *pids);
/* Time that the CPU was busy with whatever, so far (steps of 10 ms). */
uint64_t core_busy_ns(int core);
