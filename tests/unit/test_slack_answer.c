/* What Slack's answers mean for a row: done, try again, never, or nobody knows. */
#include "tests/unit/test_slack_answer.h"

static void a_sent_message_gives_channel_and_ts(void **state)
{
	static const char ok[] = "{\"ok\":true,\"channel\":\"D024\",\"ts\":\"1700.000100\","
				 "\"warning\":\"message_truncated\"}";
	struct result r = answer(&POST, 200, ok);

	(void)state;
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.channel, "D024");
	assert_string_equal(r.ref, "1700.000100");
	assert_string_equal(r.error, "");
	assert_int_equal(answer(&UPDATE, 200, ok).outcome, OUTCOME_DONE);
	/* "Posted" without the vendor's id is not done (a message nobody can find again). */
	r = answer(&POST, 200, "{\"ok\":true,\"channel\":\"D024\"}");
	assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(r.error, "ok without channel and ts");
}

static const struct {
	const char *code;
	enum outcome post, update, look_up;
	int64_t wait_ms;
} of_codes[] = {
#define T OUTCOME_TRANSIENT
#define P OUTCOME_PERMANENT
#define U OUTCOME_UNKNOWN
#define N OUTCOME_NOT_FOUND
#define R OUTCOME_REAUTH
	/* the token: the row waits for somebody to act, it does not die */
	{ "invalid_auth", R, R, R, 0 },
	{ "not_authed", R, R, R, 0 },
	{ "token_revoked", R, R, R, 0 },
	{ "token_expired", R, R, R, 0 },
	{ "account_inactive", R, R, R, 0 },
	/* one method or channel: who is to be asked is passed on, what is shown waits */
	{ "missing_scope", P, T, P, 0 },
	{ "not_allowed_token_type", P, T, P, 0 },
	{ "ekm_access_denied", P, T, P, 0 },
	{ "ratelimited", T, T, T, 30000 },
	{ "rate_limited", T, T, T, 60000 },
	/* part of it may have happened */
	{ "internal_error", U, U, T, 0 },
	{ "fatal_error", U, U, T, 0 },
	{ "service_unavailable", U, U, T, 0 },
	{ "request_timeout", U, U, T, 0 },
	{ "message_not_found", P, N, P, 0 },
	{ "cant_update_message", P, N, P, 0 },
	{ "edit_window_closed", P, N, P, 0 },
	{ "duplicate_message_not_found", N, N, P, 0 },
	{ "duplicate_channel_not_found", P, P, P, 0 },
	{ "users_not_found", P, P, P, 0 },
	{ "user_not_found", P, P, P, 0 },
	{ "user_disabled", P, P, P, 0 },
	{ "cannot_dm_bot", P, P, P, 0 },
	{ "messages_tab_disabled", P, P, P, 0 },
	{ "invalid_blocks", P, P, P, 0 },
	{ "invalid_blocks_format", P, P, P, 0 },
	{ "metadata_too_large", P, P, P, 0 },
	{ "msg_too_long", P, P, P, 0 },
	{ "channel_not_found", P, T, P, 0 },
	{ "is_archived", P, T, P, 0 },
	{ "restricted_action", P, T, P, 0 },
	{ "restricted_action_thread_locked", P, P, P, 0 },
	{ "slack_connect_canvas_sharing_blocked", P, T, P, 0 },
	{ "an_error_of_next_year", T, T, T, 0 },
	{ "is_archived_too", T, T, T, 0 },
	{ "", T, T, T, 0 },
#undef T
#undef P
#undef U
#undef N
#undef R
};

static void codes_have_classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(of_codes) / sizeof(of_codes[0]); i++) {
		const char *body =
			arena_f(&arena, "{\"ok\":false,\"error\":\"%s\"}", of_codes[i].code);
		struct result r = answer(&POST, 200, body);
		assert_int_equal(r.outcome, of_codes[i].post);
		assert_int_equal(r.retry_after_ms, of_codes[i].wait_ms);
		assert_string_equal(r.error, of_codes[i].code[0] != '\0'
						     ? of_codes[i].code
						     : "not ok, and no error told");
		assert_int_equal(answer(&UPDATE, 200, body).outcome, of_codes[i].update);
		assert_int_equal(answer(&EMAIL, 200, body).outcome, of_codes[i].look_up);
		assert_int_equal(answer(&FIND, 200, body).outcome, of_codes[i].look_up);
	}
}

