/* Slices, UTF-8, bounded buffers, arenas, failures and time arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/fail.h"
#include "base/when.h"

static void slices_are_cut_and_compared(void **state)
{
	struct str head, tail;

	(void)state;
	assert_true(str_cut(STR("a:b:c"), ':', &head, &tail));
	assert_true(str_is(head, "a") && str_is(tail, "b:c"));
	assert_false(str_cut(STR("abc"), ':', &head, &tail));
	assert_true(str_is(head, "abc") && tail.n == 0);
	assert_true(str_cut(STR("x:"), ':', &head, &tail) && tail.n == 0);
	assert_true(str_is(str_trim(STR(" \t\r\n a b \v\f")), "a b"));
	assert_int_equal(str_trim(STR("  ")).n, 0);
	assert_true(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")));
	assert_true(str_eq((struct str){ NULL, 0 }, STR("")) && str_z(NULL).n == 0);
	assert_true(str_has(STR("a\0b"), 'b') && !str_has((struct str){ NULL, 0 }, 'b'));
	assert_true(str_same_secret(STR("s3cret"), STR("s3cret")));
	assert_false(str_same_secret(STR("s3cret"), STR("s3creT")));
	assert_false(str_same_secret(STR("s3cret"), STR("s3cre")));
}

static void integers_are_read_exactly(void **state)
{
	static const char *const bad[] = { "",
					   "-",
					   "+1",
					   " 1",
					   "1 ",
					   "1x",
					   "9223372036854775808",
					   "-9223372036854775809",
					   "99999999999999999999" };
	int64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(str_int(str_z(bad[i]), &v));
	assert_int_equal(v, 7);
	assert_true(str_int(STR("-9223372036854775808"), &v) && v == INT64_MIN);
	assert_true(str_int(STR("9223372036854775807"), &v) && v == INT64_MAX);
}

static void utf8_follows_rfc_3629(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xe2\x82",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x28\xa1",
	};
	uint32_t point = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(str_z(bad[i])));
	assert_true(utf8_valid(STR(
		"a\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
	assert_int_equal(utf8_step(STR("\xf0\x9f\x98\x80"), &point), 4);
	assert_int_equal(point, 0x1f600);
	const struct str s = STR("a\xc3\xa9\xf0\x9f\x98\x80z");
	assert_int_equal(utf8_points(s), 4);
	assert_int_equal(utf8_clip(s, 0).n, 0);
	assert_int_equal(utf8_clip(s, 2).n, 3);
	assert_int_equal(utf8_clip(s, 3).n, 7);
	assert_int_equal(utf8_clip(s, 99).n, s.n);
}

static void a_buffer_that_broke_stays_broken(void **state)
{
	struct buf b = BUF(10);

	(void)state;
	assert_string_equal(buf_z(&b), "");
	buf_addz(&b, "0123456789");
	assert_false(b.broken);
	buf_addz(&b, "x");
	buf_addf(&b, "%d", 1);
	assert_true(b.broken);
	assert_string_equal(buf_z(&b), "0123456789");
	buf_clear(&b);
	buf_addf(&b, "%s-%d", "a", 12);
	buf_add_url(&b, STR("\xc3/"));
	assert_string_equal(buf_z(&b), "a-12%C3%2F");
	assert_false(b.broken);
	buf_free(&b);
}

static void url_encoding_keeps_the_unreserved(void **state)
{
	struct buf b = BUF(100);

	(void)state;
	buf_add_url(&b, STR("aZ09-._~ &=+/%\xc3\xa9"));
	assert_string_equal(buf_z(&b), "aZ09-._~%20%26%3D%2B%2F%25%C3%A9");
	buf_free(&b);
}

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena a = ARENA(4 << 20);

	(void)state;
	for (size_t i = 1; i < 3000; i += 7) {
		const unsigned char *p = arena_alloc(&a, i);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(p[k], 0);
		memset(arena_alloc(&a, i), 0xff, i);
	}
	assert_string_equal(arena_f(&a, "%s:%d", "x", 7), "x:7");
	assert_string_equal(arena_z(&a, NULL), "");
	assert_string_equal(arena_str(&a, (struct str){ "abc", 2 }), "ab");
	memset(arena_many(&a, uint64_t, 5000), 1, 5000 * sizeof(uint64_t));
	arena_clear(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_new(&a, int));
	arena_clear(&a);
}

static void a_sentence_is_cut_between_characters(void **state)
{
	struct fail f = { .rc = RC_OK };
	char accents[sizeof(f.why) * 2];

	(void)state;
	fail_set(&f, RC_ABSENT, "%s", "no such file");
	fail_wrap(&f, "%s:%d", "x.yaml", 3);
	assert_string_equal(f.why, "x.yaml:3: no such file");
	assert_int_equal(f.rc, RC_ABSENT);
	fail_set(&f, RC_FULL, "again: %s", f.why);
	assert_string_equal(f.why, "again: x.yaml:3: no such file");
	for (size_t i = 0; i + 2 < sizeof(accents); i += 2)
		memcpy(accents + i, "\xc3\xa9", 3);
	fail_set(&f, RC_FULL, "%s", accents);
	assert_int_equal(strlen(f.why), sizeof(f.why) - 2);
	assert_true(utf8_valid(str_z(f.why)));
	fail_wrap(&f, "ab");
	assert_true(utf8_valid(str_z(f.why)) && strlen(f.why) >= sizeof(f.why) - 2);
	fail_set(NULL, RC_FULL, "nobody listens");
	fail_wrap(NULL, "nobody listens");
	assert_string_equal(rc_name(RC_TOO_BIG), "over its limit");
}

static void instants_are_written(void **state)
{
	(void)state;
	assert_string_equal(when_rfc3339(0).text, "1970-01-01T00:00:00.000Z");
	assert_string_equal(when_rfc3339(INT64_C(951827696789)).text, "2000-02-29T12:34:56.789Z");
	assert_string_equal(when_rfc3339(INT64_C(4107542399999)).text, "2100-02-28T23:59:59.999Z");
	assert_string_equal(when_rfc3339(INT64_C(4107542400000)).text, "2100-03-01T00:00:00.000Z");
	assert_string_equal(when_rfc3339(INT64_C(253402300799999)).text,
			    "9999-12-31T23:59:59.999Z");
	assert_string_equal(when_rfc3339(INT64_C(253402300800000)).text, "?");
	assert_string_equal(when_rfc3339(-1).text, "?");
	assert_string_equal(when_rfc3339(NEVER_MS).text, "?");
	/* 2026-11-25 09:30:14 UTC */
	assert_string_equal(when_clock(INT64_C(1795599014123), 3600).text, "10:30");
	assert_string_equal(when_day_clock(INT64_C(1795599014123), 16 * 3600).text, "26 Nov 01:30");
	assert_string_equal(when_clock(NEVER_MS, 3600).text, "?");
}

