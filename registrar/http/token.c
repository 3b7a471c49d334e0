// SPDX-License-Identifier: BSD-2-Clause
#include "registrar/http/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PREFIX "rct-"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define SECRET_LEN 24 /* octets of randomness */

static void to_hex(const unsigned char *raw, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t k = 0; k < len; k++) {
		*out++ = digits[raw[k] >> 4];
		*out++ = digits[raw[k] & 15];
	}
	*out = '\0';
}

void token_make(
    char ret_text[static TOKEN_TEXT_MAX], char ret_id[static ACCESS_ID_MAX])
{
	unsigned char raw[TOKEN_ID_LEN / 2 + SECRET_LEN];
	char secret[2 * SECRET_LEN + 1];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		abort(); /* the kernel has none */
	to_hex(raw, TOKEN_ID_LEN / 2, ret_id);
	to_hex(raw + TOKEN_ID_LEN / 2, SECRET_LEN, secret);
	memcpy(ret_text, PREFIX, PREFIX_LEN);
	memcpy(ret_text + PREFIX_LEN, ret_id, TOKEN_ID_LEN);
	ret_text[PREFIX_LEN + TOKEN_ID_LEN] = '-';
	memcpy(
	    ret_text + PREFIX_LEN + TOKEN_ID_LEN + 1, secret, sizeof(secret));
	OPENSSL_cleanse(raw, sizeof(raw));
	OPENSSL_cleanse(secret, sizeof(secret));
}

void token_hash(const char *text, char ret_hash[static TOKEN_HASH_MAX])
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(text, strlen(text), raw, &len, EVP_sha256(), NULL) != 1)
		abort(); /* out of memory */
	to_hex(raw, len, ret_hash);
}

bool token_id_of(const char *text, char ret_id[static ACCESS_ID_MAX])
{
	if (strlen(text) >= TOKEN_TEXT_MAX ||
	    strncmp(text, PREFIX, PREFIX_LEN) != 0)
		return false;
	text += PREFIX_LEN;
	if (strspn(text, "0123456789abcdef") != TOKEN_ID_LEN ||
	    text[TOKEN_ID_LEN] != '-')
		return false;
	memcpy(ret_id, text, TOKEN_ID_LEN);
	ret_id[TOKEN_ID_LEN] = '\0';
	return true;
}

bool token_hash_is_equal(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && CRYPTO_memcmp(a, b, strlen(a)) == 0;
}
