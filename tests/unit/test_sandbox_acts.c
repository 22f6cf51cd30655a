/* What people do in the sandbox and what the bot may do in return: buttons, modals, commands,
 * response URLs. */
#include "test_sandbox_help.h"

#define VIEW                                                                                       \
	"{\"type\":\"modal\",\"callback_id\":\"m\",\"notify_on_close\":true,\"title\":{\"type\":"  \
	"\"plain_text\",\"text\":\"T\"},"                                                          \
	"\"submit\":{\"type\":\"plain_text\",\"text\":\"Go\"},\"blocks\":[{\"type\":\"input\","    \
	"\"block_id\":\"why\","                                                                    \
	"\"label\":{\"type\":\"plain_text\",\"text\":\"Why\"},\"element\":{\"type\":\"plain_text_" \
	"input\","                                                                                 \
	"\"action_id\":\"text\",\"max_length\":10}}]}"

static char ts[32]; /* of the question below */

static struct lab
asked(void) /* a bot on line; Alice has a question with two buttons; Bob has none */
{
	struct lab l = lab_new(false);
	dial_up(&l);
	assert_api_ok(&l, "chat.postMessage",
		      "{\"channel\":\"U0ALICE01\",\"text\":\"Was it "
		      "you?\",\"metadata\":{\"event_type\":\"sb\","
		      "\"event_payload\":{\"dedup_id\":\"q1\"}},\"blocks\":[{\"type\":\"actions\","
		      "\"block_id\":\"b\","
		      "\"elements\":[{\"type\":\"button\",\"action_id\":\"yes\",\"value\":"
		      "\"inquiry:1:mac\","
		      "\"text\":{\"type\":\"plain_text\",\"text\":\"Yes\"}},{\"type\":\"button\","
		      "\"action_id\":\"no\","
		      "\"text\":{\"type\":\"plain_text\",\"text\":\"No\"}}]}]}");
	(void)snprintf(ts, sizeof ts, "%.31s", json_text_at(l.json, "ts"));
	return l;
}

static void click(struct lab *l, const char *more)
{
	char args[512];
	(void)snprintf(args, sizeof args,
		       "{\"user\":\"U0ALICE01\",\"channel\":\"D0ALICE01\",\"ts\":\"%s\"%s}", ts,
		       more);
	verb_ok(l, "click", args);
	assert_true(next_frame(l));
}

static size_t stands(struct lab *l, const char *list) /* how many of state's LIST */
{
	struct cJSON *st = verb(l, "state", "{}");
	size_t n = json_count(json_get(st, list));
	json_free(st);
	return n;
}

static void a_click_carries_what_slack_would_send(void **state)
{
	struct lab l = asked();
	(void)state;
	click(&l, ",\"action_id\":\"yes\"");
	struct cJSON *j = json_parse(str_z(l.frame), NULL);
	assert_string_equal(json_text_at(j, "type"), "interactive");
	assert_false(json_true(json_get(j, "accepts_response_payload")));
	assert_null(json_get(j, "retry_attempt"));
	const struct cJSON *p = json_get(j, "payload"), *a = json_at(json_get(p, "actions"), 0);
	assert_string_equal(json_text_at(p, "type"), "block_actions");
	assert_string_equal(json_text_at(p, "user.id"), "U0ALICE01");
	assert_string_equal(json_text_at(p, "team.id"), "T0SANDBOX");
	assert_string_equal(json_text_at(p, "api_app_id"), "A0SANDBOX");
	assert_string_equal(json_text_at(p, "container.message_ts"), ts);
	assert_string_equal(json_text_at(p, "channel.name"), "directmessage");
	assert_string_equal(json_text_at(p, "message.metadata.event_payload.dedup_id"), "q1");
	assert_string_equal(json_text_at(a, "action_id"), "yes");
	assert_string_equal(json_text_at(a, "block_id"), "b");
	assert_string_equal(json_text_at(a, "value"), "inquiry:1:mac");
	assert_true(*json_text_at(p, "trigger_id") && *json_text_at(p, "response_url") &&
		    *json_text_at(a, "action_ts"));
	json_free(j);
	lab_free(&l);
}

