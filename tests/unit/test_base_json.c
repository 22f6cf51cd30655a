/* What json_parse() lets in, what it refuses and where, and that nothing is lost on the way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

static void assert_prints(const struct cJSON *j, const char *wanted)
{
	struct buf b = BUF(1 << 20);

	json_print(j, &b);
	assert_string_equal(buf_z(&b), wanted);
	buf_free(&b);
}

static void assert_prints_again(const char *text)
{
	struct fail fail = { .rc = RC_OK };
	struct cJSON *j = json_parse(str_z(text), &fail);

	assert_string_equal(fail.why, "");
	assert_prints(j, text);
	json_free(j);
}

static void good_json_comes_out_as_it_went_in(void **state)
{
	static const char *const texts[] = {
		"{\"a\":[1,-2.5,1e+30,true,false,null],\"b\":{\"\":\"\"}}",
		"\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f/\xc3\xa9\xf0\x9f\x98\x80\"",
		"0",
		"[]",
		"{\"A\":1,\"a\":2}",
		"9007199254740991",
		"123456789012.345",
		"0.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_prints_again(texts[i]);
}

static void escapes_and_space_are_read(void **state)
{
	struct cJSON *j =
		json_parse(STR(" {\t\"\\u0041\\ud83d\\ude00\\/\" :\r\n[ 1E2 , -0 ]} \n"), NULL);

	(void)state;
	assert_prints(j, "{\"A\xf0\x9f\x98\x80/\":[100,0]}");
	json_free(j);
}

static void bad_json_is_refused_with_its_offset(void **state)
{
	static const struct {
		struct str text;
		const char *why;
	} cases[] = {
		{ { "", 0 }, "byte 0: wanted a value" },
		{ { NULL, 0 }, "byte 0: wanted a value" },
		{ STR_INIT("\xef\xbb\xbf{}"), "byte 0: a byte order mark" },
		{ STR_INIT("{} x"), "byte 3: something after the value" },
		{ STR_INIT("1\0"), "byte 1: something after the value" },
		{ STR_INIT("[01]"), "byte 1: a number with a leading zero" },
		{ STR_INIT("[-]"), "byte 2: wanted a digit" },
		{ STR_INIT("1."), "byte 2: wanted a digit" },
		{ STR_INIT(".5"), "byte 0: wanted a value" },
		{ STR_INIT("+1"), "byte 0: wanted a value" },
		{ STR_INIT("1e400"), "byte 0: a number out of range" },
		{ STR_INIT("nul"), "byte 0: wanted a value" },
		{ STR_INIT("NaN"), "byte 0: wanted a value" },
		{ STR_INIT("\"a\tb\""), "byte 2: a control character in a string" },
		{ STR_INIT("\"a\0b\""), "byte 2: a control character in a string" },
		{ STR_INIT("\"a\\u0000\""), "byte 2: \\u0000 is refused" },
		{ STR_INIT("\"\\ud800x\""), "byte 1: a \\u escape that is no character" },
		{ STR_INIT("\"\\udc00\""), "byte 1: a \\u escape that is no character" },
		{ STR_INIT("\"\\ud800\\u0041\""), "byte 1: a \\u escape that is no character" },
		{ STR_INIT("\"\\u12\""), "byte 1: a \\u escape that is no character" },
		{ STR_INIT("\"\\u00"), "byte 1: a \\u escape that is no character" },
		{ STR_INIT("\"\\x\""), "byte 1: an unknown escape" },
		{ STR_INIT("\"\\\0\""), "byte 1: an unknown escape" },
		{ STR_INIT("\"\\"), "byte 1: an unknown escape" },
		{ STR_INIT("\"\xc0\x80\""), "byte 1: invalid UTF-8" },
		{ STR_INIT("\"\xed\xa0\x80\""), "byte 1: invalid UTF-8" },
		{ STR_INIT("\"abc"), "byte 0: a string that does not end" },
		{ STR_INIT("[1,]"), "byte 3: wanted a value" },
		{ STR_INIT("[1 2]"), "byte 3: wanted a comma or ]" },
		{ STR_INIT("[1"), "byte 2: wanted a comma or ]" },
		{ STR_INIT("{\"a\":1,}"), "byte 7: wanted a key in quotes" },
		{ STR_INIT("{\"a\" 1}"), "byte 5: wanted a colon" },
		{ STR_INIT("{a:1}"), "byte 1: wanted a key in quotes" },
		{ STR_INIT("{\"a\":1 \"b\":2}"), "byte 7: wanted a comma or }" },
		{ STR_INIT("[{\"a\":1,\"b\":{\"a\":1},\"a\":2}]"), "byte 20: duplicate key \"a\"" },
		{ STR_INIT("{\"\\u0061\\n\":1,\"a\\u000a\":2}"),
		  "byte 14: duplicate key \"a\\u000a\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fail fail = { .rc = RC_OK };
		assert_null(json_parse(cases[i].text, &fail));
		assert_string_equal(fail.why, cases[i].why);
		assert_int_equal(fail.rc, RC_MALFORMED);
	}
}

static void depth_and_number_length_have_a_limit(void **state)
{
	struct buf b = BUF(1000);
	struct fail fail;

	(void)state;
	for (unsigned depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		buf_clear(&b);
		for (unsigned i = 0; i < depth; i++)
			buf_addz(&b, "[");
		for (unsigned i = 0; i < depth; i++)
			buf_addz(&b, "]");
		struct cJSON *j = json_parse(buf_str(&b), &fail);
		assert_int_equal(j != NULL, depth == JSON_DEPTH_MAX);
		json_free(j);
	}
	assert_string_equal(fail.why, "byte 32: nested deeper than 32");
	buf_clear(&b); /* beside each other is not in each other */
	buf_addz(&b, "[0");
	for (unsigned i = 0; i < 40; i++)
		buf_addz(&b, ",[],{}");
	buf_addz(&b, "]");
	assert_prints_again(buf_z(&b));
	buf_clear(&b);
	for (unsigned i = 0; i < 63; i++)
		buf_addz(&b, "1");
	struct cJSON *j = json_parse(buf_str(&b), &fail);
	assert_non_null(j);
	json_free(j);
	buf_addz(&b, "1");
	assert_null(json_parse(buf_str(&b), &fail));
	buf_free(&b);
}

