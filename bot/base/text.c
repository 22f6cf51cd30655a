/* text: slices and bounded buffers. Anybody may call it; it reads nothing but its arguments and
 * allocates for struct buf only. */
#include "base/text.h"
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str str_z(const char *z) { return z == NULL ? STR("") : (struct str){ z, strlen(z) }; }

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

bool str_is(struct str a, const char *z) { return str_eq(a, str_z(z)); }

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq((struct str){ s.at, prefix.n }, prefix);
}

bool str_has(struct str s, char c) { return s.n > 0 && memchr(s.at, c, s.n) != NULL; }

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.at[0]))
		s = (struct str){ s.at + 1, s.n - 1 };
	while (s.n > 0 && is_space(s.at[s.n - 1]))
		s.n--;
	return s;
}

bool str_cut(struct str s, char sep, struct str *head, struct str *tail)
{
	const char *hit = s.n > 0 ? memchr(s.at, sep, s.n) : NULL;

	if (hit == NULL) {
		*head = s;
		*tail = STR("");
		return false;
	}
	const size_t n = (size_t)(hit - s.at);
	*head = (struct str){ s.at, n };
	*tail = (struct str){ hit + 1, s.n - n - 1 };
	return true;
}

bool str_int(struct str s, int64_t *out)
{
	const bool is_negative = s.n > 0 && s.at[0] == '-';
	const size_t from = is_negative ? 1 : 0;
	int64_t v = 0;

	if (s.n == from)
		return false;
	for (size_t i = from; i < s.n; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		/* Counted downwards: INT64_MIN has no positive twin. */
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, s.at[i] - '0', &v))
			return false;
	}
	if (!is_negative && __builtin_sub_overflow(INT64_C(0), v, &v))
		return false;
	*out = v;
	return true;
}

bool str_same_secret(struct str a, struct str b)
{
	volatile unsigned char differs = a.n == b.n ? 0 : 1;
	const size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++)
		differs = (unsigned char)(differs | (unsigned char)(a.at[i] ^ b.at[i]));
	return differs == 0;
}

/* By the first byte; 0 for one that begins nothing. */
static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static bool is_point(uint32_t v) { return v <= 0x10ffff && (v < 0xd800 || v > 0xdfff); }

size_t utf8_step(struct str s, uint32_t *point)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 }; /* no overlong forms */
	const size_t n = s.n > 0 ? utf8_length((unsigned char)s.at[0]) : 0;

	if (n == 0 || n > s.n)
		return 0;
	uint32_t v = n == 1 ? (unsigned char)s.at[0] : (unsigned char)s.at[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		const unsigned char c = (unsigned char)s.at[i];
		if ((c & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (c & 0x3f);
	}
	if (v < least[n] || !is_point(v))
		return 0;
	*point = v;
	return n;
}

bool utf8_valid(struct str s)
{
	uint32_t point;

	while (s.n > 0) {
		const size_t n = utf8_step(s, &point);
		if (n == 0)
			return false;
		s = (struct str){ s.at + n, s.n - n };
	}
	return true;
}

static bool starts_point(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

size_t utf8_points(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += starts_point(s.at[i]) ? 1 : 0;
	return n;
}

struct str utf8_clip(struct str s, size_t points)
{
	size_t seen = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (starts_point(s.at[i]) && seen++ == points)
			return (struct str){ s.at, i };
	}
	return s;
}

/* Room for n more bytes and a terminator; false, and broken for good, over the limit. */
static bool buf_reserve(struct buf *b, size_t n)
{
	if (b->broken || n > b->limit - b->n) {
		b->broken = true;
		return false;
	}
	if (b->n + n + 1 > b->cap) {
		const size_t twice = b->cap < 64 ? 128 : b->cap * 2;
		b->cap = b->n + n + 1 > twice ? b->n + n + 1 : twice;
		b->at = mem_grow(b->at, b->cap);
	}
	return true;
}

void buf_add(struct buf *b, struct str s)
{
	if (s.n == 0 || !buf_reserve(b, s.n))
		return;
	memcpy(b->at + b->n, s.at, s.n);
	b->n += s.n;
}

void buf_addz(struct buf *b, const char *z) { buf_add(b, str_z(z)); }

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap, again;

	va_start(ap, format);
	va_copy(again, ap);
	const int n = vsnprintf(NULL, 0, format, ap);
	assert(n >= 0);
	if (buf_reserve(b, (size_t)n)) {
		(void)vsnprintf(b->at + b->n, (size_t)n + 1, format, again);
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void buf_add_url(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.at[i];
		const char escape[3] = { '%', digits[c >> 4], digits[c & 15] };
		buf_add(b,
			is_unreserved(c) ? (struct str){ s.at + i, 1 } : (struct str){ escape, 3 });
	}
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->broken = false;
}

void buf_free(struct buf *b)
{
	free(b->at);
	*b = BUF(b->limit);
}

const char *buf_z(struct buf *b)
{
	if (b->at == NULL)
		return "";
	b->at[b->n] = '\0';
	return b->at;
}

struct str buf_str(const struct buf *b)
{
	return b->at == NULL ? STR("") : (struct str){ b->at, b->n };
}
