/* What a YAML file may hold, where its errors are said to be, and what becomes of its values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "lang/yaml.h"

static struct arena arena = { .limit = YAML_ARENA_BYTES };

static const struct yaml *parse(const char *text)
{
	struct fail fail = { .rc = RC_OK };
	const struct yaml *root = yaml_parse(str_z(text), "p.yaml", &arena, &fail);

	assert_string_equal(fail.why, "");
	assert_non_null(root);
	return root;
}

static void assert_refused(struct str text, const char *why)
{
	struct fail fail = { .rc = RC_OK };

	assert_null(yaml_parse(text, "p.yaml", &arena, &fail));
	assert_string_equal(fail.why, why);
	arena_clear(&arena);
}

static void lines_kinds_and_styles(void **state)
{
	const struct yaml *root = parse("# a playbook\n"
					"name: okta\n"
					"match: |\n"
					"\n"
					"  .a\n"
					"  and .b\n"
					"list:\n"
					"  - one\n"
					"  - {x: 'two', y: \"three\"}\n"
					"fold: >-\n"
					"  a\n"
					"  b\n"
					"nothing:\n");
	const struct yaml *list = yaml_key(root, "list"), *match = yaml_key(root, "match");

	(void)state;
	assert_int_equal(root->n, 5);
	assert_int_equal(yaml_key(root, "name")->line, 2);
	assert_int_equal(match->line, 3);
	assert_int_equal(match->style, YAML_LITERAL);
	assert_true(str_is(match->text, "\n.a\nand .b\n"));
	assert_int_equal(list->name_line, 7);
	assert_int_equal(list->kind, YAML_LIST);
	assert_int_equal(list->first->line, 8);
	assert_true(str_is(list->first->text, "one"));
	assert_int_equal(list->first->next->line, 9);
	assert_int_equal(yaml_key(list->first->next, "y")->style, YAML_QUOTED);
	assert_null(list->first->next->next);
	assert_int_equal(yaml_key(root, "fold")->style, YAML_FOLDED);
	assert_true(str_is(yaml_key(root, "fold")->text, "a b"));
	assert_int_equal(yaml_key(root, "nothing")->text.n, 0);
	assert_null(yaml_key(root, "Name"));
	assert_null(yaml_key(yaml_key(root, "name"), "x"));
	assert_null(yaml_key(NULL, "x"));
	arena_clear(&arena);
}

static void what_surprises_is_refused(void **state)
{
	static const struct {
		struct str text;
		const char *why;
	} cases[] = {
		{ { NULL, 0 }, "p.yaml:1: nothing in it: wanted keys and values" },
		{ STR_INIT("# only a comment\n"),
		  "p.yaml:1: nothing in it: wanted keys and values" },
		{ STR_INIT("just words\n"), "p.yaml:1: wanted keys and values" },
		{ STR_INIT("- a\n"), "p.yaml:1: wanted keys and values" },
		{ STR_INIT("a: 1\n---\nb: 2\n"), "p.yaml:2: a second document: wanted one" },
		{ STR_INIT("a: 1\nb: 2\na: 3\n"),
		  "p.yaml:3: the key \"a\" stands here twice (also line 1)" },
		{ STR_INIT("x:\n  c: 1\n  b: 2\n  \"c\": 3\n"),
		  "p.yaml:4: the key \"c\" stands here twice (also line 2)" },
		{ STR_INIT("a: &x 1\n"),
		  "p.yaml:1: an anchor (&name) is not allowed: a text with & goes in quotes" },
		{ STR_INIT("a: 1\nb: *x\n"),
		  "p.yaml:2: an alias (*name) is not allowed: write the value out" },
		{ STR_INIT("*x : 1\n"),
		  "p.yaml:1: an alias (*name) is not allowed: write the value out" },
		{ STR_INIT("a: !!str 1\n"),
		  "p.yaml:1: a tag (!name) is not allowed: a text with ! goes in quotes" },
		{ STR_INIT("a:\n  - !x {}\n"),
		  "p.yaml:2: a tag (!name) is not allowed: a text with ! goes in quotes" },
		{ STR_INIT("? [a]\n: 1\n"), "p.yaml:1: wanted a key" },
		{ STR_INIT("a: 1\nb: {'': 2}\n"), "p.yaml:2: wanted a key" },
		{ STR_INIT("a: \"x\\0y\"\n"), "p.yaml:1: a NUL character in a text" },
		{ STR_INIT("a: 1\nb: x\xff\n"), "p.yaml:2: invalid leading UTF-8 octet" },
		{ STR_INIT("a: 1\n\nb: x\0\n"), "p.yaml:3: control characters are not allowed" },
		{ STR_INIT("\xff\xfe"
			   "a\0"),
		  "p.yaml:1: UTF-16: wanted UTF-8" },
		{ STR_INIT("\xfe\xff\0a"), "p.yaml:1: UTF-16: wanted UTF-8" },
		{ STR_INIT("a: 1\n  b: 2\n"), "p.yaml:2: mapping values are not allowed in this "
					      "context: a text with \": \" in it "
					      "wants quotes around it" },
		{ STR_INIT("a:\n\t- b\n"),
		  "p.yaml:2: found character that cannot start any token (while scanning for "
		  "the next token from line 2 on)" },
		{ STR_INIT("a: [1, 2\nb: 3\n"), "p.yaml:2: did not find expected ',' or ']' (while "
						"parsing a flow sequence from line 1 on)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, cases[i].why);
}

static void sizes_have_limits(void **state)
{
	struct buf b = BUF(2 * YAML_BYTES_MAX);
	struct fail fail;

	(void)state;
	buf_addz(&b, "a: ");
	for (unsigned i = 0; i < 100000; i++)
		buf_addz(&b, "[");
	assert_refused(buf_str(&b), "p.yaml:1: nested deeper than 32");
	buf_clear(&b);
	buf_addz(&b, "a: [");
	for (unsigned i = 0; i < 100; i++)
		buf_addz(&b, "[], {}, ");
	buf_addz(&b, "]");
	assert_int_equal(parse(buf_z(&b))->first->n, 200);
	buf_clear(&b);
	buf_addz(&b, "a: [");
	for (unsigned i = 0; i < 40000; i++)
		buf_addz(&b, "x,");
	buf_addz(&b, "]");
	assert_refused(buf_str(&b), "p.yaml:1: too many values: 32768 in a file at most");
	while (b.n <= YAML_BYTES_MAX)
		buf_addz(&b, "#");
	assert_null(yaml_parse(buf_str(&b), "p.yaml", &arena, &fail));
	assert_int_equal(fail.rc, RC_TOO_BIG);
	/* The fullest file that passes fits the arena; its keys are compared in good time. */
	buf_clear(&b);
	for (unsigned i = 0; i < 30000; i++)
		buf_addf(&b, "%x:\n", i);
	assert_int_equal(parse(buf_z(&b))->n, 30000);
	arena_clear(&arena);
	buf_free(&b);
}

