/* test_config_settings: securitybot.yaml: what is right is read, what is wrong is said with its
 * line. */
#include "test_config_help.h"

static void what_is_right_is_read(void **state)
{
	struct room *r = *state;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct policy *p = config_policy(c);
	struct config_place place = config_place(c);
	char path[96];
	assert_string_equal(p->channel, "C0SECALRT");
	assert_string_equal(p->api_url, "http://127.0.0.1:1/api/");
	assert_true(p->pacing);
	assert_int_equal(p->sources_n, 1);
	assert_string_equal(p->sources[0].name, "edr");
	assert_true(str_is(secret_str(&p->sources[0].bearer), "source-secret"));
	assert_string_equal(p->people_domain, "duff.example");
	assert_int_equal(p->people_n, 2);
	assert_string_equal(p->people[0].user, "U0BOSS001");
	assert_string_equal(p->people[1].email, "root@duff.example");
	assert_string_equal(place.listen_host, "127.0.0.1");
	assert_int_equal(place.listen_port, 0);
	(void)snprintf(path, sizeof(path), "%s/securitybot.db", r->folder);
	assert_string_equal(place.database, path);
	assert_string_equal(place.proxy, "");
	assert_non_null(p->pagers[0].doc);
	config_free(c);
}

static const struct spoiled wrong[] = {
	{ "listen: 127.0.0.1:0\n", "lissen: 127.0.0.1:0\n",
	  "securitybot.yaml:1: unknown key \"lissen\": did you mean \"listen\"?" },
	{ "127.0.0.1:0\n", "127.0.0.1\n", "securitybot.yaml:1: listen: wanted ADDRESS:PORT" },
	{ "127.0.0.1:0\n", "127.0.0.1:70000\n", "securitybot.yaml:1: listen: wanted" },
	{ "127.0.0.1:0\n", "::1:8080\n", "securitybot.yaml:1: listen: wanted" },
	{ "channel: C0SECALRT", "channel: '#security'",
	  "securitybot.yaml:4: channel: wanted the id" },
	{ "channel: C0SECALRT", "chanel: C0SECALRT",
	  "securitybot.yaml:4: unknown key \"chanel\": did you mean \"channel\"?" },
	{ "channel: C0SECALRT", "channel: ''", "securitybot.yaml:4: channel is empty" },
	{ "channel: C0SECALRT", "channel: [C0SECALRT]",
	  "securitybot.yaml:4: channel: wanted a single value, found a list" },
	{ "  channel: C0SECALRT\n", "", "securitybot.yaml:3: channel is missing" },
	{ "http://127.0.0.1:1/api/", "http://slack.com/api/",
	  "securitybot.yaml:3: api_url: plain http:// is for loopback addresses only" },
	{ "http://127.0.0.1:1/api/", "http://127.evil.example/api/",
	  "securitybot.yaml:3: api_url: plain http:// is for loopback" },
	{ "http://127.0.0.1:1/api/", "http://127.0.0.1@evil.example/",
	  "securitybot.yaml:3: api_url: wanted HOST or HOST:PORT" },
	{ "http://127.0.0.1:1/api/", "http://localhost:1@evil.example/",
	  "securitybot.yaml:3: api_url: wanted HOST or HOST:PORT" },
	{ "http://127.0.0.1:1/api/", "ftp://slack.com/",
	  "securitybot.yaml:3: api_url: wanted a URL that begins with https://" },
	{ "http://127.0.0.1:1/api/", "https://slack.com/api/\n  pacing: off",
	  "securitybot.yaml:4: pacing: off is for a loopback api_url only" },
	{ "  channel: C", "  pacing: of\n  channel: C",
	  "securitybot.yaml:4: pacing: unknown word \"of\": did you mean \"on\"?" },
	{ "  channel: C", "  bot_token: xoxb-1\n  channel: C",
	  "securitybot.yaml:4: bot_token: wanted ${secret:NAME}" },
	{ "  channel: C", "  bot_token: ${secret:TEST_SOURCE}\n  channel: C",
	  "securitybot.yaml:4: bot_token: wanted a bot token: it begins with xoxb-" },
	{ "  channel: C", "  app_token: ${secret:TEST_NOT_THERE}\n  channel: C",
	  "securitybot.yaml:4: app_token: the secret TEST_NOT_THERE is missing" },
	{ "edr: {bearer", "EDR: {bearer", "securitybot.yaml:6: sources: \"EDR\": a name has" },
	{ "edr: {bearer: \"${secret:TEST_SOURCE}\"}", "edr: {}",
	  "securitybot.yaml:6: edr: wanted exactly one of bearer" },
	{ "{bearer: \"${secret:TEST_SOURCE}\"}", "secret",
	  "securitybot.yaml:6: edr: wanted keys and values" },
	{ "{bearer: \"${secret:TEST_SOURCE}\"}", "{bearer: hunter2}",
	  "securitybot.yaml:6: bearer: wanted ${secret:NAME}" },
	{ "{bearer: ", "{beerer: ", "did you mean \"bearer\"?" },
	{ "domain: duff.example", "domain: '@duff.example'", "7: domain: wanted a mail domain" },
	{ "U0BOSS001", "the boss", "7: boss: wanted an e-mail address or a Slack id" },
	{ "connector: pager", "connector: pagr", "did you mean pager" },
	{ "  connector: pager\n", "", "connector is missing" },
	{ "  base_url: http://127.0.0.1:1/pager\n", "", "base_url is missing: wanted a text" },
	{ "http://127.0.0.1:1/pager", "http://pager.example",
	  "10: base_url: plain http:// is for loopback addresses only" },
	{ "listen: 127.0.0.1:0\n", "playbooks: nowhere\n", "nowhere: No such file" },
	{ "listen: 127.0.0.1:0\n", "proxy: socks://x\n", ":1: proxy: wanted http://HOST:PORT" },
	{ "listen: 127.0.0.1:0\n", "mac_key: ${secret:TEST_SOURCE}\n",
	  ":1: mac_key: wanted 32 characters" },
};

