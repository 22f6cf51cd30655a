/* What a Socket Mode frame becomes: who said what, whether it is ours, and that nothing odd gets
 * further than its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mac.h"
#include "slack/read.h"

#define KEY STR("a key of thirty-two bytes or more")

static struct arena arena = { .limit = 8 << 20 };

static struct frame read_as(const char *team_id, const char *app_id, struct str text)
{
	const struct slack_self self = { team_id, app_id, KEY, "U0BOT" };
	struct frame f;

	memset(&f, 0x5a, sizeof(f)); /* every field has to be written */
	slack_read(text, &self, &arena, &f);
	return f;
}

static struct frame read_text(const char *text) { return read_as("T1", "A1", str_z(text)); }

static int forget(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static void hello_tells_how_long_and_how_many(void **state)
{
	struct frame f = read_text(
		"{\"type\":\"hello\",\"num_connections\":3,\"debug_info\":{\"host\":\"applink-7\","
		"\"approximate_connection_time\":18060},\"connection_info\":{\"app_id\":\"A1\"}}");

	(void)state;
	assert_int_equal(f.kind, FRAME_HELLO);
	assert_int_equal(f.connections, 3);
	assert_int_equal(f.lives_s, 18060);
	f = read_text("{\"type\":\"hello\",\"num_connections\":-1,"
		      "\"debug_info\":{\"approximate_connection_time\":\"soon\"}}");
	assert_int_equal(f.kind, FRAME_HELLO);
	assert_int_equal(f.connections, 0);
	assert_int_equal(f.lives_s, 0);
}

static void disconnect_gives_its_reason(void **state)
{
	struct frame f = read_text("{\"type\":\"disconnect\",\"reason\":\"refresh_requested\"}");

	(void)state;
	assert_int_equal(f.kind, FRAME_DISCONNECT);
	assert_string_equal(f.reason, "refresh_requested");
	f = read_text("{\"type\":\"disconnect\"}");
	assert_int_equal(f.kind, FRAME_DISCONNECT);
	assert_string_equal(f.reason, "");
}

/* A click as Slack sends it, with holes for what the stories vary. */
static const char *click(const char *action_id, const char *value, const char *team)
{
	return arena_f(&arena,
		       "{\"envelope_id\":\"e-1\",\"type\":\"interactive\","
		       "\"accepts_response_payload\":false,\"payload\":{\"type\":\"block_actions\","
		       "\"user\":{\"id\":\"U7\",\"name\":\"ana\"},\"api_app_id\":\"A1\","
		       "\"team\":{\"id\":\"%s\"},\"trigger_id\":\"1.2.abc\","
		       "\"container\":{\"type\":\"message\",\"message_ts\":\"1700.000100\","
		       "\"channel_id\":\"D024\"},\"channel\":{\"id\":\"D024\"},"
		       "\"response_url\":\"https://hooks.slack.com/actions/T1/2/x\","
		       "\"actions\":[{\"type\":\"button\",\"action_id\":\"%s\",\"block_id\":\"b\","
		       "\"value\":\"%s\",\"action_ts\":\"1701.0\"}]}}",
		       team, action_id, value);
}

static void a_click_names_person_place_and_inquiry(void **state)
{
	static const struct {
		const char *action_id;
		enum click what;
		int64_t inquiry_id;
	} cases[] = {
		{ "yes", CLICK_YES, 42 },
		{ "no", CLICK_NO, 42 },
		{ "not_me", CLICK_NOT_ME, 42 },
		/* A button of an older release: the person is told, nothing else. */
		{ "maybe", CLICK_UNKNOWN, 0 },
		{ "", CLICK_UNKNOWN, 0 },
		{ "YES", CLICK_UNKNOWN, 0 },
	};
	const struct token token = token_make(KEY, "inquiry", 42);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = read_text(click(cases[i].action_id, token.text, "T1"));
		assert_int_equal(f.kind, FRAME_ENVELOPE);
		assert_string_equal(f.envelope_id, "e-1");
		assert_false(f.takes_payload);
		assert_string_equal(f.odd, "");
		assert_true(f.has_fact);
		assert_int_equal(f.fact.kind, FACT_CLICK);
		assert_string_equal(f.fact.key, "envelope:e-1");
		assert_string_equal(f.fact.as.click.user, "U7");
		assert_string_equal(f.fact.as.click.channel, "D024");
		assert_string_equal(f.fact.as.click.ts, "1700.000100");
		assert_int_equal(f.fact.as.click.what, cases[i].what);
		assert_int_equal(f.fact.as.click.inquiry_id, cases[i].inquiry_id);
		assert_string_equal(f.trigger_id, "1.2.abc");
		assert_string_equal(f.response_url, "https://hooks.slack.com/actions/T1/2/x");
	}
}

