/* test_vendor_engine: requests from a connector document, and the reading of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "lang/jq.h"
#include "vendor/engine.h"

/* Expressions by their numbers, as config/ leaves them. */
static const char *const expressions[] = {
	/* 0 */ "{who: .input.who, org: .config.org}",
	/* 1 */ "{q: .input.q, n: 5, gone: null, many: [\"a b\", \"c&d\"], odd: {x: \"1&y=2\"}}",
	/* 2 */ "{note: .input.q, seen: ([$ctx, $doc] | tostring)}",
	/* 3 */ ".status == 202",
	/* 4 */ ".status == 409",
	/* 5 */ ".status == 429 or .status >= 500",
	/* 6 */ "{key: .body.id, who: $ctx.input.who}",
	/* 7 */ "{key: .output.key}",
	/* 8 */ "error(\"ouch\")",
	/* 9 */ "\"text\"",
	/* 10 */ "true",
};
enum { N = sizeof(expressions) / sizeof(expressions[0]) };
static const char document[] =
	"{\"connector\":\"x\",\"base_url\":\"https://${config.host}/v1\","
	"\"auth\":{\"kind\":\"header\",\"name\":\"Authorization\",\"value\":\"GenieKey "
	"${secret:KEY}\"},"
	"\"defaults\":{\"timeout\":\"7s\",\"errors\":[{\"when\":8,\"is\":\"done\"},"
	"{\"when\":5,\"is\":\"transient\"}]},"
	"\"operations\":{"
	"\"make\":{\"input\":{\"who\":{\"type\":\"string\",\"required\":true},"
	"\"q\":{\"type\":\"string\"}},"
	"\"request\":{\"method\":\"POST\",\"path\":\"/o/{org}/u/{who}\",\"params\":0,\"query\":1,"
	"\"body\":2},\"body_secrets\":{\"token\":\"${secret:TOKEN}\"},"
	"\"outcome\":[{\"when\":3,\"is\":\"done\"},{\"when\":4,\"is\":\"already\"}],"
	"\"output\":6,\"revert\":{\"op\":\"unmake\",\"input\":7}},"
	"\"odd\":{\"input\":{},\"request\":{\"method\":\"POST\",\"path\":\"/x\",\"body\":9},"
	"\"outcome\":[{\"when\":10,\"is\":\"done\"}]},"
	"\"elsewhere\":{\"input\":{\"who\":{\"type\":\"string\"}},"
	"\"base_url\":\"https://rest.${config.host}\","
	"\"auth\":{\"kind\":\"header\",\"name\":\"Authorization\",\"value\":\"Token "
	"token=${secret:TOKEN}\"},"
	"\"request\":{\"method\":\"GET\",\"path\":\"/x\",\"accept\":\"application/x;v=2\"},"
	"\"outcome\":[{\"when\":10,\"is\":\"not_found\"}]}}}";

struct bench {
	struct arena arena;
	struct connector c;
	struct named_secret secrets[2];
	struct cJSON *doc, *config;
	struct jq_set *jq;
	struct request rq;
	struct fail fail;
};

static int set_up(void **state)
{
	struct jq_source at[N];
	struct bench *b = mem_new(sizeof(*b));
	b->arena = ARENA((size_t)8 << 20);
	for (size_t i = 0; i < N; i++)
		at[i] = (struct jq_source){ "x", str_z(expressions[i]), "x.yaml", (int)i, false };
	if (jq_set_new(at, N, NULL, &b->jq, &b->fail) != RC_OK)
		fail_msg("%s", b->fail.why);
	b->doc = json_parse(str_z(document), &b->fail);
	if (!b->doc)
		fail_msg("%s", b->fail.why);
	b->config = json_object();
	json_put_text(b->config, "host", "api.example");
	json_put_text(b->config, "org", "duff/../beer");
	b->secrets[0] = (struct named_secret){ "KEY", secret_from(STR("k-secret")) };
	b->secrets[1] = (struct named_secret){ "TOKEN", secret_from(STR("t-secret")) };
	b->c = (struct connector){ b->doc, b->jq, b->config, b->secrets, 2 };
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	jq_set_free(b->jq);
	json_free(b->doc);
	json_free(b->config);
	arena_clear(&b->arena);
	free(b);
	return 0;
}

