/* test_config_connectors: what a connector file may say; like:, secrets and expressions. */
#include "base/json.h"
#include "check.h"
#include "lang/jq.h"
#include "test_config_help.h"

static void what_is_right_is_read(void **state)
{
	struct room *r = *state;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct policy *p = config_policy(c);
	assert_int_equal(p->pagers_n, 1);
	assert_int_equal(p->pagers[0].secrets_n, 2);
	assert_string_equal(p->pagers[0].secrets[0].name, "TEST_PAGER"); /* inside a longer text */
	assert_true(str_is(secret_str(&p->pagers[0].secrets[0].value), "pager-secret"));
	assert_string_equal(p->pagers[0].secrets[1].name, "TEST_BODY");
	CLEANUP(buf_free) struct buf text = BUF(1 << 16);
	json_print(p->pagers[0].doc, &text);
	assert_null(strstr(buf_z(&text), "pager-secret"));
	config_free(c);
}

static void like_brings_all_but_the_input(void **state)
{
	struct room *r = *state;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct cJSON *doc = config_policy(c)->pagers[0].doc;
	const struct cJSON *close = json_get(doc, "operations.close");
	assert_string_equal(json_text_at(close, "request.method"), "POST");
	assert_string_equal(json_text_at(close, "request.path"), "/alerts");
	assert_string_equal(json_text_at(close, "kind"), "page");
	int64_t own = -1, others = -1;
	assert_true(json_int(json_get(close, "request.body"), &own));
	assert_true(json_int(json_get(doc, "operations.trigger.request.body"), &others));
	assert_true(own != others);
	assert_null(json_get(close, "input.summary"));
	assert_true(json_is_null(json_get(close, "revert")));
	assert_string_equal(jq_set_name(config_policy(c)->pagers[0].jq, (int)own),
			    "operations.close.body");
	config_free(c);
}

static void what_looks_like_a_number_is_jq_too(void **state)
{
	struct room *r = *state;
	char *text = spoil(GOOD_CONNECTOR, "when: .status >= 500", "when: true");
	r->connector = text;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct cJSON *errors = json_get(config_policy(c)->pagers[0].doc, "defaults.errors");
	int64_t n;
	assert_true(json_int(json_key(json_first(errors), "when"), &n));
	config_free(c);
	free(text);
}

/* Two of one connector: an order, names, and values and secrets of their own. */
static void several_pagers_have_an_order(void **state)
{
	struct room *r = *state;
	char *text = spoil(GOOD_SETTINGS,
			   "pager:\n  connector: pager\n  base_url: http://127.0.0.1:1/pager\n",
			   "pager:\n  - {connector: pager, base_url: \"http://127.0.0.1:1/\"}\n"
			   "  - connector: pager\n    name: pager-2\n"
			   "    base_url: http://127.0.0.1:2/\n"
			   "    secrets: {TEST_PAGER: \"${secret:TEST_SOURCE}\"}\n");
	r->settings = text;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct policy *p = config_policy(c);
	assert_int_equal(p->pagers_n, 2);
	assert_string_equal(p->pagers[0].name, "pager");
	assert_string_equal(p->pagers[1].name, "pager-2");
	assert_ptr_equal(p->pagers[0].doc, p->pagers[1].doc);
	assert_string_equal(json_text_at(p->pagers[1].config, "base_url"), "http://127.0.0.1:2/");
	assert_null(json_get(p->pagers[1].config, "secrets"));
	assert_true(str_is(secret_str(&p->pagers[0].secrets[0].value), "pager-secret"));
	assert_string_equal(p->pagers[1].secrets[0].name, "TEST_PAGER");
	assert_true(str_is(secret_str(&p->pagers[1].secrets[0].value), "source-secret"));
	assert_true(str_is(secret_str(&p->pagers[1].secrets[1].value), "body-secret"));
	config_free(c);
	free(text);
}