static void spans_are_read_and_said(void **state)
{
	static const struct {
		int64_t ms;
		const char *said;
	} said[] = {
		{ -5, "1 minute" },
		{ 0, "1 minute" },
		{ 89999, "1 minute" },
		{ 90000, "2 minutes" },
		{ 30 * MINUTE_MS, "30 minutes" },
		{ 60 * MINUTE_MS - 1, "1 hour" },
		{ 90 * MINUTE_MS, "90 minutes" },
		{ 2 * HOUR_MS, "2 hours" },
		{ DAY_MS, "1 day" },
		{ 36 * HOUR_MS, "36 hours" },
		{ 7 * DAY_MS, "7 days" },
	};
	static const char *const bad[] = { "",     "5",   "m",
					   "-5m",  "5 m", "5min",
					   "367d", "5M",  "99999999999999999999s" };
	int64_t ms = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		assert_string_equal(when_span(said[i].ms).text, said[i].said);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(when_parse_span(str_z(bad[i]), &ms));
	assert_true(when_parse_span(STR("500ms"), &ms) && ms == 500);
	assert_true(when_parse_span(STR("10s"), &ms) && ms == 10000);
	assert_true(when_parse_span(STR("30m"), &ms) && ms == 30 * MINUTE_MS);
	assert_true(when_parse_span(STR("2h"), &ms) && ms == 2 * HOUR_MS);
	assert_true(when_parse_span(STR("366d"), &ms) && ms == 366 * DAY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_cut_and_compared),
		cmocka_unit_test(integers_are_read_exactly),
		cmocka_unit_test(utf8_follows_rfc_3629),
		cmocka_unit_test(a_buffer_that_broke_stays_broken),
		cmocka_unit_test(url_encoding_keeps_the_unreserved),
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(a_sentence_is_cut_between_characters),
		cmocka_unit_test(instants_are_written),
		cmocka_unit_test(spans_are_read_and_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
