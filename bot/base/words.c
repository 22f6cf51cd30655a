/* words: outside text made harmless. Anybody may call it; it stores nothing. Three passes, each
 * linear: characters, then secrets and links, then the cut. Looks backwards, and looks forward that
 * come to nothing, are over a few bytes only. */
#include "base/words.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* In the worst case ("www.", "pwd=1") a text becomes that many times longer. */
enum { GROWTH = 4, ROOM = 64, NAME_BYTES_MAX = 40, KEY_HEAD_BYTES = 64 };

static struct str behind(struct str s, size_t i) { return (struct str){ s.at + i, s.n - i }; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || is_upper(c) || is_digit(c); }
static bool is_one_of(char c, const char *set) { return c != '\0' && strchr(set, c) != NULL; }

/* --- characters --- */

struct range {
	uint32_t from, to;
};
/* Nothing to see: controls, bidi controls, zero-width characters, blank letters, variation
 * selectors, tags (Cc and Default_Ignorable_Code_Point of Unicode 15). In rising order. */
static const struct range invisible[] = {
	{ 0x00, 0x08 },     { 0x0e, 0x1f },       { 0x7f, 0x84 },       { 0x86, 0x9f },
	{ 0xad, 0xad },     { 0x34f, 0x34f },     { 0x61c, 0x61c },     { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f },   { 0x200b, 0x200f },   { 0x202a, 0x202e },
	{ 0x2060, 0x206f }, { 0x2800, 0x2800 },   { 0x3164, 0x3164 },   { 0xfdd0, 0xfdef },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};
static const struct range spaces[] = {
	{ 0x09, 0x0d },     { 0x20, 0x20 },     { 0x85, 0x85 },     { 0xa0, 0xa0 },
	{ 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f },
	{ 0x205f, 0x205f }, { 0x3000, 0x3000 },
};
#define IS_IN(point, ranges) is_in((point), (ranges), sizeof(ranges) / sizeof((ranges)[0]))

static bool is_in(uint32_t point, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n && ranges[i].from <= point; i++)
		if (point <= ranges[i].to)
			return true;
	return false;
}

enum looks { LOOKS_GOOD, LOOKS_LIKE_SPACE, LOOKS_LIKE_NOTHING, LOOKS_BROKEN };

/* Of what s begins with; *n are its bytes. */
static enum looks looks_of(struct str s, size_t *n)
{
	uint32_t point = 0;
	*n = utf8_step(s, &point);
	if (*n == 0) {
		*n = 1;
		return LOOKS_BROKEN;
	}
	if (point > 0x20 && point < 0x7f)
		return LOOKS_GOOD;
	return IS_IN(point, spaces)      ? LOOKS_LIKE_SPACE
	       : IS_IN(point, invisible) ? LOOKS_LIKE_NOTHING
					 : LOOKS_GOOD;
}

static void keep_visible(struct str s, bool is_name, struct buf *out)
{
	bool is_gap = false, is_mark = false;
	size_t n;
	for (; s.n > 0; s = behind(s, n)) {
		enum looks looks = looks_of(s, &n);
		if (looks == LOOKS_LIKE_SPACE)
			is_gap = out->n > 0;
		if (looks == LOOKS_LIKE_SPACE || (looks == LOOKS_LIKE_NOTHING && !is_name))
			continue;
		if (is_gap)
			buf_addz(out, " ");
		if (looks == LOOKS_GOOD)
			buf_add(out, (struct str){ s.at, n });
		else if (!is_mark || is_gap) /* one for a run of them */
			buf_addz(out, "\xef\xbf\xbd");
		is_mark = looks != LOOKS_GOOD;
		is_gap = false;
	}
}

/* --- secrets and links: what begins at c->i is taken, or left to the next --- */

struct scan {
	struct str s;
	size_t i;
	struct buf *out;
};

static char at(const struct scan *c, size_t i) { return i < c->s.n ? c->s.at[i] : '\0'; }

static void copy_to(struct scan *c, size_t end)
{
	buf_add(c->out, (struct str){ c->s.at + c->i, end - c->i });
	c->i = end;
}

