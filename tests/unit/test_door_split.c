/* Several alerts in one body: cut where `each` says, never read and written anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "door/door.h"
#include "model/policy.h"

static struct arena arena = { .limit = 4 << 20 };
static const struct source source = { .name = "many", .each = "data.events" };
static const struct policy policy = { .sources = &source, .sources_n = 1 };

static int forget(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static struct door send(const char *body)
{
	static const struct door_clock clock = { .wall_ms = INT64_C(1764063000000) };
	struct arrival a = { .kind = ARRIVAL_ASKED };
	struct door d;

	a.asked.method = "POST";
	a.asked.path = "/v1/alerts/many";
	a.asked.query = "";
	a.asked.is_local = true;
	a.asked.body = str_z(body);
	door_read(&a, &policy, &clock, &arena, &d);
	return d;
}

static void a_body_is_cut_byte_for_byte(void **state)
{
	(void)state;
	struct door d = send("{\"x\":[{}], \"data\" : {\"n\":-1.5e3,\"t\":true,\"events\": [ "
			     "{\"id\":6554789123456789123, \"s\":\"a]}\\\"\"} ,{\"id\":"
			     "6554789123456789124,\"in\":[[{}],2]},{}\n]},\"z\":{\"events\":1}}");
	assert_int_equal(d.kind, DOOR_FACT);
	assert_int_equal(d.facts_n, 3);
	assert_string_equal(d.facts[0].as.alert.body,
			    "{\"id\":6554789123456789123, \"s\":\"a]}\\\"\"}");
	assert_string_equal(d.facts[1].as.alert.body,
			    "{\"id\":6554789123456789124,\"in\":[[{}],2]}");
	assert_string_equal(d.facts[2].as.alert.body, "{}");
	assert_string_not_equal(d.facts[0].key, d.facts[1].key);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(d.facts[i].as.alert.is_last, i == 2);
		assert_string_equal(d.facts[i].as.alert.delivery_digest,
				    d.facts[0].as.alert.delivery_digest);
		assert_string_not_equal(d.facts[i].as.alert.delivery_digest,
					d.facts[i].as.alert.digest);
	}
}

/* What the path does not lead to is one alert: shown, not dropped. */
static void a_body_without_the_array_is_one_alert(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"data\":null}",
		"{\"data\":{}}",
		"{\"data\":{\"events\":{}}}",
		"{\"data\":{\"events\":\"[{}]\"}}",
		"{\"data\":{\"events\":[]}}",
		"{\"data\":{\"events\":[ ]}}",
		"{\"data\":[{\"events\":[{}]}]}",
		"{\"data\":{\"event\":[{}]},\"events\":[{}]}",
		"{\"data.events\":[{}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct door d = send(bodies[i]);
		assert_int_equal(d.kind, DOOR_FACT);
		assert_int_equal(d.facts_n, 1);
		assert_string_equal(d.facts[0].as.alert.body, bodies[i]);
	}
}

static const char *with_events(size_t n, const char *last)
{
	struct buf CLEANUP(buf_free) b = BUF(1 << 16);

	buf_addz(&b, "{\"data\":{\"events\":[");
	for (size_t i = 0; i + 1 < n; i++)
		buf_addf(&b, "{\"i\":%zu},", i);
	buf_addf(&b, "%s]}}", last);
	return arena_str(&arena, buf_str(&b));
}

static void a_hundred_alerts_in_a_body_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(send(with_events(100, "{}")).facts_n, 100);
	struct door d = send(with_events(101, "{}"));
	assert_int_equal(d.status, 413);
	assert_non_null(strstr(d.body, "data.events: 101 alerts, and one body may have 100"));
	d = send(with_events(3, "7"));
	assert_int_equal(d.status, 400);
	assert_non_null(strstr(d.body, "byte 35: data.events[2] has to be a JSON object"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_body_is_cut_byte_for_byte, forget),
		cmocka_unit_test_teardown(a_body_without_the_array_is_one_alert, forget),
		cmocka_unit_test_teardown(a_hundred_alerts_in_a_body_and_no_more, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
