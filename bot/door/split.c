/* split: cuts a body that holds several alerts into its elements, byte for byte: numbers that a
 * double can't hold stay what they are. Called by door.c, for text that json_parse() has accepted;
 * it checks nothing. */
#include <string.h>

#include "door/inside.h"

static void skip_space(struct str *s)
{
	while (s->n > 0 && strchr(" \t\r\n", s->at[0]) != NULL)
		*s = (struct str){ s->at + 1, s->n - 1 };
}

static struct str take(struct str *s, size_t n)
{
	const struct str taken = { s->at, n };

	*s = (struct str){ s->at + n, s->n - n };
	return taken;
}

static size_t string_bytes(struct str s)
{
	size_t i = 1;

	while (i < s.n && s.at[i] != '"')
		i += s.at[i] == '\\' ? 2 : 1;
	return i < s.n ? i + 1 : s.n;
}

/* Takes the value that s begins with, behind white space. */
static struct str take_value(struct str *s)
{
	size_t i = 0, depth = 0;

	skip_space(s);
	while (i < s->n) {
		const char c = s->at[i];
		const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
		if (depth == 0 && (closes || strchr(",: \t\r\n", c) != NULL))
			break; /* behind a number or a word */
		i += c == '"' ? string_bytes((struct str){ s->at + i, s->n - i }) : 1;
		depth = depth + opens - closes;
		if (depth == 0 && (closes || c == '"'))
			break;
	}
	return take(s, i);
}

/* What follows the next comma; false: there was none. */
static bool next(struct str *s)
{
	skip_space(s);
	if (s->n == 0 || s->at[0] != ',')
		return false;
	(void)take(s, 1);
	return true;
}

/* A key that is written with escapes is not found. */
static bool member(struct str object, struct str key, struct str *value)
{
	skip_space(&object);
	if (object.n < 2 || take(&object, 1).at[0] != '{')
		return false;
	do {
		const struct str name = take_value(&object);
		if (name.n < 2)
			return false; /* {} */
		skip_space(&object);
		(void)take(&object, 1); /* the colon */
		*value = take_value(&object);
		if (str_eq((struct str){ name.at + 1, name.n - 2 }, key))
			return true;
	} while (next(&object));
	return false;
}

size_t split_each(struct str body, const char *path, struct str *out, size_t max)
{
	struct str value = body, rest = str_z(path), key;
	size_t n = 0;

	while (rest.n > 0) {
		(void)str_cut(rest, '.', &key, &rest);
		if (!member(value, key, &value))
			return 0;
	}
	skip_space(&value);
	if (value.n < 2 || take(&value, 1).at[0] != '[')
		return 0;
	do {
		const struct str element = take_value(&value);
		if (element.n == 0)
			return 0; /* [] */
		if (n < max)
			out[n] = element;
		n++;
	} while (next(&value));
	return n;
}
