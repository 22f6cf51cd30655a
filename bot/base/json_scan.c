/* json_scan: one recursive descent over the bytes, its depth bounded by JSON_DEPTH_MAX. Keys lie on
 * one growing stack; at the end of an object its own are sorted and neighbours compared, so a big
 * object costs n log n. */
#include "base/json_scan.h"
#include "base/arena.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	struct str text;
	size_t at;
	unsigned depth;
	struct str *keys; /* as written, without the quotes */
	size_t n_keys, cap_keys;
	struct fail *fail;
};

static bool scan_value(struct scan *s);

static bool wrong(struct scan *s, size_t at, const char *what)
{
	fail_set(s->fail, RC_MALFORMED, "byte %zu: %s", at, what);
	return false;
}

static int peek(const struct scan *s)
{
	return s->at < s->text.n ? (unsigned char)s->text.at[s->at] : -1;
}

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static void skip_space(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
		s->at++;
}

/* Four hex digits at `at`, or -1. */
static int32_t read_hex4(struct str text, size_t at)
{
	int32_t v = 0;

	if (text.n < 4 || at > text.n - 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		const char c = text.at[i];
		const int digit = is_digit(c)            ? c - '0'
				  : c >= 'a' && c <= 'f' ? c - 'a' + 10
				  : c >= 'A' && c <= 'F' ? c - 'A' + 10
							 : -1;
		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/* Behind "\u", or a pair of them: its code point, or -1. */
static int32_t read_u_escape(struct str text, size_t *at)
{
	const int32_t high = read_hex4(text, *at);

	*at += 4;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || text.n - *at < 6 || text.at[*at] != '\\' || text.at[*at + 1] != 'u')
		return -1;
	const int32_t low = read_hex4(text, *at + 2);
	*at += 6;
	return low < 0xdc00 || low > 0xdfff ? -1
					    : 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static bool scan_escape(struct scan *s)
{
	const size_t from = s->at++;
	const int c = peek(s);

	s->at++;
	if (c == 'u') {
		const int32_t point = read_u_escape(s->text, &s->at);
		if (point < 0)
			return wrong(s, from, "a \\u escape that is no character");
		return point > 0 || wrong(s, from, "\\u0000 is refused");
	}
	if (c <= 0 || strchr("\"\\/bfnrt", c) == NULL)
		return wrong(s, from, "an unknown escape");
	return true;
}

/* At the opening quote; *inside is what stands between the quotes. */
static bool scan_string(struct scan *s, struct str *inside)
{
	const size_t from = ++s->at;
	uint32_t point;

	for (;;) {
		const int c = peek(s);
		if (c < 0)
			return wrong(s, from - 1, "a string that does not end");
		if (c == '"')
			break;
		if (c < 0x20)
			return wrong(s, s->at, "a control character in a string");
		if (c == '\\') {
			if (!scan_escape(s))
				return false;
			continue;
		}
		const size_t n =
			utf8_step((struct str){ s->text.at + s->at, s->text.n - s->at }, &point);
		if (n == 0)
			return wrong(s, s->at, "invalid UTF-8");
		s->at += n;
	}
	*inside = (struct str){ s->text.at + from, s->at - from };
	s->at++;
	return true;
}

static bool scan_digits(struct scan *s)
{
	if (!is_digit(peek(s)))
		return wrong(s, s->at, "wanted a digit");
	while (is_digit(peek(s)))
		s->at++;
	return true;
}

static bool scan_number(struct scan *s)
{
	const size_t from = s->at;
	char digits[JSON_NUMBER_BYTES_MAX + 1] = "";

	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0' && s->at + 1 < s->text.n && is_digit(s->text.at[s->at + 1]))
		return wrong(s, from, "a number with a leading zero");
	if (!scan_digits(s))
		return false;
	if (peek(s) == '.') {
		s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (s->at - from > JSON_NUMBER_BYTES_MAX)
		return wrong(s, from, "a number of more than 63 characters");
	memcpy(digits, s->text.at + from, s->at - from);
	return isfinite(strtod(digits, NULL)) || wrong(s, from, "a number out of range");
}

/* One decoded code point of a key that was found valid; sorting by them is sorting by UTF-8 bytes.
 */
static uint32_t key_point(struct str key, size_t *at)
{
	static const char names[] = "bfnrt\"\\/", values[] = "\b\f\n\r\t\"\\/";
	uint32_t point = 0;

	if (key.at[*at] != '\\') {
		*at += utf8_step((struct str){ key.at + *at, key.n - *at }, &point);
		return point;
	}
	*at += 2;
	if (key.at[*at - 1] == 'u')
		return (uint32_t)read_u_escape(key, at);
	return (unsigned char)values[strchr(names, key.at[*at - 1]) - names];
}

static int compare_keys(const void *left, const void *right)
{
	const struct str a = *(const struct str *)left, b = *(const struct str *)right;
	size_t i = 0, j = 0;

	if (!str_has(a, '\\') && !str_has(b, '\\')) {
		const int order = memcmp(a.at, b.at, a.n < b.n ? a.n : b.n);
		return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
	}
	while (i < a.n && j < b.n) {
		const uint32_t x = key_point(a, &i), y = key_point(b, &j);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return (i < a.n) - (j < b.n);
}

static void push_key(struct scan *s, struct str key)
{
	if (s->n_keys == s->cap_keys) {
		s->cap_keys = s->cap_keys == 0 ? 64 : s->cap_keys * 2;
		s->keys = mem_grow(s->keys, s->cap_keys * sizeof(*s->keys));
	}
	s->keys[s->n_keys++] = key;
}

static bool scan_keys_differ(struct scan *s, size_t first)
{
	if (s->n_keys - first > 1)
		qsort(s->keys + first, s->n_keys - first, sizeof(*s->keys), compare_keys);
	for (size_t i = first + 1; i < s->n_keys; i++) {
		const struct str *pair = s->keys + i - 1;
		if (compare_keys(&pair[0], &pair[1]) != 0)
			continue;
		/* The later of the two in the text. */
		const struct str key = pair[pair[0].at > pair[1].at ? 0 : 1];
		const struct str shown = utf8_clip(key, 60);
		fail_set(s->fail, RC_MALFORMED, "byte %zu: duplicate key \"%.*s\"",
			 (size_t)(key.at - s->text.at) - 1, STR_ARG(shown));
		return false;
	}
	s->n_keys = first;
	return true;
}

static bool scan_member(struct scan *s)
{
	struct str key;

	if (peek(s) != '"')
		return wrong(s, s->at, "wanted a key in quotes");
	if (!scan_string(s, &key))
		return false;
	push_key(s, key);
	skip_space(s);
	if (peek(s) != ':')
		return wrong(s, s->at, "wanted a colon");
	s->at++;
	return scan_value(s);
}

static bool scan_container(struct scan *s, char close)
{
	const size_t first_key = s->n_keys, from = s->at++;

	if (++s->depth > JSON_DEPTH_MAX)
		return wrong(s, from, "nested deeper than 32");
	skip_space(s);
	for (bool is_first = true; peek(s) != close; is_first = false) {
		if (!is_first) {
			if (peek(s) != ',')
				return wrong(s, s->at,
					     close == '}' ? "wanted a comma or }"
							  : "wanted a comma or ]");
			s->at++;
			skip_space(s);
		}
		if (!(close == '}' ? scan_member(s) : scan_value(s)))
			return false;
		skip_space(s);
	}
	s->at++;
	s->depth--;
	return close == ']' || scan_keys_differ(s, first_key);
}

static bool scan_word(struct scan *s, struct str word)
{
	if (!str_starts((struct str){ s->text.at + s->at, s->text.n - s->at }, word))
		return wrong(s, s->at, "wanted a value");
	s->at += word.n;
	return true;
}

static bool scan_value(struct scan *s)
{
	struct str inside;

	skip_space(s);
	switch (peek(s)) {
	case '{': return scan_container(s, '}');
	case '[': return scan_container(s, ']');
	case '"': return scan_string(s, &inside);
	case 't': return scan_word(s, STR("true"));
	case 'f': return scan_word(s, STR("false"));
	case 'n': return scan_word(s, STR("null"));
	case '-': return scan_number(s);
	default: break;
	}
	return is_digit(peek(s)) ? scan_number(s) : wrong(s, s->at, "wanted a value");
}

enum rc json_scan(struct str text, struct fail *fail)
{
	struct scan s = { .text = text.at != NULL ? text : STR(""), .fail = fail };
	bool is_good;

	if (str_starts(s.text, STR("\xef\xbb\xbf"))) {
		is_good = wrong(&s, 0, "a byte order mark");
	} else {
		is_good = scan_value(&s);
		skip_space(&s);
		if (is_good && s.at < s.text.n)
			is_good = wrong(&s, s.at, "something after the value");
	}
	free(s.keys);
	return is_good ? RC_OK : RC_MALFORMED;
}
