/* text: a slice coming in, a bounded buffer going out. Nothing here allocates but struct buf. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes; not terminated. */
struct str {
	const char *at;
	size_t n;
};
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
/* The same for static tables. */
#define STR_INIT(literal)                                                                          \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
#define STR_ARG(s) (int)(s).n, (s).at /* for "%.*s" */

struct str str_z(const char *z); /* z may be NULL: an empty slice */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *z);
bool str_starts(struct str s, struct str prefix);
bool str_has(struct str s, char c);
struct str str_trim(struct str s); /* ASCII white space off both ends */
/* Splits at the first sep: head before it, tail behind it. False (head = s, tail empty) where there
 * is none. */
bool str_cut(struct str s, char sep, struct str *head, struct str *tail);
/* Decimal digits with an optional minus, nothing else; false on overflow or rubbish, *out
 * untouched. */
bool str_int(struct str s, int64_t *out);
/* Same length and same bytes, in time that depends on the lengths only. */
bool str_same_secret(struct str a, struct str b);

bool utf8_valid(struct str s); /* RFC 3629: no surrogates, no overlong forms */
/* Bytes of the code point that s begins with, 0 where it begins with none (or is empty). */
size_t utf8_step(struct str s, uint32_t *point);
size_t utf8_points(struct str s); /* code points of valid UTF-8 */
struct str utf8_clip(struct str s,
		     size_t points); /* at most that many code points, cut between two */

/* A growing buffer with a ceiling. One that broke its limit stays broken: check once, at the end.
 */
struct buf {
	char *at;
	size_t n, cap, limit;
	bool broken;
};
#define BUF(limit_bytes) ((struct buf){ .limit = (limit_bytes) })
void buf_add(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_add_url(struct buf *b, struct str s); /* percent-encoded, RFC 3986 unreserved kept */
void buf_clear(struct buf *b);
void buf_free(struct buf *b);
const char *buf_z(struct buf *b); /* terminated; valid until the next buf_ call */
struct str buf_str(const struct buf *b);

#define CLEANUP(f) __attribute__((cleanup(f)))
#define MUST_CHECK __attribute__((warn_unused_result))
#endif
