// SPDX-License-Identifier: BSD-2-Clause
#pragma once
/*
 * siphash - SipHash-2-4, a hash that nobody without the key can foretell.
 *
 * For server cookies (RFC 9018 section 4.4), and for tables that clients may
 * not fill on purpose. Pure.
 */
#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_LEN = 16 };

/* The eight octets of the result are those of the number, least first. */
uint64_t siphash(
    const uint8_t key[SIPHASH_KEY_LEN], const uint8_t *p, size_t len);
/* SipHash-1-3, in half the time: for tables, whose hashes nobody is shown. */
uint64_t siphash_short(
    const uint8_t key[SIPHASH_KEY_LEN], const uint8_t *p, size_t len);