#define CONFIRM                                                                                    \
	"  confirm:\n    kind: lookup\n    base_url: ${config.rest_url}\n"                         \
	"    auth: {kind: bearer, value: \"${secret:TEST_REST}\"}\n"                               \
	"    input: {key: {type: string, required: true}}\n"                                       \
	"    request: {method: GET, path: /incidents, accept: text/x}\n"                           \
	"    outcome: [{when: .status == 404, is: not_found}]\n"
#define REST "  base_url: http://127.0.0.1:1/pager\n  rest_url: http://127.0.0.1:1/rest\n"

/* Without the value that its URL names an optional operation needs nothing, not even its secret. */
static void confirming_is_for_who_gives_its_url(void **state)
{
	struct room *r = *state;
	char *text = spoil(GOOD_CONNECTOR, "tests:\n", CONFIRM "tests:\n");
	char *with = spoil(GOOD_SETTINGS, "  base_url: http://127.0.0.1:1/pager\n", REST);
	r->connector = text;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	assert_false(config_policy(c)->pagers[0].confirms);
	assert_int_equal(config_policy(c)->pagers[0].secrets_n, 2);
	config_free(c);
	r->settings = with;
	c = room_load(r);
	assert_null(c); /* half of it is an error, not a bot that can't see */
	assert_non_null(strstr(r->first, "pager.yaml:27: the secret TEST_REST is missing"));
	assert_int_equal(setenv("TEST_REST", "rest-secret", 1), 0);
	c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct policy *p = config_policy(c);
	assert_true(p->pagers[0].confirms);
	assert_int_equal(p->pagers[0].secrets_n, 3);
	config_free(c);
	assert_int_equal(unsetenv("TEST_REST"), 0);
	free(with);
	with = spoil(GOOD_SETTINGS, "  base_url: http://127.0.0.1:1/pager\n",
		     "  base_url: http://127.0.0.1:1/pager\n  rest_url: ftp://x\n");
	r->settings = with;
	assert_null(room_load(r));
	assert_non_null(strstr(r->first, "securitybot.yaml:11: rest_url: "));
	free(with);
	free(text);
}