static void mask_to(struct scan *c, size_t end)
{
	if (end > c->i)
		buf_addz(c->out, WORDS_MASK);
	c->i = end;
}

/* How many letters, digits and characters of `also` stand from i on. */
static size_t run(const struct scan *c, size_t i, const char *also)
{
	size_t end = i;
	while (is_alnum(at(c, end)) || is_one_of(at(c, end), also))
		end++;
	return end - i;
}

static bool starts(const struct scan *c, size_t i, struct str word)
{
	return c->s.n - i >= word.n && strncasecmp(c->s.at + i, word.at, word.n) == 0;
}

static bool is_word_start(const struct scan *c)
{
	return c->i == 0 || !(is_alnum(c->s.at[c->i - 1]) || is_one_of(c->s.at[c->i - 1], "_-"));
}

/* Tokens that say what they are. */
static const struct {
	struct str head;
	size_t least; /* characters behind the head */
	const char *also;
} tokens[] = {
	{ STR_INIT("xox"), 10, "-" },      { STR_INIT("xapp-"), 10, "-" },
	{ STR_INIT("AKIA"), 16, "" },      { STR_INIT("ASIA"), 16, "" },
	{ STR_INIT("ghp_"), 20, "_" },     { STR_INIT("gho_"), 20, "_" },
	{ STR_INIT("ghu_"), 20, "_" },     { STR_INIT("ghs_"), 20, "_" },
	{ STR_INIT("ghr_"), 20, "_" },     { STR_INIT("github_pat_"), 20, "_" },
	{ STR_INIT("glpat-"), 16, "-_" },  { STR_INIT("npm_"), 30, "" },
	{ STR_INIT("sk_live_"), 16, "_" }, { STR_INIT("rk_live_"), 16, "_" },
	{ STR_INIT("sk-"), 20, "-_" },     { STR_INIT("AIza"), 30, "-_" },
	{ STR_INIT("hvs."), 20, "-_" },    { STR_INIT("SG."), 20, "-_." },
	{ STR_INIT("dop_v1_"), 20, "" },   { STR_INIT("pypi-"), 20, "-_" },
};

static bool take_token(struct scan *c)
{
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		size_t head = tokens[i].head.n;
		if (c->s.n - c->i < head || memcmp(c->s.at + c->i, tokens[i].head.at, head) != 0)
			continue;
		size_t n = run(c, c->i + head, tokens[i].also);
		if (n < tokens[i].least)
			continue;
		mask_to(c, c->i + head + n);
		return true;
	}
	return false;
}

/* RFC 7515: three parts of base64url; the first one begins with {" */
static bool take_jwt(struct scan *c)
{
	enum { PART_MIN = 10 };
	if (!starts(c, c->i, STR("eyJ")))
		return false;
	size_t head = run(c, c->i, "-_"), end = c->i + head;
	if (head < PART_MIN || at(c, end) != '.')
		return false;
	size_t body = run(c, end + 1, "-_");
	if (body < PART_MIN)
		return false;
	end += 1 + body;
	if (at(c, end) == '.')
		end += 1 + run(c, end + 1, "-_");
	mask_to(c, end);
	return true;
}

/* No word of a sentence: a digit, "=", or a capital behind the first letter. */
static bool is_random(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_digit(s.at[i]) || s.at[i] == '=' || (i > 0 && is_upper(s.at[i])))
			return true;
	return false;
}

/* RFC 6750, RFC 7617 */
static bool take_credentials(struct scan *c)
{
	enum { CREDENTIALS_MIN = 8 };
	size_t head = starts(c, c->i, STR("Bearer ")) ? 7 : starts(c, c->i, STR("Basic ")) ? 6 : 0;
	if (!head)
		return false;
	size_t n = run(c, c->i + head, "-._~+/=");
	if (n < CREDENTIALS_MIN || !is_random((struct str){ c->s.at + c->i + head, n }))
		return false;
	copy_to(c, c->i + head);
	mask_to(c, c->i + n);
	return true;
}