/* What a reply should stand under is not there: it waits for that. */
static void a_reply_waits_for_its_card(void **state)
{
	static const struct slack_asked reply = { OUT_THREAD, PHASE_SEND, false, "out:9:ab" };
	static const char gone[] = "{\"ok\":false,\"error\":\"thread_not_found\"}";

	(void)state;
	assert_int_equal(answer(&reply, 200, gone).outcome, OUTCOME_NOT_FOUND);
	assert_int_equal(answer(&POST, 200, gone).outcome, OUTCOME_PERMANENT);
}

static void what_is_missing_is_told(void **state)
{
	struct result r =
		answer(&POST, 200,
		       "{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"chat:write\","
		       "\"provided\":\"commands\"}");

	(void)state;
	assert_string_equal(r.error, "missing_scope (needed: chat:write)");
	r = answer(&POST, 200,
		   "{\"ok\":false,\"error\":\"invalid_blocks\",\"response_metadata\":{\"messages\":"
		   "[\"[ERROR] unsupported type: sections [json-pointer:/blocks/0/type]\"]}}");
	assert_string_equal(r.error, "invalid_blocks ([ERROR] unsupported type: sections "
				     "[json-pointer:/blocks/0/type])");
}

/* A body that is not Slack's says nothing about whether the message went out. */
static void doubt_is_unknown_for_writes_only(void **state)
{
	static const struct {
		int status;
		const char *body, *error;
	} cases[] = {
		{ 200, "<html>maintenance</html>", "HTTP 200 without Slack's JSON" },
		{ 200, "{\"ok\":tr", "HTTP 200 without Slack's JSON" },
		{ 200, "", "HTTP 200 without Slack's JSON" },
		{ 200, "{\"ok\":\"true\"}", "HTTP 200 without Slack's JSON" },
		{ 404, "<html>", "HTTP 404 without Slack's JSON" },
		{ 302, "", "HTTP 302 without Slack's JSON" },
		{ 500, "{\"ok\":true,\"channel\":\"D1\",\"ts\":\"1.1\"}", "HTTP 500" },
		{ 503, "<html>", "HTTP 503" },
		{ 404, "{\"ok\":true,\"channel\":\"D1\",\"ts\":\"1.1\"}", "HTTP 404 and ok" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r = answer(&POST, cases[i].status, cases[i].body);
		assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
		assert_string_equal(r.error, cases[i].error);
		assert_int_equal(answer(&UPDATE, cases[i].status, cases[i].body).outcome,
				 OUTCOME_UNKNOWN);
		assert_int_equal(answer(&FIND, cases[i].status, cases[i].body).outcome,
				 OUTCOME_TRANSIENT);
		assert_int_equal(answer(&EMAIL, cases[i].status, cases[i].body).outcome,
				 OUTCOME_TRANSIENT);
		assert_int_equal(answer(&OPEN, cases[i].status, cases[i].body).outcome,
				 OUTCOME_TRANSIENT);
	}
}

static void silence_depends_on_whether_it_left_us(void **state)
{
	struct wire_reply reply = { 0, true, -1, STR(""), "timed out" };
	struct result r;

	(void)state;
	slack_answer(&POST, &reply, &arena, &r);
	assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(r.error, "timed out");
	slack_answer(&EMAIL, &reply, &arena, &r);
	assert_int_equal(r.outcome, OUTCOME_TRANSIENT);
	reply.may_have_happened = false;
	slack_answer(&POST, &reply, &arena, &r);
	assert_int_equal(r.outcome, OUTCOME_TRANSIENT);
}

static void slacks_wish_to_wait_is_kept_within_reason(void **state)
{
	static const struct {
		int64_t retry_after_s, wait_ms;
	} cases[] = { { -1, 30000 },
		      { 0, 0 },
		      { 7, 7000 },
		      { 3600, 3600000 },
		      { 999999999999, 3600000 },
		      { INT64_MAX, 3600000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_reply reply = { 429, false, cases[i].retry_after_s, STR(""), "" };
		struct result r;
		slack_answer(&POST, &reply, &arena, &r);
		assert_int_equal(r.outcome, OUTCOME_TRANSIENT);
		assert_int_equal(r.retry_after_ms, cases[i].wait_ms);
	}
}

static void the_marker_is_found_again(void **state)
{
#define MESSAGE(ts, event_type, marker, rev)                                                       \
	"{\"type\":\"message\",\"ts\":\"" ts "\",\"metadata\":{\"event_type\":\"" event_type       \
	"\",\"event_payload\":{\"marker\":\"" marker "\",\"rev\":" rev "}}}"
	struct result r =
		answer(&FIND, 200,
		       "{\"ok\":true,\"messages\":[{\"type\":\"message\",\"ts\":\"1.0\",\"text\":"
		       "\"out:9:ab\"}," MESSAGE("2.0", "securitybot", "out:9:ac", "7") "," MESSAGE(
			       "3.0", "other", "out:9:ab",
			       "7") "," MESSAGE("4.0", "securitybot", "out:9:ab",
						"2") "],\"has_more\":false}");

	(void)state;
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.ref, "4.0");
	assert_int_equal(r.shown, 2);
	r = answer(&FIND, 200, "{\"ok\":true,\"messages\":[]}");
	assert_int_equal(r.outcome, OUTCOME_NOT_FOUND);
	assert_null(r.cursor);
	/* A page that could not be read is no proof of absence. */
	assert_int_equal(answer(&FIND, 200, "{\"ok\":true}").outcome, OUTCOME_TRANSIENT);
}

/* Absent is what stands on no page. */
static void there_may_be_another_page(void **state)
{
	struct result r = answer(&FIND, 200,
				 "{\"ok\":true,\"messages\":[],\"has_more\":true,"
				 "\"response_metadata\":{\"next_cursor\":\"bmV4dA==\"}}");

	(void)state;
	assert_int_equal(r.outcome, OUTCOME_NOT_FOUND);
	assert_string_equal(r.cursor, "bmV4dA==");
	r = answer(&FIND, 200, "{\"ok\":true,\"messages\":[],\"has_more\":true}");
	assert_int_equal(r.outcome, OUTCOME_TRANSIENT);
	assert_null(r.cursor);
}

static void a_person_is_read(void **state)
{
	struct result r =
		answer(&EMAIL, 200,
		       "{\"ok\":true,\"user\":{\"id\":\"U7\",\"name\":\"ana\",\"deleted\":false,"
		       "\"is_bot\":"
		       "false,\"is_restricted\":true,\"tz\":\"Europe/Madrid\",\"tz_offset\":3600,"
		       "\"profile\":{\"real_name\":\"Ana Ruiz\",\"email\":\"Ana@Example.com\"}}}");

	(void)state;
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.person->user, "U7");
	assert_string_equal(r.person->name, "Ana Ruiz");
	assert_string_equal(r.person->email, "Ana@Example.com");
	assert_string_equal(r.person->tz, "Europe/Madrid");
	assert_int_equal(r.person->tz_offset_s, 3600);
	assert_true(r.person->is_guest);
	assert_false(r.person->is_bot || r.person->is_deleted);
	assert_string_equal(r.person->dm, "");
	r = answer(&EMAIL, 200,
		   "{\"ok\":true,\"user\":{\"id\":\"USLACKBOT\",\"name\":\"slackbot\",\"deleted\":"
		   "true,\"tz_offset\":1e12}}");
	assert_string_equal(r.person->name, "slackbot");
	assert_true(r.person->is_bot && r.person->is_deleted);
	assert_int_equal(r.person->tz_offset_s, 0);
	assert_int_equal(answer(&EMAIL, 200, "{\"ok\":true,\"user\":{}}").outcome,
			 OUTCOME_TRANSIENT);
}

