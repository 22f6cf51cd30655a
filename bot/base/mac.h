/* mac: SHA-256, HMAC-SHA256 (RFC 2104, FIPS 180-4, by libcrypto) and what we hand out and recognise
 * later. */
#ifndef BASE_MAC_H
#define BASE_MAC_H
#include "base/text.h"

#define MAC_BYTES 32
void sha256(struct str data, uint8_t out[MAC_BYTES]);
void hmac_sha256(struct str key, struct str data, uint8_t out[MAC_BYTES]);
void hex_encode(const uint8_t *data, size_t n, char *out /* 2n + 1 */);
bool hex_decode(struct str hex, uint8_t *out, size_t n); /* exactly n bytes, lower or upper case */
#define BASE64_BYTES(n) (((n) + 2) / 3 * 4 + 1)          /* of n bytes as text, terminated */
void base64_encode(const uint8_t *data, size_t n, char *out /* BASE64_BYTES(n) */); /* padded */
/* RFC 4648 with padding and nothing else; false too if it is more than max bytes. */
bool base64_decode(struct str text, uint8_t *out, size_t max, size_t *n);
void base32_encode(const uint8_t *data, size_t n,
		   char *out /* (n*8+4)/5 + 1 */); /* RFC 4648, lower case, no padding */

/* A token "kind:id:mac": 128 bits of HMAC-SHA256 over "kind:id", hex. Button values,
 * private_metadata, message metadata and ticket markers are such tokens and nothing else. */
#define TOKEN_MAX 96
struct token {
	char text[TOKEN_MAX];
};
struct token token_make(struct str key, const char *kind, int64_t id); /* kind: [a-z_]{1,16} */
/* True if text is a token of ours; *kind is cut out of text. Constant time in the mac. */
bool token_read(struct str key, struct str text, struct str *kind, int64_t *id);

/* 64 bits for one purpose out of the 32 bytes of chance an event carries: HMAC(chance, label). */
struct chance {
	uint8_t bytes[32];
};
uint64_t chance_u64(const struct chance *c, const char *label);
#endif
