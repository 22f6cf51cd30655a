/* The sandbox's messages: where they may go, metadata, doubles, edits, threads, reading back, pace;
 * and faults. */
#include "test_sandbox_help.h"

static const struct cJSON *post(struct lab *l, const char *more)
{
	char body[2048];
	(void)snprintf(body, sizeof body, "{\"channel\":\"C0SECALRT\",\"text\":\"t\"%s%s}",
		       *more ? "," : "", more);
	return api(l, "chat.postMessage", body);
}

static void history(struct lab *l, const char *more)
{
	char body[512];
	(void)snprintf(body, sizeof body, "channel=C0SECALRT%s", more);
	form(l, "conversations.history", body);
	assert_true(json_true(json_get(l->json, "ok")));
}

static void a_message_goes_where_the_bot_may_speak(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	/* clang-format off */
	static const char *const rows[][2] = {
		{ "C0SECALRT", "" }, { "#security-alerts", "" },
		{ "C0GENERAL", "not_in_channel" },
		{ "C0NOWHERE", "channel_not_found" },
		{ "D0ALICE01", "channel_not_found" }, /* nobody opened it */
		{ "U0SECBOT1", "cannot_dm_bot" },
		{ "U0CAROL01", "channel_not_found" }, /* deactivated */
		{ "U0BOB0001", "" },
		{ "C0OLD0001", "is_archived" }, { "C0READ001", "restricted_action_read_only_channel" },
		{ "C0SECRET1", "channel_not_found" }, /* private, and the bot is not in it */
	};
	/* clang-format on */
	verb_ok(&l, "channel",
		"{\"id\":\"C0OLD0001\",\"is_archived\":true,\"members\":[\"U0SECBOT1\"]}");
	verb_ok(&l, "channel",
		"{\"id\":\"C0READ001\",\"is_read_only\":true,\"members\":[\"U0SECBOT1\"]}");
	verb_ok(&l, "channel",
		"{\"id\":\"C0SECRET1\",\"is_private\":true,\"members\":[\"U0ALICE01\"]}");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[128];
		(void)snprintf(body, sizeof body, "{\"channel\":\"%s\",\"text\":\"t\"}",
			       rows[i][0]);
		const struct cJSON *j = api(&l, "chat.postMessage", body);
		if (strcmp(json_text_at(j, "error"), rows[i][1]) != 0)
			fail_msg("%s: %s", rows[i][0], json_text_at(j, "error"));
	}
	form(&l, "conversations.open", "users=U0ALICE01");
	assert_string_equal(json_text_at(l.json, "channel.id"), "D0ALICE01");
	assert_api_ok(&l, "chat.postMessage",
		      "{\"channel\":\"D0ALICE01\",\"text\":\"now it is open\"}");
	assert_string_equal(
		json_text_at(form(&l, "conversations.open", "users=U0CAROL01"), "error"),
		"user_disabled");
	assert_string_equal(
		json_text_at(form(&l, "conversations.open", "users=U0SECBOT1"), "error"),
		"cannot_dm_bot");
	assert_string_equal(json_text_at(form(&l, "conversations.open", "users=U0NOBODY"), "error"),
			    "user_not_found");
	assert_string_equal(json_text_at(form(&l, "conversations.open", ""), "error"),
			    "users_list_not_supplied");
	lab_free(&l);
}

static void content_is_judged(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	assert_api_error(&l, "chat.postMessage", "{\"channel\":\"C0SECALRT\"}", "no_text");
	assert_api_error(&l, "chat.postMessage", "{\"channel\":\"C0SECALRT\",\"blocks\":[]}",
			 "no_text");
	assert_string_equal(json_text_at(post(&l, "\"thread_ts\":\"soon\""), "error"),
			    "invalid_thread_ts");
	assert_string_equal(json_text_at(post(&l, "\"thread_ts\":\"1.000000\""), "error"),
			    "thread_not_found");
	assert_string_equal(json_text_at(post(&l, "\"markdown_text\":\"x\""), "error"),
			    "markdown_text_conflict");
	/* clang-format off */
	static const char *const metadata[][2] = {
		{ "{\"event_type\":\"sb_alert\",\"event_payload\":{\"dedup_id\":\"d\",\"rev\":2,\"more\":{\"a\":1},\"list\":[1]}}", "" },
		{ "{\"event_type\":\"sb_alert\"}", "invalid_metadata_format" },
		{ "{\"event_type\":\"sb_alert\",\"event_payload\":\"d\"}", "invalid_metadata_format" },
		{ "{\"event_type\":\"sb-alert\",\"event_payload\":{}}", "invalid_metadata_schema" },
		{ "{\"event_type\":\"a\",\"event_payload\":{\"deep\":{\"er\":{\"est\":1}}}}", "invalid_metadata_schema" },
		{ "\"event_type\"", "invalid_metadata_format" },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
		char more[256];
		(void)snprintf(more, sizeof more, "\"metadata\":%s", metadata[i][0]);
		assert_string_equal(json_text_at(post(&l, more), "error"), metadata[i][1]);
	}
	static char body[6000];
	(void)snprintf(body, sizeof body,
		       "{\"channel\":\"C0SECALRT\",\"text\":\"t\",\"metadata\":{\"event_type\":"
		       "\"a\",\"event_payload\":{\"x\":\"%*s\"}}}",
		       4096, "x");
	assert_api_error(&l, "chat.postMessage", body, "metadata_too_large");
	lab_free(&l);
}