static void a_direct_message_channel_is_read(void **state)
{
	struct result r = answer(&OPEN, 200,
				 "{\"ok\":true,\"already_open\":true,\"channel\":{\"id\":\"D9\"}}");

	(void)state;
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.dm, "D9");
	assert_int_equal(answer(&OPEN, 200, "{\"ok\":true,\"channel\":\"D9\"}").outcome,
			 OUTCOME_TRANSIENT);
}

/* Ephemerals, views and response URLs have no row: ok is all they have to say. */
static void a_reply_needs_no_ts(void **state)
{
	(void)state;
	assert_int_equal(answer(&REPLY, 200, "{\"ok\":true,\"message_ts\":\"1.0\"}").outcome,
			 OUTCOME_DONE);
	assert_int_equal(answer(&REPLY, 200, "ok").outcome, OUTCOME_DONE);
	assert_int_equal(answer(&REPLY, 404, "ok").outcome, OUTCOME_UNKNOWN);
	assert_int_equal(answer(&POST, 200, "ok").outcome, OUTCOME_UNKNOWN);
	assert_int_equal(
		answer(&REPLY, 200, "{\"ok\":false,\"error\":\"expired_trigger_id\"}").outcome,
		OUTCOME_PERMANENT);
}

static void auth_says_who_we_are(void **state)
{
	struct wire_reply reply = {
		200, false, -1,
		STR("{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U1\",\"bot_id\":\"B1\"}"), ""
	};
	const char *team = "", *user = "";
	int64_t retry_ms = -1;
	struct fail fail = { .rc = RC_OK };

	(void)state;
	assert_int_equal(slack_read_auth(&reply, &arena, &team, &user, &retry_ms, &fail), RC_OK);
	assert_string_equal(team, "T1");
	assert_string_equal(user, "U1");
	assert_int_equal(retry_ms, 0);
	reply.body = STR("{\"ok\":false,\"error\":\"invalid_auth\"}");
	assert_int_equal(slack_read_auth(&reply, &arena, &team, &user, &retry_ms, &fail),
			 RC_REFUSED);
	assert_string_equal(fail.why, "invalid_auth");
	reply.body = STR("{\"ok\":false,\"error\":\"internal_error\"}");
	assert_int_equal(slack_read_auth(&reply, &arena, &team, &user, &retry_ms, &fail), RC_AGAIN);
	reply.body = STR("{\"ok\":true,\"team_id\":\"T1\"}");
	assert_int_equal(slack_read_auth(&reply, &arena, &team, &user, &retry_ms, &fail), RC_AGAIN);
	assert_string_equal(team, "T1");
}