static void a_confirm_that_can_not_confirm_is_refused(void **state)
{
	static const struct spoiled table[] = {
		{ "kind: lookup", "kind: ticket", "pager.yaml:25: confirm: wanted kind: lookup" },
		{ "input: {key: {type: string, required: true}}\n    request: {method: GET",
		  "input: {kay: {type: string, required: true}}\n    request: {method: GET",
		  "pager.yaml:25: confirm: wanted kind: lookup" },
		{ "auth: {kind: bearer", "auth: {kind: baerer", "did you mean \"bearer\"?" },
		{ "accept: text/x", "accept: [x]", "accept: wanted a single value" },
		{ "base_url: ${config.rest_url}", "base_url: [x]",
		  "base_url: wanted a single value" },
	};
	struct room *r = *state;
	char *text = spoil(GOOD_CONNECTOR, "tests:\n", CONFIRM "tests:\n");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *bad = spoil(text, table[i].old, table[i].new);
		r->connector = bad;
		assert_null(room_load(r));
		if (!strstr(r->first, table[i].says))
			fail_msg("wanted \"%s\", heard \"%s\"", table[i].says, r->first);
		free(bad);
	}
	free(text);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct spoiled table[] = {
		{ "connector: pager", "connector: page",
		  "pager.yaml:1: connector: wanted pager, as the file is called" },
		{ "kind: header", "kind: hedder",
		  "pager.yaml:4: kind: unknown word \"hedder\": did you mean \"header\"?" },
		{ "name: Authorization", "name: 'A: b'", "pager.yaml:4: name: wanted the name" },
		{ "timeout: 10s", "timeout: 10h", "pager.yaml:6: timeout: wanted a span" },
		{ "  timeout: 10s", "  timeout: 10s\n  retry: {max: 3}", "unknown key \"retry\"" },
		{ "is: transient", "is: transint",
		  "pager.yaml:8: is: unknown word \"transint\": did you mean \"transient\"?" },
		{ "when: .status >= 500", "when: .status >= = 500",
		  "pager.yaml:8: defaults.errors.when:" },
		{ "kind: page\n", "kind: action\n", "trigger is missing: wanted an operation" },
		{ "kind: server_key", "kind: natural", "trigger: wanted idempotency:" },
		{ "type: string, required: true}, summary", "type: text, required: true}, summary",
		  "pager.yaml:12: type: unknown word \"text\"" },
		{ "type: array}}\n    idem", "type: array, pattern: x}}\n    idem",
		  "pager.yaml:12: unknown key \"pattern\"" },
		{ "    idempotency", "    poll: {op: x}\n    idempotency", "unknown key \"poll\"" },
		{ "method: POST", "method: SEND", "pager.yaml:15: method: unknown word \"SEND\"" },
		{ "path: /alerts, body", "path: alerts, body",
		  "pager.yaml:15: path: wanted a path that begins with /" },
		{ "body: '{alias: .input.key, note: \"new\"}'", "body: {alias: x}",
		  "pager.yaml:15: body: wanted a single value" },
		{ "note: \"new\"}'", "note: nope}'", "pager.yaml:15: operations.trigger.body:" },
		{ "op: close, input", "op: shut, input",
		  "pager.yaml:18: op: this file has no operation shut" },
		{ "like: trigger", "like: close", "pager.yaml:20: like: close is no operation" },
		{ "${secret:TEST_BODY}", "hunter ${secret:not a name}", "wanted ${secret:NAME}" },
		{ "${secret:TEST_BODY}", "${secret:TEST_NOT_THERE}",
		  "pager.yaml:14: the secret TEST_NOT_THERE is missing" },
		{ "GenieKey ${secret:TEST_PAGER}", "${config.user}",
		  "securitybot.yaml:9: user is missing: wanted a text" },
		{ "GenieKey ${secret:TEST_PAGER}", "$x",
		  "pager.yaml:4: $x: wanted ${config.NAME}" },
		{ "  - op: trigger\n    input", "  - op: triger\n    input",
		  "op: this file has no operation triger" },
		{ "expect_request", "expekt_request", "did you mean \"expect_request\"?" },
	};
	struct room *r = *state;
	expect_complaints(r, &r->connector, table, sizeof(table) / sizeof(table[0]));
}

static void its_tests_are_run_by_check(void **state)
{
	static const struct spoiled table[] = {
		{ "path: /alerts, body: {alias", "path: /x, body: {alias",
		  "pager.yaml: test 1: expected path /x, but it is /alerts" },
		{ "{alias: k, note: new", "{alias: k, note: old", "test 1: body: expected" },
		{ "input: {key: k}", "input: {kay: k}", "test 1: trigger: input.key is missing" },
	};
	struct room *r = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *text = spoil(GOOD_CONNECTOR, table[i].old, table[i].new);
		size_t run = 0;
		r->connector = text;
		struct config *c = room_load(r);
		if (!c)
			fail_msg("%s", r->first);
		size_t failed = check_connectors(c, &r->report, &run);
		config_free(c);
		if (!failed || !strstr(r->first, table[i].says))
			fail_msg("wanted \"%s\", heard \"%s\"", table[i].says, r->first);
		free(text);
	}
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, room_set_up, room_tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_right_is_read),
		STORY(like_brings_all_but_the_input),
		STORY(what_looks_like_a_number_is_jq_too),
		STORY(several_pagers_have_an_order),
		STORY(confirming_is_for_who_gives_its_url),
		STORY(a_confirm_that_can_not_confirm_is_refused),
		STORY(what_is_wrong_is_said_with_its_line),
		STORY(its_tests_are_run_by_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