static void only_buttons_that_stand_there_can_be_pressed(void **state)
{
	struct lab l = asked();
	char args[256];
	(void)state;
	/* clang-format off */
	static const char *const refused[] = {
		"{\"user\":\"U0ALICE01\",\"channel\":\"D0ALICE01\",\"ts\":\"%s\",\"action_id\":\"maybe\"}",
		"{\"user\":\"U0BOB0001\",\"channel\":\"D0ALICE01\",\"ts\":\"%s\",\"action_id\":\"yes\"}",
		"{\"user\":\"U0CAROL01\",\"channel\":\"D0ALICE01\",\"ts\":\"%s\",\"action_id\":\"yes\"}",
		"{\"user\":\"U0ALICE01\",\"channel\":\"D0ALICE01\",\"ts\":\"1%s\",\"action_id\":\"yes\"}",
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const char *mark = strstr(refused[i], "%s");
		(void)snprintf(args, sizeof args, "%.*s%s%s", (int)(mark - refused[i]), refused[i],
			       ts, mark + 2);
		verb_refused(&l, "click", args);
	}
	click(&l, ",\"action_id\":\"yes\",\"value\":\"inquiry:2:forged\"");
	assert_non_null(strstr(l.frame, "inquiry:2:forged"));
	click(&l, ",\"action_id\":\"maybe\",\"force\":true,\"value\":\"old\"");
	assert_string_equal(framed(&l, "payload.type"), "block_actions");
	lab_free(&l);
}

static void a_trigger_lives_three_seconds_and_once(void **state)
{
	struct lab l = asked();
	char body[1024];
	(void)state;
	click(&l, ",\"action_id\":\"yes\"");
	(void)snprintf(body, sizeof body, "{\"trigger_id\":\"%.60s\",\"view\":" VIEW "}",
		       framed(&l, "payload.trigger_id"));
	l.now_ms += 3000;
	assert_api_ok(&l, "views.open", body);
	assert_api_error(&l, "views.open", body, "exchanged_trigger_id");
	click(&l, ",\"action_id\":\"yes\"");
	(void)snprintf(body, sizeof body, "{\"trigger_id\":\"%.60s\",\"view\":" VIEW "}",
		       framed(&l, "payload.trigger_id"));
	l.now_ms += 3001;
	assert_api_error(&l, "views.open", body, "expired_trigger_id");
	assert_api_error(&l, "views.open", "{\"trigger_id\":\"1.2.guess\",\"view\":" VIEW "}",
			 "invalid_trigger_id");
	lab_free(&l);
}

static char view_id[32], hash[64];

static struct lab modal(void) /* asked(), and Alice has the modal open */
{
	struct lab l = asked();
	char body[1024];
	click(&l, ",\"action_id\":\"yes\"");
	(void)snprintf(body, sizeof body, "{\"trigger_id\":\"%.60s\",\"view\":" VIEW "}",
		       framed(&l, "payload.trigger_id"));
	assert_api_ok(&l, "views.open", body);
	(void)snprintf(view_id, sizeof view_id, "%.31s", json_text_at(l.json, "view.id"));
	(void)snprintf(hash, sizeof hash, "%.63s", json_text_at(l.json, "view.hash"));
	return l;
}

static void submit(struct lab *l, const char *text)
{
	char args[256];
	(void)snprintf(args, sizeof args,
		       "{\"user\":\"U0ALICE01\",\"view_id\":\"%s\",\"values\":{\"why\":{\"text\":"
		       "\"%s\"}}}",
		       view_id, text);
	verb_ok(l, "submit", args);
	assert_true(next_frame(l));
}