/* RFC 7468: from BEGIN to END, or all that follows where the end is cut off. */
static bool take_private_key(struct scan *c)
{
	static const struct str begin = STR_INIT("-----BEGIN "), end = STR_INIT("-----END "),
				dashes = STR_INIT("-----");
	if (!starts(c, c->i, begin))
		return false;
	struct str rest = behind(c->s, c->i + begin.n);
	struct str head = { rest.at, rest.n < KEY_HEAD_BYTES ? rest.n : KEY_HEAD_BYTES };
	const char *head_end = memmem(head.at, head.n, dashes.at, dashes.n);
	if (head_end)
		head.n = (size_t)(head_end - head.at);
	if (!memmem(head.at, head.n, "KEY", 3))
		return false;
	const char *foot = memmem(rest.at, rest.n, end.at, end.n);
	if (foot) {
		rest = behind(c->s, (size_t)(foot - c->s.at) + end.n);
		foot = memmem(rest.at, rest.n, dashes.at, dashes.n);
	}
	mask_to(c, foot ? (size_t)(foot - c->s.at) + dashes.n : c->s.n);
	return true;
}

/* A host with its port: its dots can't be followed. */
static void defang_host(struct scan *c, size_t end)
{
	for (; c->i < end; c->i++)
		if (c->s.at[c->i] == '.' && at(c, c->i - 1) != '[')
			buf_addz(c->out, "[.]");
		else
			buf_add(c->out, (struct str){ c->s.at + c->i, 1 });
}

static size_t host_end(const struct scan *c, size_t i)
{
	while (i < c->s.n && !is_one_of(c->s.at[i], "/?#\\ \"'<>`|"))
		i++;
	return i;
}

/* "://" behind a scheme that is written already: it is bent where a click would follow it. */
static bool bend_scheme(struct buf *out)
{
	char *end = out->at + out->n;
	if (out->n >= 5 && strncasecmp(end - 5, "https", 5) == 0)
		memset(end - 4, 'x', 2);
	else if (out->n >= 4 && strncasecmp(end - 4, "http", 4) == 0)
		memset(end - 3, 'x', 2);
	else if (out->n >= 3 && strncasecmp(end - 3, "ftp", 3) == 0)
		end[-2] = 'x';
	else
		return false;
	return true;
}

/* RFC 3986, 3.2. In a web address even a user's name alone is a token, or a host that pretends. */
static bool take_url(struct scan *c)
{
	if (at(c, c->i) != ':' || !starts(c, c->i, STR("://")))
		return false;
	bool is_web = bend_scheme(c->out);
	copy_to(c, c->i + 3);
	size_t end = host_end(c, c->i);
	const char *user = c->s.at + c->i, *host = memrchr(user, '@', end - c->i);
	if (host) {
		const char *colon = memchr(user, ':', (size_t)(host - user));
		if (!is_web)
			copy_to(c, (size_t)((colon ? colon + 1 : host) - c->s.at));
		mask_to(c, (size_t)(host - c->s.at));
	}
	if (is_web)
		defang_host(c, end);
	else
		copy_to(c, end);
	return true;
}

static bool take_www(struct scan *c)
{
	if (!starts(c, c->i, STR("www.")) || !is_alnum(at(c, c->i + 4)))
		return false;
	defang_host(c, host_end(c, c->i));
	return true;
}

/* --- password=… --- */

static const struct {
	struct str tail;
	bool is_whole; /* "pass", but not "bypass" */
	bool is_plain; /* its value may be an ordinary word */
} names[] = {
	{ STR_INIT("password"), false, true },    { STR_INIT("passwd"), false, true },
	{ STR_INIT("passphrase"), false, true },  { STR_INIT("passcode"), false, true },
	{ STR_INIT("pwd"), true, true },          { STR_INIT("pass"), true, true },
	{ STR_INIT("secret"), false, false },     { STR_INIT("token"), false, false },
	{ STR_INIT("apikey"), false, false },     { STR_INIT("api_key"), false, false },
	{ STR_INIT("api-key"), false, false },    { STR_INIT("access_key"), false, false },
	{ STR_INIT("accesskey"), false, false },  { STR_INIT("secret_key"), false, false },
	{ STR_INIT("secretkey"), false, false },  { STR_INIT("private_key"), false, false },
	{ STR_INIT("privatekey"), false, false }, { STR_INIT("signature"), false, false },
	{ STR_INIT("sig"), true, false },
};