static void metadata_comes_back_whole_only_when_asked(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	post(&l, "\"metadata\":{\"event_type\":\"sb\",\"event_payload\":{\"dedup_id\":\"d-1\"}}");
	history(&l, "");
	const struct cJSON *m = json_at(json_get(l.json, "messages"), 0);
	assert_string_equal(json_text_at(m, "metadata.event_type"), "sb");
	assert_null(json_get(m, "metadata.event_payload"));
	history(&l, "&include_all_metadata=true");
	m = json_at(json_get(l.json, "messages"), 0);
	assert_string_equal(json_text_at(m, "metadata.event_payload.dedup_id"), "d-1");
	struct cJSON *ledger = verb(&l, "ledger", "{}");
	const struct cJSON *row = json_at(json_get(ledger, "calls"), 0);
	assert_string_equal(json_text_at(row, "marker"), "d-1");
	assert_string_equal(json_text_at(row, "channel"), "C0SECALRT");
	assert_true(*json_text_at(row, "ts"));
	json_free(ledger);
	lab_free(&l);
}

static void the_same_client_msg_id_is_the_same_message(void **state)
{
	struct lab l = lab_new(false);
	char ts[32], body[128];
	(void)state;
	post(&l, "\"client_msg_id\":\"7b1c\"");
	(void)snprintf(ts, sizeof ts, "%s", json_text_at(l.json, "ts"));
	post(&l, "\"client_msg_id\":\"7b1c\"");
	assert_string_equal(json_text_at(l.json, "ts"), ts);
	assert_true(json_true(json_get(l.json, "is_duplicate")));
	(void)snprintf(body, sizeof body, "{\"channel\":\"C0SECALRT\",\"ts\":\"%s\"}", ts);
	assert_api_ok(&l, "chat.delete", body);
	assert_string_equal(json_text_at(post(&l, "\"client_msg_id\":\"7b1c\""), "error"),
			    "duplicate_message_not_found");
	verb_ok(&l, "dedupe", "{\"on\":false}");
	post(&l, "\"client_msg_id\":\"7b1c\"");
	assert_string_not_equal(json_text_at(l.json, "ts"), ts);
	history(&l, "");
	assert_int_equal(json_count(json_get(l.json, "messages")), 1);
	lab_free(&l);
}

static void an_edit_keeps_what_it_does_not_name(void **state)
{
	struct lab l = lab_new(false);
	char ts[32], body[512];
	(void)state;
	post(&l, "\"blocks\":[{\"type\":\"divider\"}],\"metadata\":{\"event_type\":\"sb\",\"event_"
		 "payload\":{\"id\":\"1\"}}");
	(void)snprintf(ts, sizeof ts, "%s", json_text_at(l.json, "ts"));
	/* clang-format off */
	static const struct {
		const char *change, *text;
		size_t blocks;
		bool is_edited, has_metadata;
	} rows[] = {
		{ "\"blocks\":[{\"type\":\"divider\"},{\"type\":\"divider\"}]", "t", 2, false, true },
		{ "\"text\":\"new\"", "new", 0, true, true }, /* text alone takes the blocks away */
		{ "\"text\":\"newer\",\"metadata\":{}", "newer", 0, true, false },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)snprintf(body, sizeof body, "{\"channel\":\"C0SECALRT\",\"ts\":\"%s\",%s}",
			       ts, rows[i].change);
		assert_api_ok(&l, "chat.update", body);
		const struct cJSON *m = json_get(l.json, "message");
		assert_string_equal(json_text_at(m, "text"), rows[i].text);
		assert_int_equal(json_count(json_get(m, "blocks")), rows[i].blocks);
		assert_int_equal(json_get(m, "edited") != NULL, rows[i].is_edited);
		assert_int_equal(json_get(m, "metadata") != NULL, rows[i].has_metadata);
	}
	(void)snprintf(body, sizeof body, "{\"channel\":\"C0SECALRT\",\"ts\":\"%s\"}", ts);
	assert_api_error(&l, "chat.update", body, "no_text");
	assert_api_error(&l, "chat.update",
			 "{\"channel\":\"C0SECALRT\",\"ts\":\"1.000000\",\"text\":\"x\"}",
			 "message_not_found");
	lab_free(&l);
}