static void a_submission_is_settled_by_its_ack(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *payload, *rule;
		size_t views;
	} rows[] = {
		{ NULL, "", 0 },
		{ "{}", "", 0 },
		{ "{\"response_action\":\"clear\"}", "", 0 },
		{ "{\"response_action\":\"errors\",\"errors\":{\"why\":\"say more\"}}", "", 1 },
		{ "{\"response_action\":\"errors\",\"errors\":{\"whence\":\"?\"}}", "ack_errors_unknown_block", 1 },
		{ "{\"response_action\":\"update\",\"view\":" VIEW "}", "", 1 },
		{ "{\"response_action\":\"push\",\"view\":" VIEW "}", "", 2 },
		{ "{\"response_action\":\"update\",\"view\":{\"type\":\"modal\"}}", "ack_view_invalid", 1 },
		{ "{\"response_action\":\"explode\"}", "ack_response_action_unknown", 1 },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l = modal();
		submit(&l, "lunch");
		assert_non_null(
			strstr(l.frame, "\"values\":{\"why\":{\"text\":{\"value\":\"lunch\""));
		ack(&l, 1, rows[i].payload);
		assert_int_equal(stands(&l, "views"), rows[i].views);
		assert_int_equal(refusals_all(&l), *rows[i].rule != 0);
		assert_int_equal(refusals(&l, rows[i].rule), *rows[i].rule != 0);
		assert_int_equal(stands(&l, "troubles"),
				 *rows[i].rule != 0); /* Alice sees it fail */
		lab_free(&l);
	}
}

static void slacks_client_checks_the_inputs_itself(void **state)
{
	struct lab l = modal();
	char args[256];
	(void)state;
	static const char *const values[] = { "{}", "{\"why\":{\"text\":\"eleven char\"}}",
					      "{\"who\":{\"text\":\"x\"}}" };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		(void)snprintf(args, sizeof args,
			       "{\"user\":\"U0ALICE01\",\"view_id\":\"%s\",\"values\":%s}", view_id,
			       values[i]);
		verb_refused(&l, "submit", args);
	}
	(void)snprintf(args, sizeof args, "{\"user\":\"U0BOB0001\",\"view_id\":\"%s\"}", view_id);
	verb_refused(&l, "submit", args);
	(void)snprintf(args, sizeof args, "{\"user\":\"U0ALICE01\",\"view_id\":\"%s\"}", view_id);
	verb_ok(&l, "close_view", args);
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.type"), "view_closed");
	assert_int_equal(stands(&l, "views"), 0);
	lab_free(&l);
}

static void an_old_hash_is_a_conflict(void **state)
{
	struct lab l = modal();
	char body[1024];
	(void)state;
	(void)snprintf(body, sizeof body, "{\"view_id\":\"%s\",\"hash\":\"%s\",\"view\":" VIEW "}",
		       view_id, hash);
	assert_api_ok(&l, "views.update", body);
	assert_api_error(&l, "views.update", body, "hash_conflict");
	assert_api_error(&l, "views.update", "{\"view_id\":\"V0\",\"view\":" VIEW "}", "not_found");
	assert_api_ok(&l, "views.publish",
		      "{\"user_id\":\"U0BOB0001\",\"view\":{\"type\":\"home\",\"blocks\":[]}}");
	assert_api_error(&l, "views.publish",
			 "{\"user_id\":\"U0BOB0001\",\"hash\":\"1.x\",\"view\":{\"type\":\"home\","
			 "\"blocks\":[]}}",
			 "hash_conflict");
	lab_free(&l);
}

static void modals_stack_three_high(void **state)
{
	struct lab l = modal();
	char body[1024];
	(void)state;
	for (int depth = 2; depth <= 4; depth++) {
		submit(&l, "deeper");
		(void)snprintf(body, sizeof body, "{\"trigger_id\":\"%.60s\",\"view\":" VIEW "}",
			       framed(&l, "payload.trigger_id"));
		const struct cJSON *j = api(&l, "views.push", body);
		assert_string_equal(json_text_at(j, "error"),
				    depth < 4 ? "" : "push_limit_reached");
		if (depth < 4)
			(void)snprintf(view_id, sizeof view_id, "%.31s",
				       json_text_at(j, "view.id"));
	}
	lab_free(&l);
}

static int respond(struct lab *l, const char *path, const char *body)
{
	struct world_request rq = { STR("POST"), str_z(path), STR(""),
				    STR(""),     STR(JSON),   str_z(body) };
	http(l, &rq);
	return l->last.status;
}