static enum rc request(struct bench *b, const char *op, const char *input)
{
	CLEANUP(json_done) struct cJSON *in = json_parse(str_z(input), &b->fail);
	assert_non_null(in);
	return engine_request(&b->c, op, in, &b->arena, &b->rq, &b->fail);
}

static void a_request_is_built(void **state)
{
	struct bench *b = *state;
	if (request(b, "make", "{\"who\":\"homer s\",\"q\":\"x&y\"}") != RC_OK)
		fail_msg("%s", b->fail.why);
	assert_string_equal(b->rq.method, "POST");
	assert_int_equal(b->rq.timeout_ms, 7 * SECOND_MS);
	assert_string_equal(b->rq.headers[0], "Content-Type: application/json");
	assert_string_equal(b->rq.headers[1], "Authorization: GenieKey k-secret");
	assert_null(b->rq.headers[2]);
}

/* base_url and auth of the operation's own, and no other operation's. */
static void an_operation_may_have_an_address_of_its_own(void **state)
{
	struct bench *b = *state;
	if (request(b, "elsewhere", "{\"who\":\"h\"}") != RC_OK)
		fail_msg("%s", b->fail.why);
	assert_string_equal(b->rq.url, "https://rest.api.example/x");
	assert_string_equal(b->rq.method, "GET");
	assert_int_equal(b->rq.body.n, 0);
	assert_string_equal(b->rq.headers[0], "Accept: application/x;v=2");
	assert_string_equal(b->rq.headers[1], "Authorization: Token token=t-secret");
	assert_null(b->rq.headers[2]);
	assert_int_equal(request(b, "make", "{\"who\":\"h\"}"), RC_OK);
	assert_true(str_starts(str_z(b->rq.url), STR("https://api.example/v1/")));
	assert_string_equal(b->rq.headers[1], "Authorization: GenieKey k-secret");
}

static void what_goes_into_a_url_is_encoded(void **state)
{
	struct bench *b = *state;
	assert_int_equal(request(b, "make", "{\"who\":\"a/b?c#d\",\"q\":\"x&y=z\"}"), RC_OK);
	assert_string_equal(
		b->rq.url,
		"https://api.example/v1/o/duff%2F..%2Fbeer/u/a%2Fb%3Fc%23d?q=x%26y%3Dz&n=5"
		"&many=a%20b&many=c%26d&odd=%7B%22x%22%3A%221%26y%3D2%22%7D");
	assert_int_equal(request(b, "make", "{\"who\":\"..\"}"), RC_MALFORMED);
	assert_non_null(strstr(b->fail.why, "{who}"));
	assert_int_equal(request(b, "make", "{\"who\":\"\"}"), RC_MALFORMED);
}

static void jq_never_sees_a_secret(void **state)
{
	struct bench *b = *state;
	assert_int_equal(request(b, "make", "{\"who\":\"h\",\"q\":\"${secret:TOKEN}\"}"), RC_OK);
	CLEANUP(json_done) struct cJSON *body = json_parse(b->rq.body, &b->fail);
	assert_string_equal(json_text_at(body, "token"), "t-secret");
	assert_string_equal(json_text_at(body, "note"), "${secret:TOKEN}"); /* words, no secret */
	assert_null(strstr(json_text_at(body, "seen"), "-secret"));
	assert_non_null(strstr(json_text_at(body, "seen"), "api.example"));
}

static void a_secret_that_is_not_there_is_named(void **state)
{
	struct bench *b = *state;
	b->c.secrets_n = 1;
	assert_int_equal(request(b, "make", "{\"who\":\"h\"}"), RC_ABSENT);
	assert_non_null(strstr(b->fail.why, "TOKEN"));
	b->secrets[0].value = secret_from(STR("a\r\nb"));
	b->c.secrets_n = 2;
	assert_int_equal(request(b, "make", "{\"who\":\"h\"}"), RC_MALFORMED);
	assert_non_null(strstr(b->fail.why, "line break"));
}

