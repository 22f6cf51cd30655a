/* The sandbox is strict: what Slack refuses it refuses, with Slack's words. Tables: one row a rule.
 */
#include "test_sandbox_help.h"

/* --- transport, tokens, scopes --- */

static void calls_are_refused_as_slack_refuses_them(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *method, *http, *query, *auth, *type, *body, *error, *rule;
	} rows[] = {
		{ "auth.test", "POST", "", BOT, FORM, "", "", "" },
		{ "auth.test", "POST", "", BOT, FORM, "token=xoxb-T0SANDBOX-secret&team_id=T0SANDBOX", "", "" },
		{ "auth.test", "POST", "", "", FORM, "token=xoxb-T0SANDBOX-secret", "", "" },
		{ "auth.test", "POST", "", "", FORM, "", "not_authed", "not_authed" },
		{ "auth.test", "POST", "", "Bearer xoxb-stolen", FORM, "", "invalid_auth", "invalid_auth" },
		{ "auth.test", "POST", "", "Basic abc", FORM, "", "invalid_auth", "invalid_auth" },
		{ "auth.test", "POST", "token=xoxb-T0SANDBOX-secret", "", FORM, "", "invalid_auth", "token_in_query" },
		{ "auth.test", "POST", "", "", JSON, "{\"token\":\"xoxb-T0SANDBOX-secret\"}", "not_authed", "not_authed" },
		{ "users.info", "POST", "", APP, FORM, "user=U0ALICE01", "not_allowed_token_type", "not_allowed_token_type" },
		{ "users.info", "GET", "user=U0ALICE01&team_id=T0SANDBOX", BOT, "", "", "", "" },
		{ "users.info", "POST", "", BOT, JSON, "{\"user\":\"U0ALICE01\"}", "invalid_arguments", "json_not_accepted" },
		{ "users.info", "POST", "", BOT, FORM, "user=U0ALICE%", "invalid_form_data", "invalid_form_data" },
		{ "users.info", "POST", "", BOT, FORM, "user=U0%00", "invalid_form_data", "invalid_form_data" },
		{ "users.info", "POST", "", BOT, FORM, "user=U0NOBODY", "user_not_found", "" },
		{ "users.lookupByEmail", "POST", "", BOT, FORM, "email=alice%40duff.example", "", "" },
		{ "users.lookupByEmail", "POST", "", BOT, FORM, "email=Alice%40DUFF.example", "", "" },
		{ "users.lookupByEmail", "POST", "", BOT, FORM, "email=carol%40duff.example", "users_not_found", "" },
		{ "users.lookupByEmail", "POST", "", BOT, FORM, "email=", "invalid_arguments", "invalid_arguments" },
		{ "apps.connections.open", "POST", "", APP, FORM, "", "", "" },
		{ "apps.connections.open", "GET", "", APP, "", "", "insecure_request", "insecure_request" },
		{ "apps.connections.open", "POST", "", BOT, FORM, "", "not_allowed_token_type", "not_allowed_token_type" },
		{ "apps.connections.open", "POST", "", "", FORM, "token=xapp-1-A0SANDBOX-1-secret", "invalid_auth", "token_in_body" },
		{ "chat.postMessage", "POST", "", BOT, "text/plain", "channel=C0SECALRT", "invalid_post_type", "invalid_post_type" },
		{ "chat.postMessage", "POST", "", BOT, "", "channel=C0SECALRT", "missing_post_type", "missing_post_type" },
		{ "chat.postMessage", "POST", "", BOT, JSON, "{\"channel\":", "invalid_json", "invalid_json" },
		{ "chat.postMessage", "POST", "", BOT, JSON, "[]", "json_not_object", "json_not_object" },
		{ "reactions.add", "POST", "", BOT, FORM, "channel=C0SECALRT", "missing_scope", "missing_scope" },
		{ "conversations.open", "POST", "", BOT, FORM, "users=U0ALICE01,U0BOB0001", "missing_scope", "missing_scope" },
		{ "chat.teleport", "POST", "", BOT, FORM, "", "unknown_method", "unknown_method" },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l = lab_new(false);
		char path[64];
		(void)snprintf(path, sizeof path, "/api/%s", rows[i].method);
		struct world_request rq = { str_z(rows[i].http),  str_z(path),
					    str_z(rows[i].query), str_z(rows[i].auth),
					    str_z(rows[i].type),  str_z(rows[i].body) };
		const struct cJSON *j = http(&l, &rq);
		if (strcmp(json_text_at(j, "error"), rows[i].error) != 0)
			fail_msg("row %zu (%s): \"%s\", wanted \"%s\"", i, rows[i].method,
				 json_text_at(j, "error"), rows[i].error);
		assert_int_equal(l.last.status, 200); /* Slack says 200 to nearly all */
		assert_int_equal(json_true(json_get(j, "ok")), !*rows[i].error);
		assert_int_equal(refusals_all(&l), *rows[i].rule != 0);
		if (*rows[i].rule)
			assert_int_equal(refusals(&l, rows[i].rule), 1);
		lab_free(&l);
	}
}