/* Sorted, not compared each with each: 40,000 keys take milliseconds, and the one double is still
 * found. */
static void many_keys_are_compared_in_good_time(void **state)
{
	struct buf b = BUF(1 << 20);
	struct fail fail;

	(void)state;
	buf_addz(&b, "{\"k39999\":0");
	for (unsigned i = 0; i < 40000; i++)
		buf_addf(&b, ",\"k%u\":0", i);
	buf_addz(&b, "}");
	assert_null(json_parse(buf_str(&b), &fail));
	assert_non_null(strstr(fail.why, "duplicate key \"k39999\""));
	buf_free(&b);
}

static void getters_are_exact(void **state)
{
	struct cJSON *j = json_parse(
		STR("{\"Token\":\"x\",\"a\":{\"b\":[10,20,1.5]},\"a.b\":true,\"n\":null}"), NULL);
	int64_t v = 0;

	(void)state;
	assert_null(json_get(j, "token"));
	assert_string_equal(json_text_at(j, "Token"), "x");
	assert_string_equal(json_text_at(j, "a.b.c"), "");
	assert_int_equal(json_count(json_get(j, "a.b")), 3);
	assert_true(json_int(json_at(json_get(j, "a.b"), 1), &v) && v == 20);
	assert_false(json_int(json_at(json_get(j, "a.b"), 2), &v));
	assert_null(json_at(json_get(j, "a.b"), 3));
	assert_true(json_true(json_key(j, "a.b")));
	assert_true(json_is_null(json_get(j, "n")) && json_is_null(json_get(j, "nowhere")));
	assert_string_equal(json_name(json_first(j)), "Token");
	assert_null(json_first(json_get(j, "Token")));
	assert_null(json_get(NULL, "a"));
	assert_string_equal(json_text_at(j, "a.b"), ""); /* an array is no text */
	assert_string_equal(json_text_at(j, "Token"), "x");
	json_free(j);
}

static void building_replaces_and_repairs(void **state)
{
	struct cJSON *j = json_object(), *list = json_array();
	struct arena a = ARENA(1 << 16);

	(void)state;
	json_put_text(j, "a", "1");
	json_put_num(j, "b", 1e15 + 3);
	json_put_bool(j, "a", true);
	json_put_text(j, "bad", "x\xff\xfey");
	json_put(j, "nul", json_string_s(STR("a\0b")));
	json_push(list, json_copy(json_key(j, "a")));
	json_push(list, json_num(1e308 * 10));
	json_put(j, "list", list);
	json_drop(j, "nowhere");
	assert_string_equal(
		json_print_arena(j, &a),
		"{\"a\":true,\"b\":1000000000000003,\"bad\":\"x\xef\xbf\xbd\xef\xbf\xbdy\","
		"\"nul\":\"a\xef\xbf\xbd"
		"b\",\"list\":[true,null]}");
	json_drop(j, "bad");
	json_drop(j, "nul");
	json_drop(j, "list");
	assert_prints(j, "{\"a\":true,\"b\":1000000000000003}");
	json_done(&j);
	assert_null(j);
	arena_clear(&a);
}

static void order_of_keys_does_not_matter(void **state)
{
	struct cJSON *a = json_parse(STR("{\"x\":[1,{\"p\":1,\"q\":\"s\"}],\"y\":null}"), NULL);
	struct cJSON *b = json_parse(STR("{\"y\":null,\"x\":[1,{\"q\":\"s\",\"p\":1}]}"), NULL);
	struct cJSON *c = json_parse(STR("{\"y\":null,\"x\":[1,{\"q\":\"s\",\"p\":2}]}"), NULL);

	(void)state;
	assert_true(json_equal(a, b));
	assert_false(json_equal(a, c));
	assert_false(json_equal(json_get(a, "x"), a));
	json_drop(c, "x");
	json_drop(b, "x");
	json_put(b, "z", json_null());
	json_put(c, "w", json_null());
	assert_false(json_equal(b, c));
	json_free(a);
	json_free(b);
	json_free(c);
}

static void a_full_buffer_breaks(void **state)
{
	struct cJSON *j = json_parse(STR("[\"0123456789\"]"), NULL);
	struct buf b = BUF(13);

	(void)state;
	json_print(j, &b);
	assert_true(b.broken);
	buf_free(&b);
	json_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_json_comes_out_as_it_went_in),
		cmocka_unit_test(escapes_and_space_are_read),
		cmocka_unit_test(bad_json_is_refused_with_its_offset),
		cmocka_unit_test(depth_and_number_length_have_a_limit),
		cmocka_unit_test(many_keys_are_compared_in_good_time),
		cmocka_unit_test(getters_are_exact),
		cmocka_unit_test(building_replaces_and_repairs),
		cmocka_unit_test(order_of_keys_does_not_matter),
		cmocka_unit_test(a_full_buffer_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