static void only_json_forms_become_values(void **state)
{
	const struct yaml *root = parse(
		"bools: [true, false, True, yes, no, on, off]\n"
		"nulls: [null, ~, Null, ]\n"
		"empty:\n"
		"numbers: [0, -12, 1.5, 1e3, 007, 0x1f, 1_000, .5, 1., +1, .inf, 2027-01-31]\n"
		"texts: ['1', \"true\", \"null\", \"\"]\n"
		"yes: {no: [], on: {}}\n"
		"1: one\n"
		"block: |\n"
		"  true\n");
	struct cJSON *j = yaml_to_json(root);
	struct buf b = BUF(1000);

	(void)state;
	json_print(j, &b);
	assert_string_equal(buf_z(&b),
			    "{\"bools\":[true,false,\"True\",\"yes\",\"no\",\"on\",\"off\"],"
			    "\"nulls\":[null,\"~\",\"Null\"],\"empty\":null,"
			    "\"numbers\":[0,-12,1.5,1000,\"007\",\"0x1f\",\"1_000\",\".5\",\"1.\","
			    "\"+1\",\".inf\","
			    "\"2027-01-31\"],\"texts\":[\"1\",\"true\",\"null\",\"\"],"
			    "\"yes\":{\"no\":[],\"on\":{}},\"1\":\"one\",\"block\":\"true\\n\"}");
	buf_free(&b);
	json_free(j);
	arena_clear(&arena);
}

static void members_are_wanted_by_kind(void **state)
{
	const struct yaml *root = parse("a: 1\nb: {}\nc: '2'\nd: true\n"), *out = NULL;
	const struct yaml_range range = { 0, 5 };
	struct fail f;
	int64_t v = 9;
	bool is = false;

	(void)state;
	assert_int_equal(yaml_want(root, "a", YAML_SCALAR, &out, &f), RC_OK);
	assert_int_equal(yaml_int(out, range, &v, &f), RC_OK);
	assert_int_equal(v, 1);
	assert_int_equal(yaml_bool(out, &is, &f), RC_MALFORMED);
	assert_string_equal(f.why, "p.yaml:1: a: wanted true or false");
	assert_int_equal(yaml_bool(yaml_key(root, "d"), &is, &f), RC_OK);
	assert_true(is);
	assert_int_equal(yaml_int(yaml_key(root, "c"), range, &v, &f), RC_MALFORMED);
	assert_string_equal(f.why, "p.yaml:3: c: wanted a whole number from 0 to 5");
	assert_int_equal(yaml_may(root, "zzz", YAML_MAP, &out, &f), RC_OK);
	assert_null(out);
	assert_int_equal(yaml_want(root, "zzz", YAML_MAP, &out, &f), RC_MALFORMED);
	assert_string_equal(f.why, "p.yaml:1: zzz is missing: wanted keys and values");
	assert_int_equal(yaml_may(root, "b", YAML_LIST, &out, &f), RC_MALFORMED);
	assert_string_equal(f.why, "p.yaml:2: b: wanted a list, found keys and values");
	arena_clear(&arena);
}

static void an_unknown_key_names_the_nearest(void **state)
{
	static const char *const words[] = { "title", "priority", "on", "match", NULL };
	struct fail f;

	(void)state;
	assert_int_equal(yaml_check_keys(parse("title: x\non: 1\n"), words, &f), RC_OK);
	assert_int_equal(yaml_check_keys(parse("title: x\nprioritty:\n  - 1\n"), words, &f),
			 RC_MALFORMED);
	assert_string_equal(f.why,
			    "p.yaml:2: unknown key \"prioritty\": did you mean \"priority\"?");
	assert_int_equal(yaml_check_keys(parse("zebra: x\n"), words, &f), RC_MALFORMED);
	assert_string_equal(
		f.why, "p.yaml:1: unknown key \"zebra\": wanted one of title, priority, on, match");
	assert_string_equal(yaml_nearest("mtach", words), "match");
	assert_string_equal(yaml_nearest("no", words), "on");
	assert_null(yaml_nearest("", words));
	assert_null(yaml_nearest(
		"a word that is much longer than any of those that we ever wait for", words));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_kinds_and_styles),
		cmocka_unit_test(what_surprises_is_refused),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(only_json_forms_become_values),
		cmocka_unit_test(members_are_wanted_by_kind),
		cmocka_unit_test(an_unknown_key_names_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
