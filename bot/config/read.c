/* read: the members of YAML maps, each checked and complained about in one way. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/parts.h"

void report_fail(struct config *c, const struct fail *fail)
{
	c->report->errors++;
	c->report->say(c->report->self, fail->why);
}

void report_at(struct config *c, const struct yaml *at, const char *format, ...)
{
	struct fail fail, made;
	va_list args;
	va_start(args, format);
	vsnprintf(made.why, sizeof(made.why), format, args);
	va_end(args);
	yaml_complain(at, &fail, "%s", made.why);
	report_fail(c, &fail);
}

const struct yaml *want(struct config *c, const struct yaml *map, const char *name,
			enum yaml_kind kind)
{
	const struct yaml *y = NULL;
	struct fail fail;
	if (!map)
		return NULL;
	if (yaml_want(map, name, kind, &y, &fail) != RC_OK) {
		report_fail(c, &fail);
		return NULL;
	}
	if (kind == YAML_SCALAR && !str_trim(y->text).n) {
		report_at(c, y, "%s is empty: wanted a value", name);
		return NULL;
	}
	return y;
}

const struct yaml *may(struct config *c, const struct yaml *map, const char *name,
		       enum yaml_kind kind)
{
	return yaml_key(map, name) ? want(c, map, name, kind) : NULL;
}

bool check_keys(struct config *c, const struct yaml *map, const char *const *allowed)
{
	struct fail fail;
	if (!map)
		return false;
	if (map->kind != YAML_MAP) {
		report_at(c, map, "%s: wanted keys and values", map->name);
		return false;
	}
	if (yaml_check_keys(map, allowed, &fail) == RC_OK)
		return true;
	report_fail(c, &fail);
	return false;
}

const char *text_or(struct config *c, const struct yaml *map, const char *name,
		    const char *otherwise)
{
	const struct yaml *y = may(c, map, name, YAML_SCALAR);
	return y ? arena_str(&c->arena, y->text) : otherwise;
}

int choice(struct config *c, const struct yaml *scalar, const char *const *words)
{
	if (!scalar)
		return -1;
	const char *word = scalar->kind == YAML_SCALAR ? arena_str(&c->arena, scalar->text) : "";
	CLEANUP(buf_free) struct buf list = BUF(256);
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
		buf_addf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	const char *near = yaml_nearest(word, words);
	if (near)
		report_at(c, scalar, "%s: unknown word \"%.60s\": did you mean \"%s\"?",
			  scalar->name, word, near);
	else
		report_at(c, scalar, "%s: unknown word \"%.60s\": wanted one of %s", scalar->name,
			  word, buf_z(&list));
	return -1;
}

const struct yaml *spot(const struct yaml *map, const char *name)
{
	const struct yaml *y = yaml_key(map, name);
	return y ? y : map;
}

static bool all_of(struct str s, const char *allowed)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.at[i] || !strchr(allowed, s.at[i]))
			return false;
	return s.n > 0;
}

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* HOST or HOST:PORT, no user name; *host without the port. */
static bool cut_host(struct str authority, struct str *host)
{
	struct str port = { "", 0 };
	if (str_starts(authority, STR("["))) {
		if (!str_cut(authority, ']', host, &port))
			return false;
		host->at++;
		host->n--;
		if (!all_of(*host, DIGITS "abcdefABCDEF:.") ||
		    (port.n && !str_starts(port, STR(":"))))
			return false;
		if (port.n)
			port = (struct str){ port.at + 1, port.n - 1 };
		else
			return true;
	} else if (!str_cut(authority, ':', host, &port))
		return all_of(*host, DIGITS LETTERS ".-_");
	int64_t n = 0;
	return host->n && all_of(*host, DIGITS LETTERS ".-_:") && all_of(port, DIGITS) &&
	       str_int(port, &n) && n > 0 && n <= 65535;
}

const char *url_complaint(struct str url, bool *is_loopback)
{
	struct str https = STR("https://"), http = STR("http://"), host;
	bool plain = str_starts(url, http);
	*is_loopback = false;
	if (!plain && !str_starts(url, https))
		return "wanted a URL that begins with https:// (http:// for a loopback address)";
	size_t skip = plain ? http.n : https.n, n = 0;
	while (skip + n < url.n && !strchr("/?#", url.at[skip + n]))
		n++;
	if (!cut_host((struct str){ url.at + skip, n }, &host))
		return "wanted HOST or HOST:PORT after https://, without a user name";
	for (size_t i = 0; i < url.n; i++)
		if (url.at[i] <= ' ' || url.at[i] == '#' || url.at[i] == '?')
			return "wanted a URL without spaces, ? and #";
	*is_loopback = str_is(host, "localhost") || str_is(host, "::1") ||
		       (str_starts(host, STR("127.")) && all_of(host, DIGITS "."));
	return plain && !*is_loopback ? "plain http:// is for loopback addresses only" : NULL;
}

bool is_slack_id(struct str s, char first, char or_first)
{
	if (s.n < 6 || s.n > 32 || (s.at[0] != first && s.at[0] != or_first))
		return false;
	return all_of((struct str){ s.at + 1, s.n - 1 }, DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}