static void only_our_own_messages_can_be_changed(void **state)
{
	struct lab l = lab_new(false);
	char body[128];
	(void)state;
	struct cJSON *out = verb(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"mine\"}");
	(void)snprintf(body, sizeof body,
		       "{\"channel\":\"D0ALICE01\",\"ts\":\"%s\",\"text\":\"x\"}",
		       json_text_at(out, "ts"));
	json_free(out);
	assert_api_error(&l, "chat.update", body, "cant_update_message");
	assert_api_error(&l, "chat.delete", body, "cant_delete_message");
	lab_free(&l);
}

static void long_texts(void **state)
{
	static char body[50000];
	struct lab l = lab_new(false);
	(void)state;
	(void)snprintf(body, sizeof body, "{\"channel\":\"C0SECALRT\",\"text\":\"%*s\"}", 40001,
		       "x");
	assert_api_ok(&l, "chat.postMessage", body);
	assert_string_equal(json_text_at(l.json, "warning"), "message_truncated");
	assert_int_equal(strlen(json_text_at(l.json, "message.text")), 40000);
	char ts[32];
	(void)snprintf(ts, sizeof ts, "%s", json_text_at(l.json, "ts"));
	(void)snprintf(body, sizeof body,
		       "{\"channel\":\"C0SECALRT\",\"ts\":\"%s\",\"text\":\"%*s\"}", ts, 4001, "x");
	assert_api_error(&l, "chat.update", body, "msg_too_long");
	(void)snprintf(body, sizeof body,
		       "{\"channel\":\"C0SECALRT\",\"user\":\"U0ALICE01\",\"text\":\"%*s\"}", 4001,
		       "x");
	assert_api_error(&l, "chat.postEphemeral", body, "msg_too_long");
	lab_free(&l);
}

static void threads_and_pages_are_read_in_order(void **state)
{
	struct lab l = lab_new(false);
	char more[128], parent[32];
	(void)state;
	post(&l, "");
	(void)snprintf(parent, sizeof parent, "%s", json_text_at(l.json, "ts"));
	for (int i = 0; i < 3; i++) {
		(void)snprintf(more, sizeof more, "\"thread_ts\":\"%s\",\"reply_broadcast\":%s",
			       parent, i ? "false" : "true");
		post(&l, more);
	}
	post(&l, "");
	history(&l, ""); /* the parent, the one broadcast reply, the last one */
	assert_int_equal(json_count(json_get(l.json, "messages")), 3);
	assert_string_equal(json_text_at(json_at(json_get(l.json, "messages"), 2), "ts"), parent);
	history(&l, "&limit=2");
	assert_true(json_true(json_get(l.json, "has_more")));
	(void)snprintf(more, sizeof more, "&limit=2&cursor=%s",
		       json_text_at(l.json, "response_metadata.next_cursor"));
	history(&l, more);
	assert_int_equal(json_count(json_get(l.json, "messages")), 1);
	assert_false(json_true(json_get(l.json, "has_more")));
	(void)snprintf(more, sizeof more, "&oldest=%s", parent); /* exclusive, unless … */
	history(&l, more);
	assert_int_equal(json_count(json_get(l.json, "messages")), 2);
	(void)snprintf(more, sizeof more, "&oldest=%s&inclusive=true", parent);
	history(&l, more);
	assert_int_equal(json_count(json_get(l.json, "messages")), 3);
	(void)snprintf(more, sizeof more, "channel=C0SECALRT&ts=%s&limit=3", parent);
	form(&l, "conversations.replies", more);
	assert_int_equal(json_count(json_get(l.json, "messages")), 3);
	assert_string_equal(json_text_at(json_at(json_get(l.json, "messages"), 0), "ts"), parent);
	char next[256];
	(void)snprintf(next, sizeof next, "%s&cursor=%s", more,
		       json_text_at(l.json, "response_metadata.next_cursor"));
	form(&l, "conversations.replies", next);
	assert_int_equal(json_count(json_get(l.json, "messages")), 1);
	lab_free(&l);
}

static void the_pace_is_one_message_a_second_a_channel(void **state)
{
	struct lab l = lab_new(true);
	(void)state;
	post(&l, "");
	assert_int_equal(l.last.status, 200);
	l.now_ms += 500;
	post(&l, "");
	assert_int_equal(l.last.status, 429);
	assert_int_equal(l.last.retry_after_s, 1);
	assert_string_equal(json_text_at(l.json, "error"), "ratelimited");
	assert_api_ok(&l, "chat.postMessage",
		      "{\"channel\":\"U0ALICE01\",\"text\":\"another channel\"}");
	for (int i = 0; i < 20; i++) {
		l.now_ms += 1000;
		post(&l, "");
		assert_int_equal(l.last.status, 200);
	}
	verb_ok(&l, "limits", "{\"mode\":\"fast\"}");
	for (int i = 0; i < 50; i++)
		assert_true(json_true(json_get(post(&l, ""), "ok")));
	assert_int_equal(refusals(&l, "ratelimited_channel"), 1);
	lab_free(&l);
}

