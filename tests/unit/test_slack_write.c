/* What our requests to Slack look like, and what is never in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "slack/write.h"

static struct arena arena = { .limit = 4 << 20 };
static struct secret bot, app;
static struct slack_api api;
static struct request rq;

static int furnish(void **state)
{
	(void)state;
	bot = secret_from(STR("xoxb-1"));
	app = secret_from(STR("xapp-1"));
	api = (struct slack_api){ "https://slack.com/api/", &bot, &app };
	return 0;
}

static int forget(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static void assert_headers(const char *token, const char *content_type)
{
	size_t i = 0;

	if (token != NULL)
		assert_string_equal(rq.headers[i++],
				    arena_f(&arena, "Authorization: Bearer %s", token));
	if (content_type != NULL)
		assert_string_equal(rq.headers[i++],
				    arena_f(&arena, "Content-Type: %s", content_type));
	assert_null(rq.headers[i]);
	assert_int_equal(rq.timeout_ms, 10000);
	assert_false(rq.is_page);
}

static void assert_posts(const char *method, const char *body)
{
	struct cJSON *got = json_parse(rq.body, NULL), *want = json_parse(str_z(body), NULL);

	assert_string_equal(rq.method, "POST");
	assert_string_equal(rq.url, arena_f(&arena, "https://slack.com/api/%s", method));
	assert_headers("xoxb-1", "application/json; charset=utf-8");
	assert_int_equal(rq.reply_bytes_max, 256 * 1024);
	assert_non_null(want);
	if (!json_equal(got, want))
		assert_string_equal(json_print_arena(got, &arena), json_print_arena(want, &arena));
	json_free(got);
	json_free(want);
}

/* A template that tries to decide more than text and blocks. */
static struct cJSON *greedy_content(void)
{
	struct cJSON *j = json_parse(
		STR("{\"text\":\"Was it "
		    "you?\",\"blocks\":[{\"type\":\"divider\"}],\"unfurl_links\":"
		    "true,\"channel\":\"C666\",\"link_names\":true,\"metadata\":{},\"username\":"
		    "\"CEO\",\"token\":\"xoxb-2\"}"),
		NULL);

	assert_non_null(j);
	return j;
}

static void a_new_message_carries_its_marker(void **state)
{
	struct cJSON *content = greedy_content();
	struct slack_message m = { "D024", "", content, "out:9:ab", 3, 1700, "" };

	(void)state;
	slack_send(&api, &m, &arena, &rq);
	/* client_msg_id: sha256("out:9:ab:1700") with version 8 and variant set. */
	assert_posts("chat.postMessage",
		     "{\"channel\":\"D024\",\"text\":\"Was it you?\",\"blocks\":[{\"type\":"
		     "\"divider\"}],\"parse\":\"none\",\"link_names\":false,\"unfurl_links\":false,"
		     "\"unfurl_media\":false,\"client_msg_id\":"
		     "\"c93f7c61-f0c1-82f2-9a7a-54664dc29e2f\",\"metadata\":{\"event_type\":"
		     "\"securitybot\",\"event_payload\":{\"marker\":\"out:9:ab\",\"rev\":3}}}");
	json_free(content);
}

static void a_reply_names_what_it_stands_under(void **state)
{
	struct cJSON *content = greedy_content();
	struct slack_message m = { "C1", "", content, "out:9:ab", 3, 1700, "1699.000200" };

	(void)state;
	slack_send(&api, &m, &arena, &rq);
	struct cJSON *j = json_parse(rq.body, NULL);
	assert_string_equal(json_text_at(j, "thread_ts"), "1699.000200");
	assert_null(json_key(j, "reply_broadcast"));
	json_free(j);
	m.ts = "1700.000100"; /* where it stands can't be changed any more */
	slack_send(&api, &m, &arena, &rq);
	j = json_parse(rq.body, NULL);
	assert_null(json_key(j, "thread_ts"));
	json_free(j);
	json_free(content);
}

static void an_update_carries_it_too(void **state)
{
	struct cJSON *content = greedy_content();
	struct slack_message m = { "D024", "1700.000100", content, "out:9:ab", 4, 1700, "" };

	(void)state;
	json_drop(content, "blocks");
	slack_send(&api, &m, &arena, &rq);
	assert_posts("chat.update",
		     "{\"channel\":\"D024\",\"ts\":\"1700.000100\",\"text\":\"Was it you?\","
		     "\"parse\":\"none\",\"link_names\":false,\"metadata\":{\"event_type\":"
		     "\"securitybot\",\"event_payload\":{\"marker\":\"out:9:ab\",\"rev\":4}}}");
	json_free(content);
}

/* The id depends on the marker and the first try: another revision of an unconfirmed message is
 * still it, a message posted anew because it was deleted is not. */
static void the_same_marker_is_the_same_message(void **state)
{
	struct cJSON *content = greedy_content();
	char ids[4][64];
	const struct slack_message messages[4] = { { "D1", "", content, "out:9:ab", 1, 7, "" },
						   { "D1", "", content, "out:9:ab", 2, 7, "" },
						   { "D1", "", content, "out:9:ac", 1, 7, "" },
						   { "D1", "", content, "out:9:ab", 3, 8, "" } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		slack_send(&api, &messages[i], &arena, &rq);
		struct cJSON *j = json_parse(rq.body, NULL);
		const char *id = json_text_at(j, "client_msg_id");
		assert_int_equal(strlen(id), 36);
		assert_true(id[8] == '-' && id[13] == '-' && id[14] == '8' && id[18] == '-' &&
			    strchr("89ab", id[19]) != NULL && id[23] == '-');
		memcpy(ids[i], id, 37);
		json_free(j);
	}
	assert_string_equal(ids[0], ids[1]);
	assert_string_not_equal(ids[0], ids[2]);
	assert_string_not_equal(ids[0], ids[3]);
	json_free(content);
}