static void a_missing_scope_is_named(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	verb_ok(&l, "scopes", "{\"set\":[\"users:read\"]}");
	assert_string_equal(json_text_at(api(&l, "chat.postMessage", "{}"), "error"),
			    "missing_scope");
	assert_string_equal(json_text_at(l.json, "needed"), "chat:write");
	assert_string_equal(json_text_at(l.json, "provided"), "users:read");
	form(&l, "users.info",
	     "user=U0ALICE01"); /* without users:read.email the address is not shown */
	assert_null(json_get(l.json, "user.profile.email"));
	verb_refused(&l, "scopes", "{\"set\":[\"admin\"]}");
	lab_free(&l);
}

static void charsets_are_warned_about(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	struct world_request rq = { STR("POST"), STR("/api/auth.test"),   STR(""),
				    STR(BOT),    STR("application/json"), STR("{}") };
	assert_string_equal(json_text_at(http(&l, &rq), "warning"), "missing_charset");
	assert_true(json_true(json_get(l.json, "ok")));
	rq.content_type = STR(FORM "; charset=utf-8");
	rq.body = STR("a=b");
	assert_string_equal(json_text_at(http(&l, &rq), "warning"), "superfluous_charset");
	assert_int_equal(refusals_all(&l), 0);
	lab_free(&l);
}

static void blocks_are_text_in_forms_and_arrays_in_json(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	assert_api_error(&l, "chat.postMessage",
			 "{\"channel\":\"C0SECALRT\",\"text\":\"x\",\"blocks\":\"[]\"}",
			 "invalid_blocks_format");
	assert_true(json_true(json_get(
		form(&l, "chat.postMessage",
		     "channel=C0SECALRT&text=x&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D"),
		"ok")));
	assert_string_equal(
		json_text_at(form(&l, "chat.postMessage", "channel=C0SECALRT&text=x&blocks=%5B%7B"),
			     "error"),
		"invalid_blocks_format");
	lab_free(&l);
}

/* --- Block Kit --- */

/* In the rows: $N$ stands for N letters, so that limits can be written down. */
static void spread(const char *from, char *to, size_t size)
{
	size_t n = 0;
	while (*from && n + 1 < size) {
		char *end = NULL;
		unsigned long letters = *from == '$' ? strtoul(from + 1, &end, 10) : 0;
		if (end && *end == '$') {
			for (; letters-- && n + 1 < size; n++)
				to[n] = 'x';
			from = end + 1;
		} else {
			to[n++] = *from++;
		}
	}
	to[n] = 0;
}

