/* mac: digests and tokens by libcrypto. Anybody may call it; it keeps no key and draws no chance.
 */
#include "base/mac.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MAC_BYTES 16 /* 128 bits of the HMAC */
#define TOKEN_KIND_MAX  16

/* Digests fail for want of memory or of the algorithm only: neither can be gone on from. */
void sha256(struct str data, uint8_t out[MAC_BYTES])
{
	unsigned n = 0;

	if (EVP_Digest(data.n > 0 ? data.at : "", data.n, out, &n, EVP_sha256(), NULL) != 1 ||
	    n != MAC_BYTES)
		abort();
}

void hmac_sha256(struct str key, struct str data, uint8_t out[MAC_BYTES])
{
	unsigned n = 0;
	const void *from = data.n > 0 ? data.at : "";

	/* HMAC() wants a key that is not NULL even when it is empty, and its length as an int. */
	assert(key.n <= INT_MAX);
	if (HMAC(EVP_sha256(), key.n > 0 ? key.at : "", (int)key.n, from, data.n, out, &n) ==
		    NULL ||
	    n != MAC_BYTES)
		abort();
}

void hex_encode(const uint8_t *data, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * n] = '\0';
}

static bool hex_digit(char c, uint8_t *out)
{
	if (c >= '0' && c <= '9')
		*out = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (uint8_t)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		*out = (uint8_t)(c - 'A' + 10);
	else
		return false;
	return true;
}

bool hex_decode(struct str hex, uint8_t *out, size_t n)
{
	uint8_t high = 0, low = 0;

	if (hex.n % 2 != 0 || hex.n / 2 != n)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		if (!hex_digit(hex.at[i], &low))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		(void)hex_digit(hex.at[2 * i], &high);
		(void)hex_digit(hex.at[2 * i + 1], &low);
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void base64_encode(const uint8_t *data, size_t n, char *out)
{
	assert(n <= INT_MAX / 2);
	(void)EVP_EncodeBlock((unsigned char *)out, data, (int)n);
}

/* libcrypto forgives (white space, bits behind the end): what reads the same again was meant. */
bool base64_decode(struct str text, uint8_t *out, size_t max, size_t *n)
{
	enum { TEXT_MAX = 1024 };
	uint8_t made[TEXT_MAX / 4 * 3 + 3];
	char again[TEXT_MAX + 1];
	size_t pad = 0;

	if (text.n == 0 || text.n % 4 != 0 || text.n > TEXT_MAX)
		return false;
	while (pad < 2 && text.at[text.n - 1 - pad] == '=')
		pad++;
	const int got = EVP_DecodeBlock(made, (const unsigned char *)text.at, (int)text.n);
	if (got < (int)pad || (size_t)got - pad > max)
		return false;
	*n = (size_t)got - pad;
	base64_encode(made, *n, again);
	const bool is_same = str_same_secret(text, str_z(again));
	if (is_same)
		memcpy(out, made, *n);
	explicit_bzero(made, sizeof(made));
	explicit_bzero(again, sizeof(again));
	return is_same;
}

void base32_encode(const uint8_t *data, size_t n, char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32_t bits = 0;
	unsigned held = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8 | data[i]) & 0xfff;
		for (held += 8; held >= 5; held -= 5)
			out[at++] = digits[bits >> (held - 5) & 31];
	}
	if (held > 0)
		out[at++] = digits[bits << (5 - held) & 31];
	out[at] = '\0';
}

static bool is_kind(struct str kind)
{
	for (size_t i = 0; i < kind.n; i++) {
		if ((kind.at[i] < 'a' || kind.at[i] > 'z') && kind.at[i] != '_')
			return false;
	}
	return kind.n >= 1 && kind.n <= TOKEN_KIND_MAX;
}

static struct token token_of(struct str key, struct str kind, int64_t id)
{
	struct token made;
	uint8_t mac[MAC_BYTES];
	char hex[2 * TOKEN_MAC_BYTES + 1];
	const int n = snprintf(made.text, sizeof(made.text), "%.*s:%" PRId64, STR_ARG(kind), id);

	assert(n > 0 && (size_t)n + sizeof(hex) < sizeof(made.text));
	hmac_sha256(key, (struct str){ made.text, (size_t)n }, mac);
	hex_encode(mac, TOKEN_MAC_BYTES, hex);
	(void)snprintf(made.text + n, sizeof(made.text) - (size_t)n, ":%s", hex);
	return made;
}

struct token token_make(struct str key, const char *kind, int64_t id)
{
	assert(is_kind(str_z(kind)));
	return token_of(key, str_z(kind), id);
}

bool token_read(struct str key, struct str text, struct str *kind, int64_t *id)
{
	struct str word, rest, digits, mac;
	int64_t number;

	if (!str_cut(text, ':', &word, &rest) || !str_cut(rest, ':', &digits, &mac) ||
	    !is_kind(word) || !str_int(digits, &number))
		return false;
	/* Made anew and compared whole: one spelling of an id is a token, "007" and "-0" are not.
	 */
	const struct token wanted = token_of(key, word, number);
	if (!str_same_secret(text, str_z(wanted.text)))
		return false;
	*kind = word;
	*id = number;
	return true;
}

uint64_t chance_u64(const struct chance *c, const char *label)
{
	uint8_t mac[MAC_BYTES];
	char key[sizeof(c->bytes)];
	uint64_t v = 0;

	memcpy(key, c->bytes, sizeof(key));
	hmac_sha256((struct str){ key, sizeof(key) }, str_z(label), mac);
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | mac[i];
	return v;
}
