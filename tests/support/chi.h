// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * chi - do counts follow the probabilities that they should?
 *
 * Pearson's chi-square. Cells that expect fewer than five are taken together.
 * Seeds are fixed, so a test passes or fails for ever; the limit is what
 * one honest run in a million exceeds.
 */
#include <stdbool.h>
#include <stddef.h>

struct chi {
	double statistic, limit;
	unsigned freedom; /* degrees of */
};

/* count[i] of `total` draws, p[i] adding up to 1. */
struct chi chi_square(
    const unsigned *count, const double *p, size_t n, unsigned total);

/* True: within the limit. A count where p is 0 is never right. */
bool chi_fits(const unsigned *count, const double *p, size_t n, unsigned total);

/*
 * Of drawing one after another without replacement, each time in proportion
 * to the weights of the rest; when only weights of 0 are left, each is as
 * likely. order: n places.
 */
double chi_order_probability(
    const unsigned *weight, const unsigned *order, size_t n);

/* All orders of a few: how many, which one it is, how probable each. */
enum { CHI_ORDER_MAX = 5, CHI_ORDERS_MAX = 120 };
unsigned chi_orders(unsigned n);
unsigned chi_order_rank(const unsigned *order, unsigned n);
void chi_order_probabilities(
    const unsigned *weight, unsigned n, double ret_p[CHI_ORDERS_MAX]);