static void the_input_is_checked_first(void **state)
{
	static const struct {
		const char *op, *input, *says;
	} table[] = {
		{ "make", "{}", "make: input.who is missing" },
		{ "make", "{\"who\":null}", "input.who is missing" },
		{ "make", "{\"who\":5}", "input.who: wanted a string" },
		{ "make", "{\"who\":\"h\",\"x\":1}", "input.x: the operation has no such field" },
		{ "break", "{}", "no operation break" },
		{ "odd", "{}", "request.body: wanted an object" },
	};
	struct bench *b = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_not_equal(request(b, table[i].op, table[i].input), RC_OK);
		if (!strstr(b->fail.why, table[i].says))
			fail_msg("wanted \"%s\", heard \"%s\"", table[i].says, b->fail.why);
	}
}

static void a_url_has_a_ceiling(void **state)
{
	struct bench *b = *state;
	CLEANUP(buf_free) struct buf input = BUF(1 << 20);
	buf_addz(&input, "{\"who\":\"h\",\"q\":\"");
	for (int i = 0; i < 5000; i++)
		buf_addz(&input, "x");
	buf_addz(&input, "\"}");
	assert_int_equal(request(b, "make", buf_z(&input)), RC_TOO_BIG);
	assert_non_null(strstr(b->fail.why, "URL over"));
}

static struct result answer(struct bench *b, int status, const char *body, bool may_have_happened)
{
	struct result r = { .outcome = OUTCOME_DONE };
	struct engine_reply reply = { .status = status,
				      .may_have_happened = may_have_happened,
				      .retry_after_s = status == 429 ? 30 : -1,
				      .body = str_z(body),
				      .error = "time is up" };
	engine_answer(&b->c, "make", NULL, &reply, &b->arena, &r);
	return r;
}

static void an_answer_is_read(void **state)
{
	struct bench *b = *state;
	struct result r = answer(b, 202, "{\"id\":\"k1\"}", true);
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.ref, "k1");
	assert_string_equal(r.error, "");
	assert_int_equal(r.retry_after_ms, 0);
	r = answer(b, 409, "{}", true);
	assert_int_equal(r.outcome, OUTCOME_ALREADY);
	r = answer(b, 429, "slow down", true); /* a rule that fails is passed over */
	assert_int_equal(r.outcome, OUTCOME_TRANSIENT);
	assert_int_equal(r.retry_after_ms, 30 * SECOND_MS);
	assert_string_equal(r.error, "HTTP 429 slow down");
	r = answer(b, 400, "no", true); /* no rule: nobody knows better */
	assert_int_equal(r.outcome, OUTCOME_PERMANENT);
	r = answer(b, 500, "\xff\xfe", true);
	assert_string_equal(r.error, "HTTP 500 ");
	r = answer(b, 202, "not json", true);
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.ref, "");
}

static void no_answer_is_unknown_only_if_it_left(void **state)
{
	struct bench *b = *state;
	struct result r = answer(b, 0, "", true);
	assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(r.error, "time is up");
	assert_int_equal(answer(b, 0, "", false).outcome, OUTCOME_TRANSIENT);
}

static void a_vendor_cannot_put_us_off_for_days(void **state)
{
	struct bench *b = *state;
	struct result r;
	struct engine_reply reply = {
		.status = 429, .retry_after_s = INT64_MAX / 1000, .body = STR(""), .error = ""
	};
	engine_answer(&b->c, "make", NULL, &reply, &b->arena, &r);
	assert_int_equal(r.retry_after_ms, HOUR_MS);
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_request_is_built),
		STORY(an_operation_may_have_an_address_of_its_own),
		STORY(what_goes_into_a_url_is_encoded),
		STORY(jq_never_sees_a_secret),
		STORY(a_secret_that_is_not_there_is_named),
		STORY(the_input_is_checked_first),
		STORY(a_url_has_a_ceiling),
		STORY(an_answer_is_read),
		STORY(no_answer_is_unknown_only_if_it_left),
		STORY(a_vendor_cannot_put_us_off_for_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