struct named {
	bool is_secret, is_plain, is_quoted, is_option;
};

/* The name that ends at i, past a quote. */
static struct named name_before(const struct scan *c, size_t i)
{
	struct named n = { 0 };
	size_t end = i;
	for (; end > 0 && i - end < 2 && is_one_of(c->s.at[end - 1], "\\\"'"); end--)
		n.is_quoted = true;
	size_t begin = end;
	while (begin > 0 && end - begin < NAME_BYTES_MAX &&
	       (is_alnum(c->s.at[begin - 1]) || is_one_of(c->s.at[begin - 1], "_-")))
		begin--;
	struct str name = { c->s.at + begin, end - begin };
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]) && !n.is_secret; k++) {
		struct str tail = names[k].tail;
		if (name.n < tail.n || strncasecmp(c->s.at + end - tail.n, tail.at, tail.n) != 0)
			continue;
		n.is_secret = !names[k].is_whole || name.n == tail.n ||
			      !is_alnum(c->s.at[end - tail.n - 1]);
		n.is_plain = names[k].is_plain;
	}
	n.is_option = name.n > 0 && name.at[0] == '-';
	return n;
}

static size_t value_end(const struct scan *c, size_t i, char quote)
{
	if (quote) {
		const char *end = memchr(c->s.at + i, quote, c->s.n - i);
		size_t n = end ? (size_t)(end - c->s.at) : c->s.n;
		return end && n > i && c->s.at[n - 1] == '\\' ? n - 1 : n;
	}
	while (i < c->s.n && !is_one_of(c->s.at[i], " &;,\"'<>`|"))
		i++;
	return i;
}

/* name=value, name: value, "name": "value", --name value; the separator stands at c->i. Behind a
 * colon or a space may as well stand the next word of a sentence. */
static bool take_value(struct scan *c)
{
	char sign = at(c, c->i), quote = '\0';
	if (!is_one_of(sign, "=: "))
		return false;
	struct named n = name_before(c, c->i);
	if (!n.is_secret || (sign == ' ' && !n.is_option))
		return false;
	size_t i = c->i + 1;
	if (sign == ':' && at(c, i) == ' ')
		i++;
	if (at(c, i) == '\\' && is_one_of(at(c, i + 1), "\"'"))
		i++;
	if (is_one_of(at(c, i), "\"'"))
		quote = at(c, i++);
	if (sign == ' ' && at(c, i) == '-')
		return false;
	bool is_sure = sign != ':' || n.is_plain || n.is_quoted || quote;
	if (!is_sure && !is_random((struct str){ c->s.at + i, run(c, i, "-._~+/=") }))
		return false;
	copy_to(c, i);
	mask_to(c, value_end(c, i, quote));
	return true;
}

static void guard(struct str s, struct buf *out)
{
	struct scan c = { .s = s, .out = out };
	while (c.i < s.n && !out->broken) {
		if (is_word_start(&c) &&
		    (take_token(&c) || take_jwt(&c) || take_credentials(&c) || take_www(&c)))
			continue;
		if (!take_private_key(&c) && !take_url(&c) && !take_value(&c))
			copy_to(&c, c.i + 1);
	}
}

/* --- the cut --- */

static const char *clean(struct arena *a, struct str s, bool is_name, size_t points, bool *cut)
{
	CLEANUP(buf_free) struct buf seen = BUF(s.n * 3 + ROOM);
	CLEANUP(buf_free) struct buf safe = BUF((s.n * 3 + ROOM) * GROWTH);
	assert(points > 0);
	keep_visible(s, is_name, &seen);
	guard(buf_str(&seen), &safe);
	assert(!seen.broken && !safe.broken);
	struct str all = buf_str(&safe);
	if (utf8_points(all) <= points)
		return arena_str(a, all);
	if (cut)
		*cut = true;
	return arena_f(a, "%.*s…", STR_ARG(utf8_clip(all, points - 1)));
}

const char *words_clean(struct arena *a, struct str s, size_t points, bool *cut)
{
	return clean(a, s, false, points, cut);
}

const char *words_name(struct arena *a, struct str s, size_t points)
{
	return clean(a, s, true, points, NULL);
}
