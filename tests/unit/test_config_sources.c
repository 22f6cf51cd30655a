/* sources: who may send alerts and how it proves itself; what would prove nothing is refused. */
#include "test_config_help.h"

#define BEARER "{bearer: \"${secret:TEST_SOURCE}\"}"
#define HMAC                                                                                       \
	"{hmac: {secret: \"${secret:TEST_SOURCE}\", header: X-Signature, timestamp: x-time, "      \
	"id: x-id, format: base64, prefix: \"v1,\", window: 1m}, each: data.events}"

static const struct source *load(struct room *r, struct config **c, const char *source)
{
	char *text = spoil(GOOD_SETTINGS, BEARER, source);

	r->settings = text;
	*c = room_load(r);
	if (*c == NULL)
		fail_msg("%s", r->first);
	free(text);
	return &config_policy(*c)->sources[0];
}

static void a_signing_source(void **state)
{
	struct config *c;
	const struct source *s = load(*state, &c, HMAC);

	assert_true(str_is(secret_str(&s->hmac.keys[0]), "source-secret"));
	assert_int_equal(s->hmac.keys[1].n, 0);
	assert_int_equal(s->bearer.n + s->url_secret.n, 0);
	assert_string_equal(s->hmac.header, "x-signature");
	assert_string_equal(s->hmac.timestamp, "x-time");
	assert_string_equal(s->hmac.id, "x-id");
	assert_string_equal(s->hmac.prefix, "v1,");
	assert_true(s->hmac.is_base64);
	assert_string_equal(s->hmac.text, "{id}.{timestamp}.{body}");
	assert_int_equal(s->hmac.window_ms, 60 * 1000);
	assert_string_equal(s->each, "data.events");
	config_free(c);
}

/* As GitHub signs: nothing but the body. */
static void a_source_that_signs_the_body_only(void **state)
{
	struct config *c;
	const struct source *s = load(*state, &c,
				      "{hmac: {secret: \"${secret:TEST_SOURCE}\", header: "
				      "x-hub-signature-256, prefix: sha256=}}");

	assert_string_equal(s->hmac.text, "{body}");
	assert_string_equal(s->hmac.timestamp, "");
	assert_string_equal(s->hmac.id, "");
	assert_false(s->hmac.is_base64);
	assert_string_equal(s->each, "");
	assert_false(s->can_wait);
	config_free(c);
	s = load(*state, &c, "{bearer: \"${secret:TEST_SOURCE}\", can_wait: yes}");
	assert_true(s->can_wait);
	config_free(c);
}

/* Rotation, and a key as Standard Webhooks writes it: "MfKQ9r8=" is six bytes and a half. */
static void two_secrets(void **state)
{
	static const char bytes[] = { 0x31, (char)0xf2, (char)0x90, (char)0xf6, (char)0xbf };
	struct config *c;

	assert_int_equal(setenv("TEST_NEW", "whsec_MfKQ9r8=", 1), 0);
	const struct source *s = load(*state, &c,
				      "{hmac: {secret: [\"${secret:TEST_SOURCE}\", "
				      "\"${secret:TEST_NEW}\"], header: x-signature}}");
	assert_true(str_is(secret_str(&s->hmac.keys[0]), "source-secret"));
	assert_true(str_eq(secret_str(&s->hmac.keys[1]), (struct str){ bytes, sizeof(bytes) }));
	config_free(c);
}

static void a_secret_in_the_url(void **state)
{
	struct config *c;

	assert_int_equal(setenv("TEST_URL", "0123456789abcdef-0123456789ABCDEF", 1), 0);
	const struct source *s = load(*state, &c, "{url_secret: \"${secret:TEST_URL}\"}");
	assert_int_equal(s->url_secret.n, 33);
	assert_int_equal(s->bearer.n, 0);
	config_free(c);
}