/* Button values travel through other people's hands. */
static void a_forged_value_names_no_inquiry(void **state)
{
	struct token other_kind = token_make(KEY, "out", 42);
	struct token other_key = token_make(STR("another key"), "inquiry", 42);
	struct token touched = token_make(KEY, "inquiry", 42);
	struct token negative = token_make(KEY, "inquiry", -42);

	(void)state;
	touched.text[strlen(touched.text) - 1] ^= 1;
	const char *values[] = {
		"",           "42",         "inquiry:42:", other_kind.text, other_key.text,
		touched.text, negative.text
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct frame f = read_text(click("yes", values[i], "T1"));
		assert_true(f.has_fact);
		assert_int_equal(f.fact.as.click.inquiry_id, 0);
	}
}

static void what_is_not_ours_is_acknowledged_and_dropped(void **state)
{
	const struct token token = token_make(KEY, "inquiry", 42);
	const char *text = click("yes", token.text, "T2");
	struct frame f = read_text(text);

	(void)state;
	assert_string_equal(f.envelope_id, "e-1");
	assert_false(f.has_fact);
	assert_string_equal(f.odd, "of another team");
	f = read_as("T2", "A2", str_z(text));
	assert_false(f.has_fact);
	assert_string_equal(f.odd, "of another app");
	f = read_as("", "", str_z(text)); /* before auth.test has answered */
	assert_true(f.has_fact);
	f = read_text("{\"envelope_id\":\"e\",\"type\":\"interactive\",\"payload\":{\"type\":"
		      "\"block_actions\",\"team\":null,\"api_app_id\":\"A1\"}}");
	assert_string_equal(f.odd, "of another team");
}

/* Each lacks one piece: no fact, a name for the log, and still an acknowledgement. */
static void missing_pieces_are_named(void **state)
{
#define ENVELOPE(type, payload)                                                                    \
	"{\"envelope_id\":\"e-9\",\"type\":\"" type "\",\"payload\":" payload "}"
#define OURS "\"team\":{\"id\":\"T1\"},\"team_id\":\"T1\",\"api_app_id\":\"A1\","
	static const struct {
		const char *text, *odd;
	} cases[] = {
		{ ENVELOPE("interactive", "null"), "an envelope without a payload" },
		{ ENVELOPE("interactive", "[]"), "an envelope without a payload" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"block_actions\"}"),
		  "a click without an action" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"block_actions\",\"actions\":[{}]}"),
		  "a click without a user" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"block_actions\",\"actions\":[{}],"
					  "\"user\":{\"id\":\"U 1\"}}"),
		  "a click without a user" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"block_actions\",\"actions\":[{}],"
					  "\"user\":{\"id\":\"U1\"},\"container\":{\"type\":"
					  "\"view\",\"view_id\":\"V1\"}}"),
		  "a click outside a message" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"shortcut\"}"),
		  "an interaction of an unknown type" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"view_submission\"}"),
		  "a submission of an unknown view" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"view_submission\",\"view\":"
					  "{\"callback_id\":\"comment\"}}"),
		  "a submission without a user" },
		{ ENVELOPE("interactive", "{" OURS "\"type\":\"view_submission\",\"user\":{\"id\":"
					  "\"U1\"},\"view\":{\"callback_id\":\"comment\","
					  "\"state\":{\"values\":{\"b\":{\"a\":{\"type\":"
					  "\"checkboxes\"}}}}}}"),
		  "a comment without its text input" },
		{ ENVELOPE("slash_commands", "{" OURS "\"text\":\"hello\"}"),
		  "a command without a user or a channel" },
		{ ENVELOPE("slash_commands", "{\"text\":\"hello\"}"), "of another team" },
		{ ENVELOPE("something_new", "{}"), "an envelope of an unknown type" },
		{ ENVELOPE("events_api", "{\"type\":\"app_rate_limited\"}"), "" },
		{ ENVELOPE("interactive", "{\"type\":\"view_closed\"}"), "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = read_text(cases[i].text);
		assert_string_equal(f.odd, cases[i].odd);
		assert_int_equal(f.kind, FRAME_ENVELOPE);
		assert_string_equal(f.envelope_id, "e-9");
		assert_false(f.has_fact);
	}
}

