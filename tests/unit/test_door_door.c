/* Who may bring an alert, what it has to look like, and what everybody else is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "door/door.h"
#include "model/policy.h"

static struct arena arena = { .limit = 4 << 20 };
static struct source sources[4];
static struct policy policy;

static int furnish(void **state)
{
	(void)state;
	sources[0] = (struct source){ .name = "okta", .bearer = secret_from(STR("okta-secret-1")) };
	sources[1] = (struct source){ .name = "crowd-strike-2",
				      .bearer = secret_from(STR("cs-secret-2")) };
	sources[2] = (struct source){ .name = "open" };
	sources[3] =
		(struct source){ .name = "Odd_Name", .bearer = secret_from(STR("odd-secret")) };
	policy = (struct policy){ .sources = sources, .sources_n = 4 };
	return 0;
}

static int forget(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

/* The headers of the arrival being made. */
enum { AUTHORIZATION, TYPE, ENCODING, HEADERS_N };
static struct header headers[HEADERS_N];

/* A good alert; the stories spoil it. */
static struct arrival good(void)
{
	struct arrival a = { .kind = ARRIVAL_ASKED };

	a.asked.method = "POST";
	a.asked.path = "/v1/alerts/okta";
	a.asked.query = "";
	headers[AUTHORIZATION] = (struct header){ "authorization", "Bearer okta-secret-1" };
	headers[TYPE] = (struct header){ "content-type", "application/json" };
	headers[ENCODING] = (struct header){ "content-encoding", "" };
	a.asked.headers = headers;
	a.asked.headers_n = HEADERS_N;
	a.asked.body = STR("{\"a\":1}");
	return a;
}

static struct door read_it(const struct arrival *a)
{
	static const struct door_clock clock = { .wall_ms = INT64_C(1764063000000) };
	struct door d;

	memset(&d, 0x5a, sizeof(d));
	door_read(a, &policy, &clock, &arena, &d);
	return d;
}

/* sha256 of {"a":1}, by coreutils. */
#define DIGEST "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"

static void a_good_alert_is_a_fact(void **state)
{
	struct arrival a = good();
	struct door d = read_it(&a);

	(void)state;
	assert_int_equal(d.kind, DOOR_FACT);
	assert_int_equal(d.facts_n, 1);
	assert_int_equal(d.facts[0].kind, FACT_ALERT);
	assert_string_equal(d.facts[0].as.alert.source, "okta");
	assert_string_equal(d.facts[0].as.alert.digest, DIGEST);
	assert_string_equal(d.facts[0].key, "alert:okta:" DIGEST);
	assert_string_equal(d.facts[0].as.alert.body, "{\"a\":1}");
	assert_true(d.facts[0].as.alert.is_last);
	assert_null(d.facts[0].as.alert.delivery);
	assert_null(d.facts[0].as.alert.doubt);
	assert_null(d.odd);
}

static void assert_problem(const struct door *d, int status)
{
	struct fail fail = { .rc = RC_OK };
	int64_t told = 0;

	assert_int_equal(d->kind, DOOR_PROBLEM);
	assert_int_equal(d->status, status);
	struct cJSON *j = json_parse(str_z(d->body), &fail);
	assert_string_equal(fail.why, "");
	assert_true(json_int(json_get(j, "status"), &told) && told == status);
	assert_string_equal(json_text_at(j, "type"), "about:blank");
	assert_true(json_text_at(j, "title")[0] && json_text_at(j, "detail")[0]);
	assert_string_not_equal(json_text_at(j, "title"), "Error");
	json_free(j);
}

