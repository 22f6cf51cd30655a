/* A source that signs: what is signed, what is believed, and what all others are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "door/door.h"
#include "model/policy.h"

#define NOW_S  1764063000
#define NOW_MS (INT64_C(1000) * NOW_S)
#define BODY   "{\"a\":1}"
#define CONSTANT                                                                                   \
	"{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,"                     \
	"\"detail\":\"wrong or missing credentials for this source\"}"

#define URL_WORD "aVeryLongSecretInThePath-0123456789"

static struct arena arena = { .limit = 4 << 20 };
static struct source sources[3];
static struct policy policy = { .sources = sources, .sources_n = 3 };

/* One request; each story changes what it is about. */
static struct {
	struct header headers[6];
	const char *path;
	struct str body;
	struct door_clock clock;
} asks;
enum { SIGNATURE, TIMESTAMP, ID, BEARER, HEADERS_N };

static const char *hex_of(const char *key, const char *text)
{
	static char hex[4][2 * MAC_BYTES + 1];
	static unsigned turn;
	uint8_t mac[MAC_BYTES];

	turn = (turn + 1) % 4;
	hmac_sha256(str_z(key), str_z(text), mac);
	hex_encode(mac, MAC_BYTES, hex[turn]);
	return hex[turn];
}

static const char *base64_of(const char *key, const char *text)
{
	static char base64[BASE64_BYTES(MAC_BYTES)];
	uint8_t mac[MAC_BYTES];

	hmac_sha256(str_z(key), str_z(text), mac);
	base64_encode(mac, MAC_BYTES, base64);
	return base64;
}

static int furnish(void **state)
{
	(void)state;
	sources[0] = (struct source){ .name = "edr" };
	sources[0].hmac = (struct hmac_rule){ .keys = { secret_from(STR("key one")) },
					      .header = "x-signature",
					      .prefix = "sha256=",
					      .text = "{id}.{timestamp}.{body}",
					      .timestamp = "x-timestamp",
					      .id = "x-id",
					      .window_ms = 300 * 1000 };
	sources[1] = (struct source){ .name = "okta", .bearer = secret_from(STR("key one")) };
	sources[2] = (struct source){ .name = "splunk", .url_secret = secret_from(STR(URL_WORD)) };
	asks.headers[SIGNATURE] = (struct header){ "x-signature", "" };
	asks.headers[TIMESTAMP] = (struct header){ "x-timestamp", "1764063000" };
	asks.headers[ID] = (struct header){ "x-id", "msg_1" };
	asks.headers[BEARER] = (struct header){ "authorization", "" };
	asks.path = "/v1/alerts/edr";
	asks.body = STR(BODY);
	asks.clock = (struct door_clock){ .wall_ms = NOW_MS };
	return 0;
}