static void a_response_url_serves_five_posts_in_half_an_hour(void **state)
{
	struct lab l = asked();
	char path[128];
	(void)state;
	click(&l, ",\"action_id\":\"yes\"");
	(void)snprintf(path, sizeof path, "%.127s",
		       strstr(framed(&l, "payload.response_url"), "/response/"));
	assert_int_equal(respond(&l, path, "{\"replace_original\":true,\"text\":\"Thanks\"}"), 200);
	assert_true(str_is(buf_str(&l.last.body), "ok"));
	form(&l, "conversations.history", "channel=D0ALICE01");
	assert_string_equal(json_text_at(json_at(json_get(l.json, "messages"), 0), "text"),
			    "Thanks");
	assert_int_equal(json_count(json_get(json_at(json_get(l.json, "messages"), 0), "blocks")),
			 0);
	assert_int_equal(respond(&l, path, "{\"text\":\"only you see this\"}"), 200);
	assert_int_equal(stands(&l, "ephemerals"), 1);
	assert_int_equal(respond(&l, path, "{\"text\":\"\"}"), 400);
	assert_int_equal(
		respond(&l, path, "{\"response_type\":\"in_channel\",\"text\":\"all see this\"}"),
		200);
	assert_int_equal(respond(&l, path, "{\"delete_original\":true}"), 200);
	form(&l, "conversations.history", "channel=D0ALICE01");
	assert_int_equal(json_count(json_get(l.json, "messages")), 1);
	assert_int_equal(respond(&l, path, "{\"text\":\"a sixth\"}"), 404);
	assert_string_equal(json_text_at(l.json, "error"), "used_url");
	click(&l, ",\"action_id\":\"yes\",\"force\":true");
	(void)snprintf(path, sizeof path, "%.127s",
		       strstr(framed(&l, "payload.response_url"), "/response/"));
	l.now_ms += 30 * MINUTE_MS + 1;
	assert_int_equal(respond(&l, path, "{\"text\":\"late\"}"), 404);
	assert_string_equal(json_text_at(l.json, "error"), "expired_url");
	assert_int_equal(respond(&l, "/response/actions/guess", "{\"text\":\"x\"}"), 404);
	lab_free(&l);
}

static void a_command_is_answered_in_its_ack(void **state)
{
	struct lab l = asked();
	(void)state;
	verb_ok(&l, "slash",
		"{\"user\":\"U0ALICE01\",\"channel\":\"C0SECALRT\",\"text\":\"show @bob <1>\"}");
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "type"), "slash_commands");
	assert_string_equal(framed(&l, "payload.command"), "/securitybot");
	assert_string_equal(framed(&l, "payload.text"), "show <@U0BOB0001|bob> &lt;1&gt;");
	assert_string_equal(framed(&l, "payload.channel_name"), "security-alerts");
	assert_string_equal(framed(&l, "payload.is_enterprise_install"), "false");
	ack(&l, 1, "{\"text\":\"for you\"}");
	verb_ok(&l, "slash", "{\"user\":\"U0ALICE01\",\"channel\":\"C0SECALRT\",\"text\":\"x\"}");
	assert_true(next_frame(&l));
	ack(&l, 1, "{\"text\":\"for all\",\"response_type\":\"in_channel\"}");
	verb_ok(&l, "slash", "{\"user\":\"U0ALICE01\",\"channel\":\"C0SECALRT\",\"text\":\"x\"}");
	assert_true(next_frame(&l));
	ack(&l, 1, "{\"text\":\"x\",\"blocks\":[{\"type\":\"sections\"}]}");
	assert_int_equal(stands(&l, "ephemerals"), 1);
	form(&l, "conversations.history", "channel=C0SECALRT");
	assert_int_equal(json_count(json_get(l.json, "messages")), 1);
	assert_int_equal(refusals(&l, "invalid_blocks"), 1);
	verb_refused(
		&l, "slash",
		"{\"user\":\"U0BOB0001\",\"channel\":\"C0SECALRT\",\"text\":\"not my channel\"}");
	lab_free(&l);
}

