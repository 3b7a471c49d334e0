// SPDX-License-Identifier: BSD-2-Clause
#include "tests/support/chi.h"

#include <assert.h>
#include <math.h>

static const double too_few = 5, z_of_a_millionth = 4.7534;

/* Wilson and Hilferty's approximation of the quantile, 1931. */
static double quantile(unsigned freedom)
{
	double k = freedom, a = 2 / (9 * k);

	return k * pow(1 - a + z_of_a_millionth * sqrt(a), 3);
}

struct chi chi_square(
    const unsigned *count, const double *p, size_t n, unsigned total)
{
	struct chi c = { 0 };
	double rest_p = 0, rest_n = 0;
	unsigned cells = 0;

	for (size_t i = 0; i < n; i++) {
		double expect = p[i] * total;

		if (expect < too_few) {
			rest_p += p[i];
			rest_n += count[i];
			continue;
		}
		c.statistic +=
		    (count[i] - expect) * (count[i] - expect) / expect;
		cells++;
	}
	if (rest_p > 0) {
		double expect = rest_p * total;

		c.statistic += (rest_n - expect) * (rest_n - expect) / expect;
		cells++;
	}
	c.freedom = cells > 1 ? cells - 1 : 1;
	c.limit = quantile(c.freedom);
	return c;
}

bool chi_fits(const unsigned *count, const double *p, size_t n, unsigned total)
{
	for (size_t i = 0; i < n; i++) {
		if (count[i] && !(p[i] > 0))
			return false;
	}
	struct chi c = chi_square(count, p, n, total);
	return c.statistic <= c.limit;
}

double chi_order_probability(
    const unsigned *weight, const unsigned *order, size_t n)
{
	double p = 1, left = 0;

	for (size_t i = 0; i < n; i++)
		left += weight[order[i]];
	for (size_t i = 0; i < n; i++) {
		p *= left > 0 ? weight[order[i]] / left : 1.0 / (double)(n - i);
		left -= weight[order[i]];
	}
	return p;
}

/* The k-th permutation of 0..n-1. */
static void permutation(unsigned k, unsigned n, unsigned *ret_order)
{
	bool used[CHI_ORDER_MAX] = { false };
	unsigned divisor = 1;

	for (unsigned i = 2; i < n; i++)
		divisor *= i;
	for (unsigned i = 0; i < n; i++) {
		unsigned skip = k / divisor, at = 0;

		while (used[at] || skip-- > 0)
			at++;
		used[at] = true;
		ret_order[i] = at;
		k %= divisor;
		divisor /= n - 1 - i ? n - 1 - i : 1;
	}
}

unsigned chi_order_rank(const unsigned *order, unsigned n)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned below = 0;

		for (unsigned j = i + 1; j < n; j++)
			below += order[j] < order[i];
		k = k * (n - i) + below;
	}
	return k;
}

unsigned chi_orders(unsigned n)
{
	return n < 2 ? 1 : n * chi_orders(n - 1);
}

void chi_order_probabilities(
    const unsigned *weight, unsigned n, double ret_p[CHI_ORDERS_MAX])
{
	for (unsigned k = 0; k < chi_orders(n); k++) {
		unsigned order[CHI_ORDER_MAX] = { 0 };

		permutation(k, n, order);
		assert(chi_order_rank(order, n) == k);
		ret_p[k] = chi_order_probability(weight, order, n);
	}
}