static void methods_and_paths(void **state)
{
	static const struct {
		const char *method, *path;
		enum door_kind kind;
		int status;
	} cases[] = {
		{ "GET", "/healthz", DOOR_HEALTH, 0 },
		{ "GET", "/readyz", DOOR_READY, 0 },
		{ "POST", "/v1/alerts/okta", DOOR_FACT, 0 },
		{ "POST", "/healthz", DOOR_PROBLEM, 405 },
		{ "HEAD", "/readyz", DOOR_PROBLEM, 405 },
		{ "GET", "/v1/alerts/okta", DOOR_PROBLEM, 405 },
		{ "PUT", "/v1/alerts/okta", DOOR_PROBLEM, 405 },
		{ "post", "/v1/alerts/okta", DOOR_PROBLEM, 405 },
		{ "GET", "/", DOOR_PROBLEM, 404 },
		{ "GET", "", DOOR_PROBLEM, 404 },
		{ "GET", "/healthz/", DOOR_PROBLEM, 404 },
		{ "POST", "/v1/alerts", DOOR_PROBLEM, 404 },
		{ "POST", "/v1/alerts/", DOOR_PROBLEM, 404 },
		{ "POST", "/v1/alerts/okta/", DOOR_PROBLEM, 404 },
		{ "POST", "/v1/alerts/../healthz", DOOR_PROBLEM, 401 },
		{ "POST", "/v1/alerts//okta", DOOR_PROBLEM, 404 },
		{ "POST", "/v1/alerts/okta/a/b", DOOR_PROBLEM, 404 },
		{ "GET", "/v1/alerts/okta/a", DOOR_PROBLEM, 405 },
		{ "POST", "/v1/local/backup", DOOR_PROBLEM, 404 }, /* by the network */
		{ "POST", "/v1/local/accept-restore", DOOR_PROBLEM, 404 },
		{ "POST", "//v1/alerts/okta", DOOR_PROBLEM, 404 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arrival a = good();
		a.asked.method = cases[i].method;
		a.asked.path = cases[i].path;
		struct door d = read_it(&a);
		assert_int_equal(d.kind, cases[i].kind);
		if (d.kind == DOOR_PROBLEM)
			assert_problem(&d, cases[i].status);
	}
}

/* The same bytes for every way of being a stranger: nobody learns which sources there are. */
static void strangers_are_all_told_the_same(void **state)
{
	static const struct {
		const char *path, *authorization;
	} cases[] = {
		{ "/v1/alerts/okta", "" },
		{ "/v1/alerts/okta", "Bearer" },
		{ "/v1/alerts/okta", "Bearer " },
		{ "/v1/alerts/okta", "Bearer okta-secret-2" },
		{ "/v1/alerts/okta", "Bearer okta-secret-1x" },
		{ "/v1/alerts/okta", "Bearer okta-secret-" },
		{ "/v1/alerts/okta", "Bearer OKTA-SECRET-1" },
		{ "/v1/alerts/okta", "Basic okta-secret-1" },
		{ "/v1/alerts/okta", "okta-secret-1" },
		{ "/v1/alerts/okta", "Bearer cs-secret-2" }, /* another source's */
		{ "/v1/alerts/nobody", "Bearer okta-secret-1" },
		{ "/v1/alerts/nobody", "Bearer " },
		{ "/v1/alerts/OKTA", "Bearer okta-secret-1" },
		{ "/v1/alerts/okta%20", "Bearer okta-secret-1" },
		{ "/v1/alerts/Odd_Name", "Bearer odd-secret" }, /* no name a source may have */
		{ "/v1/alerts/open", "Bearer " },               /* no secret: closed, not open */
		{ "/v1/alerts/open", "" },
	};
	const char *body = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arrival a = good();
		a.asked.path = cases[i].path;
		headers[AUTHORIZATION].value = cases[i].authorization;
		a.asked.body = STR("not JSON either");
		struct door d = read_it(&a);
		assert_problem(&d, 401);
		if (body != NULL)
			assert_string_equal(d.body, body);
		body = d.body;
	}
}

static void the_scheme_is_read_without_case(void **state)
{
	struct arrival a = good();

	(void)state;
	headers[AUTHORIZATION].value = "bearer  okta-secret-1 ";
	assert_int_equal(read_it(&a).kind, DOOR_FACT);
}