static void the_bot_hears_its_direct_messages_and_its_name(void **state)
{
	struct lab l = asked();
	(void)state;
	verb_ok(&l, "say", "{\"user\":\"U0BOB0001\",\"text\":\"a < b & c\"}");
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.event.type"), "message");
	assert_string_equal(framed(&l, "payload.event.channel_type"), "im");
	assert_string_equal(framed(&l, "payload.event.text"), "a &lt; b &amp; c");
	verb_ok(&l, "say",
		"{\"user\":\"U0ALICE01\",\"channel\":\"C0SECALRT\",\"text\":\"lunch?\"}");
	assert_false(next_frame(&l));
	verb_ok(&l, "say",
		"{\"user\":\"U0ALICE01\",\"channel\":\"C0SECALRT\",\"text\":\"@securitybot hi\"}");
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.event.type"), "app_mention");
	assert_string_equal(framed(&l, "payload.event.text"), "<@U0SECBOT1> hi");
	assert_api_ok(&l, "chat.postMessage", "{\"channel\":\"D0BOB0001\",\"text\":\"x\"}");
	assert_false(next_frame(&l)); /* its own words only if asked for */
	verb_ok(&l, "echo", "{\"on\":true}");
	assert_api_ok(&l, "chat.postMessage", "{\"channel\":\"D0BOB0001\",\"text\":\"x\"}");
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.event.bot_id"), "B0SECBOT1");
	lab_free(&l);
}

static void people_come_and_change(void **state)
{
	struct lab l = asked();
	(void)state;
	verb_ok(&l, "person",
		"{\"id\":\"U0NEW0001\",\"name\":\"nina\",\"email\":\"nina@duff.example\"}");
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.event.type"), "team_join");
	assert_true(json_true(
		json_get(form(&l, "users.lookupByEmail", "email=nina%40duff.example"), "ok")));
	verb_ok(&l, "person", "{\"id\":\"U0NEW0001\",\"deleted\":true}");
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.event.type"), "user_change");
	assert_string_equal(
		json_text_at(form(&l, "users.lookupByEmail", "email=nina%40duff.example"), "error"),
		"users_not_found");
	verb_refused(&l, "person", "{\"id\":\"bob\"}");
	lab_free(&l);
}

static void ephemerals_are_for_people_in_the_channel(void **state)
{
	struct lab l = asked();
	char args[256];
	(void)state;
	assert_api_error(&l, "chat.postEphemeral",
			 "{\"channel\":\"C0SECALRT\",\"user\":\"U0BOB0001\",\"text\":\"x\"}",
			 "user_not_in_channel");
	assert_api_ok(&l, "chat.postEphemeral",
		      "{\"channel\":\"C0SECALRT\",\"user\":\"U0ALICE01\",\"text\":\"x\",\"blocks\":"
		      "[{\"type\":\"actions\",\"elements\":"
		      "[{\"type\":\"button\",\"action_id\":\"go\",\"text\":{\"type\":\"plain_"
		      "text\",\"text\":\"Go\"}}]}]}");
	const char *at = json_text_at(l.json, "message_ts");
	(void)snprintf(args, sizeof args,
		       "{\"user\":\"U0DANA001\",\"channel\":\"C0SECALRT\",\"ts\":\"%s\",\"action_"
		       "id\":\"go\"}",
		       at);
	verb_refused(&l, "click", args); /* Dana does not see it */
	(void)snprintf(args, sizeof args,
		       "{\"user\":\"U0ALICE01\",\"channel\":\"C0SECALRT\",\"ts\":\"%s\",\"action_"
		       "id\":\"go\"}",
		       at);
	verb_ok(&l, "click", args);
	assert_true(next_frame(&l));
	assert_non_null(strstr(l.frame, "\"is_ephemeral\":true"));
	assert_null(strstr(l.frame, "\"message\":{"));
	lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_click_carries_what_slack_would_send),
		cmocka_unit_test(only_buttons_that_stand_there_can_be_pressed),
		cmocka_unit_test(a_trigger_lives_three_seconds_and_once),
		cmocka_unit_test(a_submission_is_settled_by_its_ack),
		cmocka_unit_test(slacks_client_checks_the_inputs_itself),
		cmocka_unit_test(an_old_hash_is_a_conflict),
		cmocka_unit_test(modals_stack_three_high),
		cmocka_unit_test(a_response_url_serves_five_posts_in_half_an_hour),
		cmocka_unit_test(a_command_is_answered_in_its_ack),
		cmocka_unit_test(the_bot_hears_its_direct_messages_and_its_name),
		cmocka_unit_test(people_come_and_change),
		cmocka_unit_test(ephemerals_are_for_people_in_the_channel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