static void a_comment_brings_its_words(void **state)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{ "\"it was me, on a train\"", "it was me, on a train" },
		{ "null", "" }, /* left empty */
		{ "\"<!channel> \\u00e9\"", "<!channel> \xc3\xa9" },
	};
	const struct token token = token_make(KEY, "inquiry", 7);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = read_text(arena_f(
			&arena,
			"{\"envelope_id\":\"e-2\",\"type\":\"interactive\","
			"\"accepts_response_payload\":true,\"payload\":{\"type\":\"view_"
			"submission\","
			"\"team\":{\"id\":\"T1\"},\"api_app_id\":\"A1\",\"user\":{\"id\":\"U7\"},"
			"\"view\":{\"callback_id\":\"comment\",\"private_metadata\":\"%s\","
			"\"state\":{\"values\":{\"b1\":{\"c\":{\"type\":\"checkboxes\"}},\"b2\":"
			"{\"a\":{\"type\":\"plain_text_input\",\"value\":%s}}}}}}}",
			token.text, cases[i].value));
		assert_true(f.has_fact && f.takes_payload);
		assert_int_equal(f.fact.kind, FACT_COMMENT);
		assert_string_equal(f.fact.key, "envelope:e-2");
		assert_string_equal(f.fact.as.comment.user, "U7");
		assert_string_equal(f.fact.as.comment.text, cases[i].text);
		assert_int_equal(f.fact.as.comment.inquiry_id, 7);
	}
}

static struct frame command(const char *text_json)
{
	return read_text(
		arena_f(&arena,
			"{\"envelope_id\":\"e-3\",\"type\":\"slash_commands\","
			"\"accepts_response_payload\":true,\"payload\":{\"team_id\":\"T1\","
			"\"api_app_id\":\"A1\",\"user_id\":\"U7\",\"channel_id\":\"C1\","
			"\"command\":\"/securitybot\",\"text\":%s,"
			"\"is_enterprise_install\":\"false\","
			"\"response_url\":\"ftp://hooks.slack.com/x\"}}",
			text_json));
}

static void a_command_brings_its_words(void **state)
{
	struct frame f = command("\"show SB-1\"");

	(void)state;
	assert_true(f.has_fact && f.takes_payload);
	assert_int_equal(f.fact.kind, FACT_COMMAND);
	assert_string_equal(f.fact.as.command.user, "U7");
	assert_string_equal(f.fact.as.command.channel, "C1");
	assert_string_equal(f.fact.as.command.text, "show SB-1");
	assert_string_equal(f.response_url, "");
	assert_string_equal(f.trigger_id, "");
	assert_string_equal(command("null").fact.as.command.text, "");
}

static struct frame event_with_id(const char *id)
{
	return read_text(arena_f(
		&arena, "{\"envelope_id\":\"%s\",\"type\":\"events_api\",\"payload\":{}}", id));
}

/* Cut between two characters, so that what is stored stays valid UTF-8. */
/* An event of our team and app; `more` stands beside its type. */
static struct frame event(const char *type, const char *more)
{
	return read_text(
		arena_f(&arena,
			"{\"envelope_id\":\"e-4\",\"type\":\"events_api\","
			"\"accepts_response_payload\":false,\"payload\":{\"team_id\":\"T1\","
			"\"api_app_id\":\"A1\",\"type\":\"event_callback\","
			"\"event_id\":\"Ev7\",\"event\":{\"type\":\"%s\",%s}}}",
			type, more));
}

#define TYPED                                                                                      \
	"\"channel\":\"D024\",\"channel_type\":\"im\",\"ts\":\"1700.000200\",\"text\":\"Yes.\""

/* Slack repeats an event in another envelope: its own id is the key. */
static void a_typed_message_brings_its_words(void **state)
{
	struct frame f = event("message", TYPED ",\"user\":\"U7\",\"thread_ts\":\"1700.000100\"");

	(void)state;
	assert_true(f.has_fact);
	assert_int_equal(f.fact.kind, FACT_MESSAGE);
	assert_string_equal(f.fact.key, "event:Ev7");
	assert_string_equal(f.fact.as.message.user, "U7");
	assert_string_equal(f.fact.as.message.channel, "D024");
	assert_string_equal(f.fact.as.message.ts, "1700.000200");
	assert_string_equal(f.fact.as.message.thread_ts, "1700.000100");
	assert_string_equal(f.fact.as.message.text, "Yes.");
	assert_string_equal(f.trigger_id, "");
}