static int forget(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static struct door read_it(void)
{
	struct arrival a = { .kind = ARRIVAL_ASKED };
	struct door d;

	a.asked.method = "POST";
	a.asked.path = asks.path;
	a.asked.query = "";
	a.asked.headers = asks.headers;
	a.asked.headers_n = HEADERS_N;
	a.asked.body = asks.body;
	door_read(&a, &policy, &asks.clock, &arena, &d);
	return d;
}

static void sign(const char *text)
{
	asks.headers[SIGNATURE].value =
		arena_f(&arena, "%s%s", sources[0].hmac.prefix, hex_of("key one", text));
}

static void assert_stranger(void)
{
	struct door d = read_it();

	assert_int_equal(d.kind, DOOR_PROBLEM);
	assert_int_equal(d.status, 401);
	assert_string_equal(d.body, CONSTANT);
}

static struct door assert_let_in(void)
{
	struct door d = read_it();

	if (d.kind == DOOR_PROBLEM)
		fail_msg("refused: %s", d.body);
	assert_int_equal(d.kind, DOOR_FACT);
	return d;
}

/* RFC 4231, test case 2: the base is right. */
static void the_mac_is_the_one_of_the_rfc(void **state)
{
	(void)state;
	assert_string_equal(hex_of("Jefe", "what do ya want for nothing?"),
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_string_equal(base64_of("Jefe", "what do ya want for nothing?"),
			    "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
}

static void a_right_signature_brings_its_delivery(void **state)
{
	(void)state;
	sign("msg_1.1764063000." BODY);
	struct door d = assert_let_in();
	assert_string_equal(d.facts[0].as.alert.delivery, "msg_1");
	assert_string_equal(d.facts[0].as.alert.delivery_digest, d.facts[0].as.alert.digest);
	assert_null(d.facts[0].as.alert.doubt);
	/* Written in capitals it is the same number. */
	static char upper[80];
	(void)snprintf(upper, sizeof(upper), "%s", asks.headers[SIGNATURE].value);
	for (size_t i = 7; upper[i]; i++)
		upper[i] = upper[i] >= 'a' ? (char)(upper[i] - 32) : upper[i];
	asks.headers[SIGNATURE].value = upper;
	(void)assert_let_in();
}

/* Each of them is told the same bytes. */
static void whoever_can_not_sign_is_a_stranger(void **state)
{
	const char *right, *cut;

	(void)state;
	sign("msg_1.1764063000." BODY);
	right = asks.headers[SIGNATURE].value;
	cut = arena_str(&arena, (struct str){ right, strlen(right) - 1 });
	const struct {
		const char *path, *signature, *timestamp, *id;
		struct str body;
	} cases[] = {
		{ "/v1/alerts/edr", right, "1764063000", "msg_1", STR("{\"a\":2}") },
		{ "/v1/alerts/edr", right, "1764063001", "msg_1", STR(BODY) },
		{ "/v1/alerts/edr", right, "1764063000", "msg_2", STR(BODY) },
		{ "/v1/alerts/edr", right, "1764063000", "", STR(BODY) },
		{ "/v1/alerts/edr", right, "", "msg_1", STR(BODY) },
		{ "/v1/alerts/edr", "", "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/edr", "sha256=", "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/edr", cut, "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/edr", right + 7, "1764063000", "msg_1", STR(BODY) }, /* no prefix */
		{ "/v1/alerts/nobody", right, "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/okta", right, "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/splunk", right, "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/edr/" URL_WORD, right, "1764063000", "msg_1", STR(BODY) },
		{ "/v1/alerts/splunk/" URL_WORD "x", "", "", "", STR(BODY) },
		{ "/v1/alerts/splunk/x", "", "", "", STR("not JSON") },
		{ "/v1/alerts/nobody/" URL_WORD, "", "", "", STR(BODY) },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asks.path = cases[i].path;
		asks.headers[SIGNATURE].value = cases[i].signature;
		asks.headers[TIMESTAMP].value = cases[i].timestamp;
		asks.headers[ID].value = cases[i].id;
		asks.body = cases[i].body;
		assert_stranger();
	}
	/* A bearer is no way in where signatures are wanted, also an empty one. */
	asks.path = "/v1/alerts/edr";
	asks.headers[BEARER].value = "Bearer ";
	assert_stranger();
	asks.headers[BEARER].value = "Bearer key one";
	assert_stranger();
}

static void a_delivery_id_can_not_be_moved_into_the_rest(void **state)
{
	static const char *const ids[] = { "a.1764063000", "a b", "a{body}", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		asks.headers[ID].value = ids[i];
		sign(arena_f(&arena, "%s.1764063000." BODY, ids[i]));
		assert_stranger();
	}
	char id[130];
	memset(id, 'a', sizeof(id));
	id[129] = '\0';
	asks.headers[ID].value = id;
	sign(arena_f(&arena, "%s.1764063000." BODY, id));
	assert_stranger();
	id[128] = '\0';
	sign(arena_f(&arena, "%s.1764063000." BODY, id));
	(void)assert_let_in();
}

/* "old timestamp: 401", and one from the future, too: both edges. */
static void the_window_is_shut_on_both_sides(void **state)
{
	static const struct {
		const char *timestamp;
		bool is_fresh;
	} cases[] = {
		{ "1764062700", true },
		{ "1764062699", false },
		{ "1764063300", true },
		{ "1764063301", false },
		{ "1764062640", false }, /* six minutes old */
		{ "1764062700000", true },
		{ "1764062699999", false }, /* milliseconds */
		{ "0", false },
		{ "-1764063000", false },
		{ "1764063000.5", false },
		{ "soon", false },
		{ "99999999999999999", false },
		{ "9223372036854775807", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asks.headers[TIMESTAMP].value = cases[i].timestamp;
		sign(arena_f(&arena, "msg_1.%s." BODY, cases[i].timestamp));
		struct door d = read_it();
		assert_int_equal(d.kind, cases[i].is_fresh ? DOOR_FACT : DOOR_PROBLEM);
		if (cases[i].is_fresh)
			continue;
		assert_int_equal(d.status, 401);
		assert_non_null(strstr(d.body, "its timestamp is too far from our clock"));
		assert_string_equal(d.source, "edr"); /* the operator reads it in the log */
		assert_non_null(d.odd);
	}
}

/* F26: our own clock is no reason to refuse an alert; the record says that it was not asked. */
static void an_unsure_clock_refuses_nobody_who_can_sign(void **state)
{
	(void)state;
	asks.clock.is_unsure = true;
	asks.headers[TIMESTAMP].value = "1700000000";
	sign("msg_1.1700000000." BODY);
	struct door d = assert_let_in();
	assert_non_null(strstr(d.facts[0].as.alert.doubt, "not synchronised"));
	assert_non_null(d.odd);
	sign("msg_1.1700000001." BODY);
	assert_stranger();
	asks.headers[TIMESTAMP].value = "1764063000"; /* and a fresh one is not worth a word */
	sign("msg_1.1764063000." BODY);
	d = assert_let_in();
	assert_null(d.facts[0].as.alert.doubt);
}

static void two_keys_while_they_are_rotated(void **state)
{
	const char *text = "msg_1.1764063000." BODY;

	(void)state;
	asks.headers[SIGNATURE].value = arena_f(&arena, "sha256=%s", hex_of("key two", text));
	assert_stranger();
	sources[0].hmac.keys[1] = secret_from(STR("key two"));
	(void)assert_let_in();
	sign(text);
	(void)assert_let_in();
	/* No second key is no key, not an empty one. */
	sources[0].hmac.keys[1] = (struct secret){ .n = 0 };
	asks.headers[SIGNATURE].value = arena_f(&arena, "sha256=%s", hex_of("", text));
	assert_stranger();
}

/* As PagerDuty sends them (commas) and as Standard Webhooks does (spaces; a comma in the prefix).
 */
static void several_signatures_in_one_header(void **state)
{
	struct hmac_rule *rule = &sources[0].hmac;
	const char *text = "msg_1.1764063000." BODY, *good = hex_of("key one", text);

	(void)state;
	rule->prefix = "v1=";
	asks.headers[SIGNATURE].value =
		arena_f(&arena, "v1=%s,v1=%s", hex_of("another", text), good);
	(void)assert_let_in();
	asks.headers[SIGNATURE].value = arena_f(&arena, "v1=%s, v0=%s", "00", good);
	assert_stranger();
	rule->prefix = "v1,";
	rule->is_base64 = true;
	asks.headers[SIGNATURE].value =
		arena_f(&arena, "v1a,AAAA v1,%s", base64_of("key one", text));
	(void)assert_let_in();
	asks.headers[SIGNATURE].value =
		arena_f(&arena, "v1,%s=", base64_of("key one", text)); /* one = too many */
	assert_stranger();
	CLEANUP(buf_free) struct buf many = BUF(4096);
	for (int i = 0; i < 8; i++)
		buf_addz(&many, "v1,AAAA ");
	buf_addf(&many, "v1,%s", base64_of("key one", text)); /* the ninth is not read */
	asks.headers[SIGNATURE].value = buf_z(&many);
	assert_stranger();
}

/* GitHub: only the body is signed; nothing says when, so the body itself has to be new. */
static void a_signed_body_alone(void **state)
{
	(void)state;
	sources[0].hmac.text = "{body}";
	sources[0].hmac.timestamp = sources[0].hmac.id = "";
	sign(BODY);
	struct door d = assert_let_in();
	assert_null(d.facts[0].as.alert.delivery);
}

static void a_secret_in_the_path(void **state)
{
	(void)state;
	asks.path = "/v1/alerts/splunk/" URL_WORD;
	struct door d = assert_let_in();
	assert_string_equal(d.facts[0].as.alert.source, "splunk");
	assert_null(strstr(d.facts[0].key, URL_WORD));
	asks.path = "/v1/alerts/splunk";
	assert_stranger();
	/* The bearer of another way of proving, with a secret in the path besides, is no way in. */
	asks.path = "/v1/alerts/okta/" URL_WORD;
	asks.headers[BEARER].value = "Bearer key one";
	assert_stranger();
	asks.path = "/v1/alerts/okta";
	(void)assert_let_in();
}

/* --- vectors ------------------------------------------------------------------------------- */

static struct cJSON *vectors(void)
{
	struct buf CLEANUP(buf_free) b = BUF(1 << 20);
	struct fail fail = { .rc = RC_OK };
	char piece[4096];
	FILE *f = fopen("../shared/vendors/vectors/webhook_hmac.json", "re");

	if (f == NULL)
		return NULL;
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		buf_add(&b, (struct str){ piece, n });
	(void)fclose(f);
	struct cJSON *j = json_parse(buf_str(&b), &fail);
	if (j == NULL)
		fail_msg("%s", fail.why);
	return j;
}

/* The vendors' own examples. GitHub's payload is no JSON: it is known, and then not understood. */
static void the_vendors_vectors(void **state)
{
	struct hmac_rule *rule = &sources[0].hmac;
	struct cJSON CLEANUP(json_done) *j = vectors();

	(void)state;
	if (j == NULL) {
		print_message("SKIP: ../shared is not there\n");
		skip();
	}
	rule->text = "{body}";
	rule->timestamp = rule->id = "";
	rule->keys[0] = secret_from(str_z(json_text_at(j, "github.secret")));
	asks.headers[SIGNATURE].value = json_text_at(j, "github.value");
	asks.body = str_z(json_text_at(j, "github.payload"));
	struct door d = read_it();
	assert_int_equal(d.status, 400);
	asks.body = STR("Hello, World?");
	assert_stranger();

	rule->prefix = "v1=";
	rule->keys[0] = secret_from(str_z(json_text_at(j, "pagerduty_v3_webhook.secret")));
	asks.headers[SIGNATURE].value = json_text_at(j, "pagerduty_v3_webhook.value");
	asks.body = str_z(json_text_at(j, "pagerduty_v3_webhook.body"));
	(void)assert_let_in();
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, furnish, forget)
	const struct CMUnitTest tests[] = {
		STORY(the_mac_is_the_one_of_the_rfc),
		STORY(a_right_signature_brings_its_delivery),
		STORY(whoever_can_not_sign_is_a_stranger),
		STORY(a_delivery_id_can_not_be_moved_into_the_rest),
		STORY(the_window_is_shut_on_both_sides),
		STORY(an_unsure_clock_refuses_nobody_who_can_sign),
		STORY(two_keys_while_they_are_rotated),
		STORY(several_signatures_in_one_header),
		STORY(a_signed_body_alone),
		STORY(a_secret_in_the_path),
		STORY(the_vendors_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