static void methods_have_tiers(void **state)
{
	struct lab l = lab_new(true);
	(void)state;
	for (int i = 0; i < 20; i++) /* users.list: tier 2 */
		assert_true(json_true(json_get(form(&l, "users.list", ""), "ok")));
	form(&l, "users.list", "");
	assert_int_equal(l.last.status, 429);
	assert_true(l.last.retry_after_s > 0);
	assert_true(json_true(json_get(form(&l, "users.info", "user=U0ALICE01"), "ok")));
	l.now_ms += l.last.retry_after_s * 1000 + 4000;
	assert_true(json_true(json_get(form(&l, "users.list", ""), "ok")));
	lab_free(&l);
}

static size_t messages(struct lab *l)
{
	history(l, "");
	return json_count(json_get(l->json, "messages"));
}

/* What each fault does to the call, and whether the message stands there afterwards. */
static void faults_bite_as_often_as_armed(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *kind, *error;
		int status;
		int64_t delay_ms;
		bool is_done;
	} rows[] = {
		{ "429", "ratelimited", 429, 0, false },
		{ "500", "", 500, 0, false },
		{ "html", "", 503, 0, false },
		{ "refuse", "", 0, -1, false },
		{ "timeout", "", 0, 5000, true },
		{ "slow", "", 200, 5000, true },
		{ "error:channel_not_found", "channel_not_found", 200, 0, false },
		{ "internal_error_done", "internal_error", 200, 0, true },
		{ "truncated", "", 200, 0, true },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l = lab_new(false);
		char args[256];
		(void)snprintf(args, sizeof args,
			       "{\"where\":\"chat.postMessage\",\"kind\":\"%s\",\"count\":1,"
			       "\"after\":1,\"ms\":5000}",
			       rows[i].kind);
		verb_ok(&l, "fault", args);
		assert_true(json_true(
			json_get(post(&l, ""), "ok"))); /* `after` lets the first one by */
		post(&l, "");
		assert_string_equal(json_text_at(l.json, "error"), rows[i].error);
		assert_int_equal(l.last.status, rows[i].status);
		assert_true(l.last.delay_ms == rows[i].delay_ms);
		assert_int_equal(messages(&l), rows[i].is_done ? 2 : 1);
		assert_true(json_true(json_get(post(&l, ""), "ok"))); /* and it is over */
		assert_int_equal(refusals_all(&l), 0); /* a fault is not the bot's fault */
		lab_free(&l);
	}
}

static void heal_disarms(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	verb_ok(&l, "fault", "{\"where\":\"*\",\"kind\":\"500\",\"count\":100}");
	post(&l, "");
	assert_int_equal(l.last.status, 500);
	verb_ok(&l, "heal", "{}");
	assert_true(json_true(json_get(post(&l, ""), "ok")));
	verb_refused(&l, "fault", "{\"where\":\"*\",\"kind\":\"earthquake\"}");
	lab_free(&l);
}

static void nothing_secret_stands_on_the_wire(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	dial_up(&l);
	form(&l, "auth.test", "token=xoxb-T0SANDBOX-secret");
	post(&l, "\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":\"plain_text\",\"text\":"
		 "\"xoxb-T0SANDBOX-secret\"}}]");
	struct cJSON *st = verb(&l, "state", "{}");
	struct buf text = BUF(1 << 20);
	json_print(json_get(st, "wire"), &text);
	assert_null(strstr(buf_z(&text), "SANDBOX-secret"));
	assert_non_null(strstr(buf_z(&text), "chat.postMessage 200 ok"));
	buf_free(&text);
	json_free(st);
	lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_goes_where_the_bot_may_speak),
		cmocka_unit_test(content_is_judged),
		cmocka_unit_test(metadata_comes_back_whole_only_when_asked),
		cmocka_unit_test(the_same_client_msg_id_is_the_same_message),
		cmocka_unit_test(an_edit_keeps_what_it_does_not_name),
		cmocka_unit_test(only_our_own_messages_can_be_changed),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(threads_and_pages_are_read_in_order),
		cmocka_unit_test(the_pace_is_one_message_a_second_a_channel),
		cmocka_unit_test(methods_have_tiers),
		cmocka_unit_test(faults_bite_as_often_as_armed),
		cmocka_unit_test(heal_disarms),
		cmocka_unit_test(nothing_secret_stands_on_the_wire),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