static void assert_gets(const char *rest, size_t bytes_max)
{
	assert_string_equal(rq.method, "GET");
	assert_string_equal(rq.url, arena_f(&arena, "https://slack.com/api/%s", rest));
	assert_headers("xoxb-1", NULL);
	assert_int_equal(rq.body.n, 0);
	assert_int_equal(rq.reply_bytes_max, bytes_max);
}

static void look_ups_are_gets_with_escaped_values(void **state)
{
	(void)state;
	slack_lookup_email(&api, "ana+x&token=1@example.com", &arena, &rq);
	assert_gets("users.lookupByEmail?email=ana%2Bx%26token%3D1%40example.com", 256 * 1024);
	slack_lookup_user(&api, "U7", &arena, &rq);
	assert_gets("users.info?user=U7", 256 * 1024);
	slack_find(&api, &(struct slack_find){ "D024", "", 1700000000007, "" }, &arena, &rq);
	assert_gets("conversations.history?channel=D024&oldest=1700000000.007000&inclusive=true"
		    "&include_all_metadata=true&limit=100",
		    1024 * 1024);
	slack_find(&api, &(struct slack_find){ "C1", "1699.000200", 1700000000007, "" }, &arena,
		   &rq);
	assert_gets("conversations.replies?channel=C1&ts=1699.000200&oldest=1700000000.007000"
		    "&inclusive=true&include_all_metadata=true&limit=100",
		    1024 * 1024);
	slack_find(&api, &(struct slack_find){ "D024", "", -5, "bmV4dA==" }, &arena, &rq);
	assert_null(strstr(rq.url, "oldest")); /* from the newest on */
	assert_non_null(strstr(rq.url, "&limit=100&cursor=bmV4dA%3D%3D"));
}

static void an_oversized_value_is_left_out_whole(void **state)
{
	struct buf b = BUF(1 << 14);

	(void)state;
	for (int i = 0; i < 2000; i++)
		buf_addz(&b, "@");
	slack_lookup_email(&api, buf_z(&b), &arena, &rq);
	assert_gets("users.lookupByEmail?email=", 256 * 1024);
	buf_free(&b);
}

static void small_calls(void **state)
{
	struct cJSON *content = greedy_content();

	(void)state;
	slack_open_dm(&api, "U7", &arena, &rq);
	assert_posts("conversations.open", "{\"users\":\"U7\"}");
	slack_open_view(&api, "1.2.x", content, &arena, &rq);
	assert_posts("views.open", arena_f(&arena, "{\"trigger_id\":\"1.2.x\",\"view\":%s}",
					   json_print_arena(content, &arena)));
	slack_ephemeral(&api, "C1", "U7", content, &arena, &rq);
	assert_posts("chat.postEphemeral",
		     "{\"channel\":\"C1\",\"user\":\"U7\",\"text\":\"Was it you?\",\"blocks\":"
		     "[{\"type\":\"divider\"}],\"parse\":\"none\",\"link_names\":false}");
	json_free(content);
}

/* The response URL is a secret of its own: our token must not go to it. */
static void a_response_url_gets_no_token(void **state)
{
	struct cJSON *content = greedy_content();

	(void)state;
	slack_respond("https://hooks.slack.com/actions/T1/2/x", content, &arena, &rq);
	assert_string_equal(rq.url, "https://hooks.slack.com/actions/T1/2/x");
	assert_headers(NULL, "application/json; charset=utf-8");
	struct cJSON *j = json_parse(rq.body, NULL);
	assert_string_equal(json_text_at(j, "response_type"), "ephemeral");
	assert_true(json_is_bool(json_get(j, "replace_original")));
	assert_false(json_true(json_get(j, "replace_original")));
	assert_null(json_get(j, "channel"));
	json_free(j);
	json_free(content);
}

static void bare_calls_use_the_right_token(void **state)
{
	static const char form[] = "application/x-www-form-urlencoded"; /* and no charset */

	(void)state;
	slack_auth_test(&api, &arena, &rq);
	assert_string_equal(rq.method, "POST");
	assert_string_equal(rq.url, "https://slack.com/api/auth.test");
	assert_headers("xoxb-1", form);
	assert_int_equal(rq.body.n, 0);
	slack_connections_open(&api, &arena, &rq);
	assert_string_equal(rq.method, "POST");
	assert_string_equal(rq.url, "https://slack.com/api/apps.connections.open");
	assert_headers("xapp-1", form);
	assert_int_equal(rq.body.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_new_message_carries_its_marker, forget),
		cmocka_unit_test_teardown(a_reply_names_what_it_stands_under, forget),
		cmocka_unit_test_teardown(an_update_carries_it_too, forget),
		cmocka_unit_test_teardown(the_same_marker_is_the_same_message, forget),
		cmocka_unit_test_teardown(look_ups_are_gets_with_escaped_values, forget),
		cmocka_unit_test_teardown(an_oversized_value_is_left_out_whole, forget),
		cmocka_unit_test_teardown(small_calls, forget),
		cmocka_unit_test_teardown(a_response_url_gets_no_token, forget),
		cmocka_unit_test_teardown(bare_calls_use_the_right_token, forget),
	};

	return cmocka_run_group_tests(tests, furnish, NULL);
}