/* The file system has let them in; a typing error is then worth a clear word. */
static void the_local_socket_needs_no_bearer(void **state)
{
	struct arrival a = good();

	(void)state;
	a.asked.is_local = true;
	headers[AUTHORIZATION].value = "";
	assert_int_equal(read_it(&a).kind, DOOR_FACT);
	a.asked.path = "/v1/alerts/open";
	assert_int_equal(read_it(&a).kind, DOOR_FACT);
	a.asked.path = "/v1/alerts/nobody";
	struct door d = read_it(&a);
	assert_problem(&d, 404);
	assert_non_null(strstr(d.body, "no source of that name"));
}

static void content_types_and_encodings(void **state)
{
	static const struct {
		const char *type, *encoding;
		int status;
	} cases[] = {
		{ "", "", 0 },
		{ "application/json; charset=utf-8", "identity", 0 },
		{ "Application/JSON", " Identity ", 0 },
		{ "text/json", "", 0 },
		{ "application/cloudevents+json;v=1", "", 0 },
		{ "text/plain", "", 415 },
		{ "application/x-www-form-urlencoded", "", 415 },
		{ "application/jsonx", "", 415 },
		{ "+json", "", 415 },
		{ "application/json", "gzip", 415 },
		{ "application/json", "identity, gzip", 415 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arrival a = good();
		headers[TYPE].value = cases[i].type;
		headers[ENCODING].value = cases[i].encoding;
		struct door d = read_it(&a);
		if (cases[i].status == 0)
			assert_int_equal(d.kind, DOOR_FACT);
		else
			assert_problem(&d, cases[i].status);
	}
}

static void bad_bodies_get_their_reason(void **state)
{
	static const struct {
		struct str body;
		const char *detail;
	} cases[] = {
		{ STR_INIT(""), "not strict JSON: byte 0: wanted a value" },
		{ STR_INIT("{\"a\":01}"), "byte 5: a number with a leading zero" },
		{ STR_INIT("{\"a\":1,\"a\":2}"), "byte 7: duplicate key \\\"a\\\"" },
		{ STR_INIT("{\"a\":\"\xff\"}"), "byte 6: invalid UTF-8" },
		{ STR_INIT("{}\0"), "byte 2: something after the value" },
		{ STR_INIT("{\"a\":\"\\u0000\"}"), "byte 6" },
		{ STR_INIT("{\"a\":\"\0\"}"), "byte 6" },
		{ STR_INIT("{\"a\":1e400}"), "byte 5" },
		{ STR_INIT("{\"a\":1,}"), "byte 7" },
		{ STR_INIT("\xef\xbb\xbf{}"), "byte 0" },
		{ STR_INIT("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
			   "]}"),
		  "deep" },
		{ STR_INIT("[{\"a\":1}]"), "has to be a JSON object" },
		{ STR_INIT("null"), "has to be a JSON object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arrival a = good();
		a.asked.body = cases[i].body;
		struct door d = read_it(&a);
		assert_problem(&d, 400);
		assert_non_null(strstr(d.body, cases[i].detail));
	}
}

static void the_body_has_a_ceiling(void **state)
{
	struct buf b = BUF(1 << 20);
	struct arrival a = good();

	(void)state;
	buf_addz(&b, "{}");
	while (b.n < DOOR_BODY_MAX)
		buf_addz(&b, " ");
	a.asked.body = buf_str(&b);
	assert_int_equal(read_it(&a).kind, DOOR_FACT);
	buf_addz(&b, " ");
	a.asked.body = buf_str(&b);
	struct door d = read_it(&a);
	assert_problem(&d, 413);
	buf_free(&b);
}

static void what_io_refused_stays_refused(void **state)
{
	static const int statuses[] = { 408, 411, 413, 431, 503 };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct arrival a = good();
		a.asked.refused = statuses[i];
		struct door d = read_it(&a);
		assert_problem(&d, statuses[i]);
		assert_int_equal(d.retry_after_s, statuses[i] == 503 ? 10 : 0);
	}
}

static void an_accepted_alert_has_an_id(void **state)
{
	static const int64_t ids[] = { 17, 18, 3 };

	(void)state;
	assert_string_equal(door_accepted(&arena, ids, 1, true),
			    "{\"id\":\"alert-17\",\"ids\":[\"alert-17\"],\"status\":\"accepted\"}");
	assert_string_equal(door_accepted(&arena, ids, 3, false),
			    "{\"id\":\"alert-17\",\"ids\":[\"alert-17\",\"alert-18\","
			    "\"alert-3\"],\"status\":\"duplicate\"}");
}

#define NOW INT64_C(1764063000000)

/* All is well; each story spoils one thing, to the millisecond. */
static void a_deaf_or_stuck_bot_is_not_ready(void **state)
{
	static const struct door_signs well = { .now_ms = NOW,
						.heard_ms = NOW - 60000,
						.alert_ms = NOW - 60000,
						.page_ms = NOW - 300000 };
	static const struct {
		struct door_signs signs;
		const char *why;
	} cases[] = {
		{ { NOW, 0, NOW - 60001, false, INT64_MAX, INT64_MAX }, "no sign of life" },
		{ { NOW, 1, 0, false, INT64_MAX, INT64_MAX }, "no live socket" },
		{ { NOW, NOW - 60001, NOW, false, INT64_MAX, INT64_MAX }, "no live socket" },
		{ { NOW, 0, NOW, true, INT64_MAX, INT64_MAX }, "commit failed" },
		{ { NOW, 0, NOW, false, NOW - 60001, INT64_MAX }, "an alert has been waiting" },
		{ { NOW, 0, NOW, false, INT64_MAX, NOW - 300001 }, "a page has not been" },
	};
	static const struct door_signs short_gap = {
		.now_ms = NOW, .down_ms = NOW - 60000, .alert_ms = INT64_MAX, .page_ms = INT64_MAX
	};

	(void)state;
	assert_null(door_unready(&well));
	assert_null(door_unready(&short_gap)); /* a socket is being replaced */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = door_unready(&cases[i].signs);
		assert_non_null(why);
		assert_non_null(strstr(why, cases[i].why));
	}
}