static void what_is_wrong_is_said_with_its_line(void **state)
{
	struct room *r = *state;
	expect_complaints(r, &r->settings, wrong, sizeof(wrong) / sizeof(wrong[0]));
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct room *r = *state;
	r->report = (struct config_report){ .say = hear, .self = r };
	assert_null(config_load("/nowhere/securitybot.yaml", true, &r->report));
	assert_string_equal(r->first, "/nowhere/securitybot.yaml: No such file or directory");
}

static void check_goes_without_secrets(void **state)
{
	struct room *r = *state;
	(void)unsetenv("TEST_PAGER");
	assert_null(room_load_as(r, true));
	assert_non_null(
		strstr(r->first, "connectors/pager.yaml:4: the secret TEST_PAGER is missing"));
	struct config *c = room_load_as(r, false);
	if (!c)
		fail_msg("%s", r->first);
	config_free(c);
}

static void a_credential_goes_before_the_variable_and_must_be_printable(void **state)
{
	struct room *r = *state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", r->folder, 1), 0);
	room_write(r, "TEST_SOURCE", "from-a-file\n");
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	assert_true(str_is(secret_str(&config_policy(c)->sources[0].bearer), "from-a-file"));
	config_free(c);
	room_write(r, "TEST_SOURCE", "two\nlines");
	assert_null(room_load(r));
	assert_non_null(strstr(r->first, "not printable ASCII"));
	assert_null(strstr(r->first, "lines"));
}

static void an_emulator_may_be_named_by_a_variable(void **state)
{
	struct room *r = *state;
	assert_int_equal(setenv("SLACK_API_URL", "http://[::1]:9/api", 1), 0);
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	assert_string_equal(config_policy(c)->api_url, "http://[::1]:9/api/");
	config_free(c);
	assert_int_equal(setenv("SLACK_API_URL", "http://10.0.0.1/", 1), 0);
	assert_null(room_load(r));
	assert_non_null(strstr(r->first, "the variable SLACK_API_URL: plain http://"));
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
	struct room *r = *state;
	char *text = spoil(GOOD_SETTINGS, "127.0.0.1:0\n", "'[::1]:8443'\n");
	r->settings = text;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	assert_string_equal(config_place(c).listen_host, "::1");
	assert_int_equal(config_place(c).listen_port, 8443);
	config_free(c);
	free(text);
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, room_set_up, room_tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_right_is_read),
		STORY(what_is_wrong_is_said_with_its_line),
		STORY(a_file_that_is_not_there_is_named),
		STORY(check_goes_without_secrets),
		STORY(a_credential_goes_before_the_variable_and_must_be_printable),
		STORY(an_emulator_may_be_named_by_a_variable),
		STORY(an_ipv6_address_stands_in_brackets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