static void a_socket_url_is_tls_or_loopback(void **state)
{
	static const struct {
		const char *url;
		enum rc rc;
	} cases[] = {
		{ "wss:\\/\\/wss-primary.slack.com\\/link\\/?ticket=1&app_id=2", RC_OK },
		{ "ws://127.0.0.1:4703/link?ticket=1", RC_OK },
		{ "ws://localhost:1/", RC_OK },
		{ "ws://[::1]:1/", RC_OK },
		{ "ws://wss-primary.slack.com/link", RC_AGAIN },
		{ "ws://127.0.0.1.example.com/", RC_AGAIN },
		{ "ws://127.0.0.1:1@example.com/", RC_AGAIN },
		{ "https://slack.com/", RC_AGAIN },
		{ "", RC_AGAIN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_reply reply = {
			200, false, -1,
			str_z(arena_f(&arena, "{\"ok\":true,\"url\":\"%s\"}", cases[i].url)), ""
		};
		const char *url = "untouched";
		int64_t retry_ms = -1;
		struct fail fail = { .rc = RC_OK };
		assert_int_equal(slack_read_url(&reply, &arena, &url, &retry_ms, &fail),
				 cases[i].rc);
		if (cases[i].rc != RC_OK)
			assert_string_equal(url, "untouched");
	}
	const struct wire_reply limited = { 429, false, 12, STR(""), "" };
	const char *url = "";
	int64_t retry_ms = -1;
	assert_int_equal(slack_read_url(&limited, &arena, &url, &retry_ms, NULL), RC_AGAIN);
	assert_int_equal(retry_ms, 12000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_sent_message_gives_channel_and_ts, forget),
		cmocka_unit_test_teardown(a_reply_waits_for_its_card, forget),
		cmocka_unit_test_teardown(codes_have_classes, forget),
		cmocka_unit_test_teardown(what_is_missing_is_told, forget),
		cmocka_unit_test_teardown(doubt_is_unknown_for_writes_only, forget),
		cmocka_unit_test_teardown(silence_depends_on_whether_it_left_us, forget),
		cmocka_unit_test_teardown(slacks_wish_to_wait_is_kept_within_reason, forget),
		cmocka_unit_test_teardown(the_marker_is_found_again, forget),
		cmocka_unit_test_teardown(there_may_be_another_page, forget),
		cmocka_unit_test_teardown(a_person_is_read, forget),
		cmocka_unit_test_teardown(a_direct_message_channel_is_read, forget),
		cmocka_unit_test_teardown(a_reply_needs_no_ts, forget),
		cmocka_unit_test_teardown(auth_says_who_we_are, forget),
		cmocka_unit_test_teardown(a_socket_url_is_tls_or_loopback, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