/* io copies no header that nobody needs, and each once. */
static void the_names_of_headers_are_told_once(void **state)
{
	static struct source signing[3];
	const char *names[DOOR_HEADERS_MAX];
	const struct policy p = { .sources = signing, .sources_n = 3 };

	(void)state;
	signing[0].hmac =
		(struct hmac_rule){ .header = "x-signature", .timestamp = "x-timestamp", .id = "" };
	signing[1].hmac = (struct hmac_rule){ .header = "x-signature",
					      .timestamp = "content-type",
					      .id = "x-id" };
	door_headers(&p, names);
	static const char *const wanted[] = { "authorization", "content-type", "content-encoding",
					      "x-signature",   "x-timestamp",  "x-id" };
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(names[i], wanted[i]);
	assert_null(names[6]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_good_alert_is_a_fact, forget),
		cmocka_unit_test_teardown(methods_and_paths, forget),
		cmocka_unit_test_teardown(strangers_are_all_told_the_same, forget),
		cmocka_unit_test_teardown(the_scheme_is_read_without_case, forget),
		cmocka_unit_test_teardown(the_local_socket_needs_no_bearer, forget),
		cmocka_unit_test_teardown(content_types_and_encodings, forget),
		cmocka_unit_test_teardown(bad_bodies_get_their_reason, forget),
		cmocka_unit_test_teardown(the_body_has_a_ceiling, forget),
		cmocka_unit_test_teardown(what_io_refused_stays_refused, forget),
		cmocka_unit_test_teardown(an_accepted_alert_has_an_id, forget),
		cmocka_unit_test(a_deaf_or_stuck_bot_is_not_ready),
		cmocka_unit_test(the_names_of_headers_are_told_once),
	};

	return cmocka_run_group_tests(tests, furnish, NULL);
}