static void what_would_prove_nothing_is_refused(void **state)
{
	struct room *r = *state;
	static const struct spoiled table[] = {
		{ BEARER, "{bearer: \"${secret:TEST_SOURCE}\", url_secret: \"${secret:TEST_URL}\"}",
		  "securitybot.yaml:6: edr: wanted exactly one of bearer, hmac and url_secret" },
		{ BEARER, "{each: events}", "wanted exactly one of" },
		{ BEARER, "{can_wait: maybe, bearer: \"${secret:TEST_SOURCE}\"}", "wanted one of" },
		{ BEARER, "{url_secret: \"${secret:TEST_SHORT}\"}", "wanted 32 characters" },
		{ BEARER, "{url_secret: \"${secret:TEST_SLASH}\"}", "wanted letters, digits and" },
		{ BEARER, "{hmac: {secret: hunter2, header: x}}", "wanted ${secret:NAME}" },
		{ BEARER, "{hmac: {header: x-signature}}", "secret is missing" },
		{ BEARER, "{hmac: {secret: \"${secret:TEST_SOURCE}\"}}", "header is missing" },
		{ BEARER, "{hmac: {secret: [\"${secret:TEST_SOURCE}\"], header: x}}",
		  "or a list of two" },
		{ BEARER, "{hmac: {secret: \"${secret:TEST_ODD}\", header: x}}",
		  "wanted base64 behind whsec_" },
		{ BEARER, "{each: a..b, bearer: \"${secret:TEST_SOURCE}\"}", "wanted the keys" },
		{ BEARER, "{each: \"a[0]\", bearer: \"${secret:TEST_SOURCE}\"}",
		  "wanted the keys" },
		{ BEARER, "{each: .a, bearer: \"${secret:TEST_SOURCE}\"}", "wanted the keys" },
	};

	assert_int_equal(setenv("TEST_URL", "0123456789abcdef-0123456789ABCDEF", 1), 0);
	assert_int_equal(setenv("TEST_SHORT", "0123456789abcdef-0123456789ABCD", 1), 0);
	assert_int_equal(setenv("TEST_SLASH", "0123456789abcdef/0123456789ABCDEF", 1), 0);
	assert_int_equal(setenv("TEST_ODD", "whsec_MfKQ9r9=", 1), 0); /* bits behind the end */
	expect_complaints(r, &r->settings, table, sizeof(table) / sizeof(table[0]));
}

static void what_is_sent_has_to_be_signed(void **state)
{
	struct room *r = *state;
	static const struct spoiled table[] = {
		{ "window: 1m", "signed: \"{timestamp}.{body}\"", "wanted {id} once" },
		{ "window: 1m", "signed: \"{id}.{body}\"", "wanted {timestamp} once" },
		{ "window: 1m", "signed: \"{id}.{timestamp}\"", "wanted {body} once" },
		{ "window: 1m", "signed: \"{id}{id}.{timestamp}.{body}\"", "wanted {id} once" },
		{ "window: 1m", "signed: \"{id}.{timestamp}.{body}.{host}\"", "knows {id}" },
		{ "timestamp: x-time, ", "", "window: is for a timestamp" },
		{ "window: 1m", "window: 2h", "wanted 1s to 1h" },
		{ "window: 1m", "window: 1", "wanted 1s to 1h" },
		{ "format: base64", "format: base46", "did you mean \"base64\"?" },
		{ "x-id", "\"x id\"", "wanted the name of a header" },
		{ "header: X-Signature", "header: \"x:y\"", "wanted the name of a header" },
		{ "prefix: \"v1,\"", "prefix: \"v1 \"", "wanted a short word" },
		{ "prefix:", "prefx:", "did you mean \"prefix\"?" },
	};
	char *good = spoil(GOOD_SETTINGS, BEARER, HMAC);

	r->settings = good;
	expect_complaints(r, &r->settings, table, sizeof(table) / sizeof(table[0]));
	free(good);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, room_set_up, room_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_signing_source),
		STORY(a_source_that_signs_the_body_only),
		STORY(two_secrets),
		STORY(a_secret_in_the_url),
		STORY(what_would_prove_nothing_is_refused),
		STORY(what_is_sent_has_to_be_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