/* Our own words come back, and what was edited answers nothing. */
static void what_nobody_typed_to_us_is_no_message(void **state)
{
	static const struct {
		const char *event, *odd;
	} cases[] = {
		{ TYPED ",\"user\":\"U0BOT\"", "" },
		{ TYPED ",\"user\":\"U7\",\"bot_id\":\"B1\"", "" },
		{ TYPED ",\"user\":\"U7\",\"subtype\":\"message_changed\"", "" },
		{ TYPED ",\"user\":\"U7\",\"subtype\":null", "" },
		{ "\"channel\":\"C1\",\"channel_type\":\"channel\",\"ts\":\"1.2\",\"user\":\"U7\"",
		  "" },
		{ TYPED, "a message without its ids" },
		{ "\"channel_type\":\"im\",\"user\":\"U7\"", "a message without its ids" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = event("message", cases[i].event);
		assert_int_equal(f.kind, FRAME_ENVELOPE);
		assert_string_equal(f.envelope_id, "e-4"); /* acknowledged all the same */
		assert_false(f.has_fact);
		assert_null(f.person);
		assert_string_equal(f.odd, cases[i].odd);
	}
}

static void a_changed_profile_is_a_hint(void **state)
{
	static const char *const types[] = { "user_change", "team_join" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct frame f = event(
			types[i], "\"user\":{\"id\":\"U7\",\"deleted\":true,\"tz_offset\":3600,"
				  "\"tz\":\"Europe/Prague\",\"is_restricted\":true,\"profile\":{"
				  "\"real_name\":\"Ana Novak\",\"email\":\"ana@duff.example\"}}");
		assert_false(f.has_fact);
		assert_non_null(f.person);
		assert_string_equal(f.person->user, "U7");
		assert_string_equal(f.person->name, "Ana Novak");
		assert_string_equal(f.person->email, "ana@duff.example");
		assert_int_equal(f.person->tz_offset_s, 3600);
		assert_true(f.person->is_deleted && f.person->is_guest && !f.person->is_bot);
	}
	assert_null(event("user_change", "\"user\":{\"id\":\"not an id\"}").person);
	assert_null(event("user_change", "\"user\":\"U7\"").person);
	assert_null(event("reaction_added", "\"user\":{\"id\":\"U7\"}").person);
	/* another team's directory is none of ours */
	assert_null(read_text("{\"envelope_id\":\"e\",\"type\":\"events_api\",\"payload\":{"
			      "\"team_id\":\"T2\",\"api_app_id\":\"A1\",\"type\":"
			      "\"event_callback\",\"event\":{\"type\":\"user_change\",\"user\":{"
			      "\"id\":\"U7\"}}}}")
			    .person);
}

static void long_words_are_cut_and_long_ids_refused(void **state)
{
	struct buf words = BUF(1 << 16), id = BUF(1 << 10);

	(void)state;
	for (int i = 0; i < 3001; i++)
		buf_addz(&words, "\xc3\xa9");
	struct frame f = command(arena_f(&arena, "\"%s\"", buf_z(&words)));
	assert_true(f.has_fact);
	assert_int_equal(strlen(f.fact.as.command.text), 6000);
	assert_true(utf8_valid(str_z(f.fact.as.command.text)));

	for (int i = 0; i < 255; i++)
		buf_addz(&id, "x");
	f = event_with_id(buf_z(&id));
	assert_int_equal(strlen(f.envelope_id), 255);
	assert_string_equal(f.odd, "");
	buf_addz(&id, "x");
	f = event_with_id(buf_z(&id));
	assert_string_equal(f.envelope_id, "");
	assert_string_equal(f.odd, "an envelope without an id");
	f = read_text(arena_f(&arena,
			      "{\"envelope_id\":\"e\",\"type\":\"slash_commands\",\"payload\":"
			      "{\"team_id\":\"T1\",\"api_app_id\":\"A1\",\"channel_id\":\"C1\","
			      "\"user_id\":\"%s\"}}",
			      buf_z(&id)));
	assert_string_equal(f.odd, "a command without a user or a channel");
	buf_free(&words);
	buf_free(&id);
}

static void rubbish_is_named_without_its_words(void **state)
{
	static const struct {
		struct str text;
		const char *odd;
	} cases[] = {
		{ STR_INIT(""), "not JSON at byte 0" },
		{ STR_INIT("\n"), "not JSON at byte 1" },
		{ STR_INIT("UNAUTHENTICATED: cache_error"), "not JSON at byte 0" },
		{ STR_INIT("{\"hunter2\":1,\"hunter2\":2}"), "not JSON at byte 13" },
		{ STR_INIT("{\"type\":\"hello\"}\0"), "not JSON at byte 16" },
		{ STR_INIT("[]"), "a frame that is no object" },
		{ STR_INIT("{}"), "a frame of an unknown type" },
		{ STR_INIT("{\"type\":\"hunter2\"}"), "a frame of an unknown type" },
		{ STR_INIT("{\"type\":[\"hello\"]}"), "a frame of an unknown type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = read_as("T1", "A1", cases[i].text);
		assert_int_equal(f.kind, FRAME_OTHER);
		assert_string_equal(f.odd, cases[i].odd);
		assert_string_equal(f.envelope_id, "");
		assert_false(f.has_fact);
	}
}

static void a_frame_has_a_ceiling(void **state)
{
	struct buf b = BUF(2 << 20);

	(void)state;
	buf_addz(&b, "{\"type\":\"hello\"}");
	while (b.n < (1 << 20))
		buf_addz(&b, " ");
	assert_int_equal(read_as("T1", "A1", buf_str(&b)).kind, FRAME_HELLO);
	buf_addz(&b, " ");
	struct frame f = read_as("T1", "A1", buf_str(&b));
	assert_int_equal(f.kind, FRAME_OTHER);
	assert_string_equal(f.odd, "a frame over 1 MiB");
	buf_free(&b);
}

static void an_acknowledgement_fits_in_one_frame(void **state)
{
	struct buf out = BUF(1 << 16), payload = BUF(1 << 16);
	struct fail fail = { .rc = RC_OK };

	(void)state;
	assert_int_equal(slack_ack("e-\"1\"", "", &out, &fail), RC_OK);
	assert_string_equal(buf_z(&out), "{\"envelope_id\":\"e-\\\"1\\\"\"}");
	buf_clear(&out);
	assert_int_equal(slack_ack("e", "{\"text\":\"hi\"}", &out, &fail), RC_OK);
	assert_string_equal(buf_z(&out), "{\"envelope_id\":\"e\",\"payload\":{\"text\":\"hi\"}}");
	/* {"envelope_id":"e","payload":""} are 32 bytes: 20,479 in all is the most. */
	buf_addz(&payload, "\"");
	while (payload.n < 20479 - 32 + 1)
		buf_addz(&payload, "x");
	buf_addz(&payload, "\"");
	buf_clear(&out);
	assert_int_equal(slack_ack("e", buf_z(&payload), &out, &fail), RC_OK);
	assert_int_equal(out.n, 20479);
	buf_clear(&out);
	assert_int_equal(slack_ack("ee", buf_z(&payload), &out, &fail), RC_TOO_BIG);
	assert_string_equal(fail.why, "an acknowledgement over 20479 bytes");
	assert_int_equal(out.n, 0);
	buf_free(&out);
	buf_free(&payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(hello_tells_how_long_and_how_many, forget),
		cmocka_unit_test_teardown(disconnect_gives_its_reason, forget),
		cmocka_unit_test_teardown(a_click_names_person_place_and_inquiry, forget),
		cmocka_unit_test_teardown(a_forged_value_names_no_inquiry, forget),
		cmocka_unit_test_teardown(what_is_not_ours_is_acknowledged_and_dropped, forget),
		cmocka_unit_test_teardown(missing_pieces_are_named, forget),
		cmocka_unit_test_teardown(a_comment_brings_its_words, forget),
		cmocka_unit_test_teardown(a_command_brings_its_words, forget),
		cmocka_unit_test_teardown(a_typed_message_brings_its_words, forget),
		cmocka_unit_test_teardown(what_nobody_typed_to_us_is_no_message, forget),
		cmocka_unit_test_teardown(a_changed_profile_is_a_hint, forget),
		cmocka_unit_test_teardown(long_words_are_cut_and_long_ids_refused, forget),
		cmocka_unit_test_teardown(rubbish_is_named_without_its_words, forget),
		cmocka_unit_test_teardown(a_frame_has_a_ceiling, forget),
		cmocka_unit_test_teardown(an_acknowledgement_fits_in_one_frame, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