static void assert_blocks(const char *blocks, const char *problem)
{
	static char body[80000], wide[70000];
	struct lab l = lab_new(false);
	spread(blocks, wide, sizeof wide);
	(void)snprintf(body, sizeof body,
		       "{\"channel\":\"C0SECALRT\",\"text\":\"t\",\"blocks\":%s}", wide);
	const struct cJSON *j = api(&l, "chat.postMessage", body);
	const char *said = json_text(json_first(json_get(j, "response_metadata.messages")));
	if (!*problem && !json_true(json_get(j, "ok")))
		fail_msg("%s\nrefused: %s %s", blocks, json_text_at(j, "error"), said);
	if (*problem) {
		char wanted[300];
		(void)snprintf(wanted, sizeof wanted, "[ERROR] %s", problem);
		assert_string_equal(json_text_at(j, "error"), "invalid_blocks");
		if (strcmp(said, wanted) != 0)
			fail_msg("%s\nsaid   %s\nwanted %s", blocks, said, wanted);
		assert_string_equal(json_text(json_first(json_get(j, "errors"))), problem);
	}
	lab_free(&l);
}

#define BTN(more) "[{\"type\":\"actions\",\"elements\":[{\"type\":\"button\"," more "}]}]"
#define OK_TEXT   "\"text\":{\"type\":\"plain_text\",\"text\":\"a\"}"
#define SEL(more) "[{\"type\":\"actions\",\"elements\":[{\"type\":\"static_select\"," more "}]}]"
#define OPT(text, value)                                                                           \
	"{\"text\":{\"type\":\"plain_text\",\"text\":\"" text "\"},\"value\":\"" value "\"}"
#define RICH(leaf)                                                                                 \
	"[{\"type\":\"rich_text\",\"elements\":[{\"type\":\"rich_text_section\",\"elements\":"     \
	"[" leaf "]}]}]"

