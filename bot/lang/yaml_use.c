/* yaml_use: reading a tree of yaml.h: members, types, unknown keys, JSON. */
#include "base/json.h"
#include "lang/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 48 /* longer words are not compared */

void yaml_complain(const struct yaml *at, struct fail *fail, const char *format, ...)
{
	struct fail made;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(made.why, sizeof(made.why), format, ap);
	va_end(ap);
	fail_set(fail, RC_MALFORMED, "%s:%d: %s", at->file, at->line, made.why);
}

const struct yaml *yaml_key(const struct yaml *map, const char *name)
{
	const struct yaml *m = map != NULL && map->kind == YAML_MAP ? map->first : NULL;

	while (m != NULL && strcmp(m->name, name) != 0)
		m = m->next;
	return m;
}

static const char *kind_name(enum yaml_kind kind)
{
	switch (kind) {
	case YAML_MAP: return "keys and values";
	case YAML_LIST: return "a list";
	case YAML_SCALAR: return "a single value";
	}
	return "?";
}

enum rc yaml_may(const struct yaml *map, const char *name, enum yaml_kind kind,
		 const struct yaml **out, struct fail *fail)
{
	const struct yaml *found = yaml_key(map, name);

	if (found != NULL && found->kind != kind)
		return YAML_FAIL(found, fail, "%s: wanted %s, found %s", name, kind_name(kind),
				 kind_name(found->kind));
	*out = found;
	return RC_OK;
}

enum rc yaml_want(const struct yaml *map, const char *name, enum yaml_kind kind,
		  const struct yaml **out, struct fail *fail)
{
	if (yaml_key(map, name) == NULL)
		return YAML_FAIL(map, fail, "%s is missing: wanted %s", name, kind_name(kind));
	return yaml_may(map, name, kind, out, fail);
}

enum rc yaml_int(const struct yaml *scalar, struct yaml_range range, int64_t *out,
		 struct fail *fail)
{
	int64_t v;

	if (scalar->kind != YAML_SCALAR || scalar->style != YAML_PLAIN ||
	    !str_int(scalar->text, &v) || v < range.least || v > range.most)
		return YAML_FAIL(scalar, fail, "%s: wanted a whole number from %lld to %lld",
				 scalar->name, (long long)range.least, (long long)range.most);
	*out = v;
	return RC_OK;
}

enum rc yaml_bool(const struct yaml *scalar, bool *out, struct fail *fail)
{
	const bool is_true = str_is(scalar->text, "true");

	if (scalar->kind != YAML_SCALAR || scalar->style != YAML_PLAIN ||
	    (!is_true && !str_is(scalar->text, "false")))
		return YAML_FAIL(scalar, fail, "%s: wanted true or false", scalar->name);
	*out = is_true;
	return RC_OK;
}

/* Optimal string alignment: insertions, deletions, changes and swapped neighbours cost one each. */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[3][WORD_MAX + 1] = { { 0 } }; /* of i - 2, i - 1 and i, in turn */

	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3];
		const size_t *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t least = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
			least = before[j] + 1 < least ? before[j] + 1 : least;
			least = now[j - 1] + 1 < least ? now[j - 1] + 1 : least;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two_before[j - 2] + 1 < least)
				least = two_before[j - 2] + 1;
			now[j] = least;
		}
	}
	return row[n % 3][m];
}

const char *yaml_nearest(const char *word, const char *const *words)
{
	const size_t n = strlen(word);
	const char *nearest = NULL;
	size_t least = n / 3 + 2; /* one slip in a short word, a few in a long one */

	for (; n <= WORD_MAX && *words != NULL; words++) {
		const size_t m = strlen(*words);
		const size_t distance = m <= WORD_MAX ? edit_distance(word, n, *words, m) : least;
		if (distance < least) {
			least = distance;
			nearest = *words;
		}
	}
	return nearest;
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

enum rc yaml_check_keys(const struct yaml *map, const char *const *allowed, struct fail *fail)
{
	for (const struct yaml *m = map->first; m != NULL; m = m->next) {
		if (is_one_of(m->name, allowed))
			continue;
		struct yaml at = *m;
		at.line = m->name_line;
		const char *nearest = yaml_nearest(m->name, allowed);
		if (nearest != NULL)
			return YAML_FAIL(&at, fail, "unknown key \"%.60s\": did you mean \"%s\"?",
					 m->name, nearest);
		struct buf CLEANUP(buf_free) b = BUF(sizeof(fail->why));
		for (const char *const *word = allowed; *word != NULL; word++)
			buf_addf(&b, "%s%s", word == allowed ? "" : ", ", *word);
		return YAML_FAIL(&at, fail, "unknown key \"%.60s\": wanted one of %s", m->name,
				 buf_z(&b));
	}
	return RC_OK;
}

static struct cJSON *scalar_to_json(const struct yaml *node)
{
	const struct str s = node->text;

	if (node->style != YAML_PLAIN)
		return json_string_s(s);
	if (s.n == 0 || str_is(s, "null"))
		return json_null();
	if (str_is(s, "true") || str_is(s, "false"))
		return json_bool(str_is(s, "true"));
	if (s.at[0] == '-' || (s.at[0] >= '0' && s.at[0] <= '9')) {
		struct cJSON *number = json_parse(s, NULL);
		if (number != NULL)
			return number;
	}
	return json_string_s(s);
}

struct cJSON *yaml_to_json(const struct yaml *node)
{
	if (node->kind == YAML_SCALAR)
		return scalar_to_json(node);
	struct cJSON *made = node->kind == YAML_MAP ? json_object() : json_array();
	for (const struct yaml *m = node->first; m != NULL; m = m->next) {
		if (node->kind == YAML_MAP)
			json_append(made, m->name, yaml_to_json(m));
		else
			json_push(made, yaml_to_json(m));
	}
	return made;
}