static void blocks_have_limits(void **state)
{
	(void)state;
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"$3000$\"}}]", "" },
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"$3001$\"}}]", "must be less than 3001 characters [json-pointer:/blocks/0/text/text]" },
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"\"}}]", "must be more than 0 characters [json-pointer:/blocks/0/text/text]" },
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"markdown\",\"text\":\"a\"}}]", "must be plain_text or mrkdwn [json-pointer:/blocks/0/text/type]" },
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"a\",\"emoji\":true}}]", "invalid additional property: emoji [json-pointer:/blocks/0/text/emoji]" },
		{ "[{\"type\":\"section\"}]", "missing required field: text or fields [json-pointer:/blocks/0]" },
		{ "[{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"$2000$\"}]}]", "" },
		{ "[{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"$2001$\"}]}]", "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]" },
		{ "[{\"type\":\"section\"," OK_TEXT ",\"accessory\":{\"type\":\"plain_text_input\",\"action_id\":\"a\"}}]", "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]" },
		{ "[{\"type\":\"sections\"}]", "unsupported type: sections [json-pointer:/blocks/0/type]" },
		{ "[{}]", "missing required field: type [json-pointer:/blocks/0/type]" },
		{ "[\"divider\"]", "must be an object [json-pointer:/blocks/0]" },
		{ "[{\"type\":\"divider\",\"colour\":\"red\"}]", "invalid additional property: colour [json-pointer:/blocks/0/colour]" },
		{ "[{\"type\":\"divider\",\"block_id\":\"$255$\"}]", "" },
		{ "[{\"type\":\"divider\",\"block_id\":\"$256$\"}]", "must be less than 256 characters [json-pointer:/blocks/0/block_id]" },
		{ "[{\"type\":\"divider\",\"block_id\":\"a\"},{\"type\":\"divider\",\"block_id\":\"a\"}]", "`block_id` \"a\" already exists [json-pointer:/blocks/1]" },
		{ "[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"$150$\"}}]", "" },
		{ "[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"$151$\"}}]", "must be less than 151 characters [json-pointer:/blocks/0/text/text]" },
		{ "[{\"type\":\"header\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"a\"}}]", "must be plain_text [json-pointer:/blocks/0/text/type]" },
		{ "[{\"type\":\"context\",\"elements\":[]}]", "must have at least 1 items [json-pointer:/blocks/0/elements]" },
		{ "[{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":\"a\"},{\"type\":\"button\"}]}]", "unsupported type: button [json-pointer:/blocks/0/elements/1/type]" },
		{ BTN(OK_TEXT ",\"action_id\":\"a\",\"value\":\"$2000$\",\"style\":\"danger\""), "" },
		{ BTN(OK_TEXT ",\"value\":\"$2001$\""), "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]" },
		{ BTN(OK_TEXT ",\"style\":\"default\""), "must be one of: primary danger [json-pointer:/blocks/0/elements/0/style]" },
		{ BTN("\"text\":{\"type\":\"plain_text\",\"text\":\"$75$\"}"), "" },
		{ BTN("\"text\":{\"type\":\"plain_text\",\"text\":\"$76$\"}"), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]" },
		{ BTN("\"text\":{\"type\":\"mrkdwn\",\"text\":\"a\"}"), "must be plain_text [json-pointer:/blocks/0/elements/0/text/type]" },
		{ BTN("\"action_id\":\"a\""), "missing required field: text [json-pointer:/blocks/0/elements/0]" },
		{ BTN(OK_TEXT ",\"confirm\":{\"title\":{\"type\":\"plain_text\",\"text\":\"$101$\"}}"), "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]" },
		{ "[{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"action_id\":\"a\"," OK_TEXT "},{\"type\":\"button\",\"action_id\":\"a\"," OK_TEXT "}]}]", "`action_id` \"a\" already exists [json-pointer:/blocks/0/elements/1]" },
		{ SEL("\"options\":[" OPT("a", "b") "]"), "" },
		{ SEL("\"options\":[" OPT("$76$", "b") "]"), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]" },
		{ SEL("\"options\":[" OPT("a", "$151$") "]"), "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]" },
		{ SEL("\"action_id\":\"a\""), "exactly one of options, option_groups is required [json-pointer:/blocks/0/elements/0]" },
		{ "[{\"type\":\"image\",\"image_url\":\"https://a.example/b.png\"}]", "missing required field: alt_text [json-pointer:/blocks/0]" },
		{ RICH("{\"type\":\"text\",\"text\":\"a\",\"style\":{\"bold\":true}}"), "" },
		{ RICH("{\"type\":\"text\",\"text\":\"\"}"), "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]" },
		{ RICH("{\"type\":\"text\",\"text\":\"a\",\"style\":{\"huge\":true}}"), "invalid additional property: huge [json-pointer:/blocks/0/elements/0/elements/0/style]" },
		{ RICH("{\"type\":\"broadcast\",\"range\":\"all\"}"), "must be one of: here channel everyone [json-pointer:/blocks/0/elements/0/elements/0/range]" },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_blocks(rows[i][0], rows[i][1]);
}

/* Lengths are code points, not bytes. */
static void umlauts_count_once(void **state)
{
	char blocks[1024] = "[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"";
	size_t n = strlen(blocks);
	(void)state;
	for (int i = 0; i < 150; i++, n += 2)
		memcpy(blocks + n, "\xc3\xa4", 3);
	(void)snprintf(blocks + n, sizeof blocks - n, "\"}}]");
	assert_blocks(blocks, "");
}

static void a_message_holds_fifty_blocks_and_a_home_a_hundred(void **state)
{
	static char body[8192];
	(void)state;
	static const struct {
		const char *head, *method;
		int blocks;
		bool is_fine;
	} rows[] = { { "{\"channel\":\"C0SECALRT\",\"text\":\"t\",\"blocks\":[", "chat.postMessage",
		       50, true },
		     { "{\"channel\":\"C0SECALRT\",\"text\":\"t\",\"blocks\":[", "chat.postMessage",
		       51, false },
		     { "{\"user_id\":\"U0ALICE01\",\"view\":{\"type\":\"home\",\"blocks\":[",
		       "views.publish", 100, true },
		     { "{\"user_id\":\"U0ALICE01\",\"view\":{\"type\":\"home\",\"blocks\":[",
		       "views.publish", 101, false } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l = lab_new(false);
		size_t n = (size_t)snprintf(body, sizeof body, "%s", rows[i].head);
		for (int k = 0; k < rows[i].blocks; k++)
			n += (size_t)snprintf(body + n, sizeof body - n, "%s{\"type\":\"divider\"}",
					      k ? "," : "");
		(void)snprintf(body + n, sizeof body - n, "]%s}",
			       rows[i].method[0] == 'v' ? "}" : "");
		assert_int_equal(json_true(json_get(api(&l, rows[i].method, body), "ok")),
				 rows[i].is_fine);
		lab_free(&l);
	}
}

/* --- views --- */

static void views_have_limits(void **state)
{
	(void)state;
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "{\"type\":\"home\",\"blocks\":[]}", "" },
		{ "{\"type\":\"home\",\"blocks\":[],\"private_metadata\":\"$3000$\"}", "" },
		{ "{\"type\":\"home\",\"blocks\":[],\"private_metadata\":\"$3001$\"}", "must be less than 3001 characters [json-pointer:/view/private_metadata]" },
		{ "{\"type\":\"home\",\"blocks\":[],\"callback_id\":\"$256$\"}", "must be less than 256 characters [json-pointer:/view/callback_id]" },
		{ "{\"type\":\"home\",\"blocks\":[],\"title\":{\"type\":\"plain_text\",\"text\":\"a\"}}", "invalid additional property: title [json-pointer:/view/title]" },
		{ "{\"type\":\"home\",\"blocks\":[{\"type\":\"sections\"}]}", "unsupported type: sections [json-pointer:/view/blocks/0/type]" },
		{ "{\"type\":\"home\",\"blocks\":[{\"type\":\"markdown\",\"text\":\"a\"}]}", "unsupported type: markdown [json-pointer:/view/blocks/0/type]" },
		{ "{\"type\":\"home\"}", "missing required field: blocks [json-pointer:/view]" },
		{ "{\"type\":\"modal\",\"blocks\":[]}", "missing required field: title [json-pointer:/view]" },
		{ "{\"type\":\"modal\",\"blocks\":[],\"title\":{\"type\":\"plain_text\",\"text\":\"$25$\"}}", "must be less than 25 characters [json-pointer:/view/title/text]" },
		{ "{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":\"a\"},\"blocks\":[{\"type\":\"input\",\"label\":{\"type\":\"plain_text\",\"text\":\"a\"},\"element\":{\"type\":\"plain_text_input\"}}]}", "missing required field: submit [json-pointer:/view]" },
		{ "{\"type\":\"modal\",\"title\":{\"type\":\"plain_text\",\"text\":\"a\"},\"blocks\":[{\"type\":\"input\",\"label\":{\"type\":\"plain_text\",\"text\":\"a\"},\"element\":{\"type\":\"plain_text_input\",\"max_length\":3001}}]}", "must be between 1 and 3000 [json-pointer:/view/blocks/0/element/max_length]" },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static char wide[8192], body[9000];
		char wanted[300];
		struct lab l = lab_new(false);
		spread(rows[i][0], wide, sizeof wide);
		(void)snprintf(body, sizeof body, "{\"user_id\":\"U0ALICE01\",\"view\":%s}", wide);
		const struct cJSON *j = api(&l, "views.publish", body);
		const char *said = json_text(json_first(json_get(j, "response_metadata.messages")));
		(void)snprintf(wanted, sizeof wanted, "%s%s", *rows[i][1] ? "[ERROR] " : "",
			       rows[i][1]);
		assert_string_equal(json_text_at(j, "error"),
				    *rows[i][1] ? "invalid_arguments" : "");
		assert_string_equal(said, wanted);
		lab_free(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_refused_as_slack_refuses_them),
		cmocka_unit_test(a_missing_scope_is_named),
		cmocka_unit_test(charsets_are_warned_about),
		cmocka_unit_test(blocks_are_text_in_forms_and_arrays_in_json),
		cmocka_unit_test(blocks_have_limits),
		cmocka_unit_test(umlauts_count_once),
		cmocka_unit_test(a_message_holds_fifty_blocks_and_a_home_a_hundred),
		cmocka_unit_test(views_have_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
