/* Digests against published vectors, tokens, secrets, and what a log line may not be made to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mac.h"
#include "base/secret.h"

static void digests_match_the_standards(void **state)
{
	uint8_t mac[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];

	(void)state;
	sha256(STR("abc"), mac); /* FIPS 180-2, B.1 */
	hex_encode(mac, sizeof(mac), hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256((struct str){ NULL, 0 }, mac);
	hex_encode(mac, sizeof(mac), hex);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), mac); /* RFC 4231, case 2 */
	hex_encode(mac, sizeof(mac), hex);
	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	hmac_sha256((struct str){ NULL, 0 }, (struct str){ NULL, 0 }, mac);
	hex_encode(mac, sizeof(mac), hex);
	assert_string_equal(hex,
			    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void encodings_match_rfc_4648(void **state)
{
	static const char *const base32[] = { "",        "my",       "mzxq",      "mzxw6",
					      "mzxw6yq", "mzxw6ytb", "mzxw6ytboi" };
	char out[17];
	uint8_t bytes[3] = { 9, 9, 9 };

	(void)state;
	for (size_t n = 0; n <= 6; n++) {
		base32_encode((const uint8_t *)"foobar", n, out);
		assert_string_equal(out, base32[n]);
	}
	assert_true(hex_decode(STR("00fFaB"), bytes, 3));
	assert_true(bytes[0] == 0 && bytes[1] == 0xff && bytes[2] == 0xab);
	assert_false(hex_decode(STR("00ff0"), bytes, 3));
	assert_false(hex_decode(STR("00ff0g"), bytes, 3));
	assert_false(hex_decode(STR("00ff0011"), bytes, 3));
	assert_int_equal(bytes[2], 0xab);
}

/* The vectors of RFC 4648, and what libcrypto alone would let pass. */
static void base64_is_read_strictly(void **state)
{
	static const char *const texts[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
					     "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	static const char *const odd[] = { "Zg",   "Zg=",   "Zh==",   "Zg==\n", " Zg=",    "Z===",
					   "====", "Zm9v=", "Zm9vYg", "Zm9_",   "Zg==Zg==" };
	char out[BASE64_BYTES(6)];
	uint8_t bytes[6] = { 9 };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i <= 6; i++) {
		base64_encode((const uint8_t *)"foobar", i, out);
		assert_string_equal(out, texts[i]);
		if (i == 0)
			continue;
		assert_true(base64_decode(str_z(texts[i]), bytes, sizeof(bytes), &n));
		assert_int_equal(n, i);
		assert_memory_equal(bytes, "foobar", i);
	}
	assert_false(base64_decode(STR(""), bytes, sizeof(bytes), &n));
	assert_false(base64_decode(STR("Zm9vYmFy"), bytes, 5, &n));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_false(base64_decode(str_z(odd[i]), bytes, sizeof(bytes), &n));
}

static void only_our_own_tokens_are_read(void **state)
{
	const struct str key = STR("0123456789abcdef"), other = STR("0123456789abcdeF");
	struct token t = token_make(key, "inquiry", 42);
	struct str kind = STR("none");
	int64_t id = 0;

	(void)state;
	assert_memory_equal(t.text, "inquiry:42:", 11);
	assert_int_equal(strlen(t.text), 11 + 32);
	assert_true(token_read(key, str_z(t.text), &kind, &id));
	assert_true(str_is(kind, "inquiry") && id == 42);
	assert_false(token_read(other, str_z(t.text), &kind, &id));
	for (size_t i = 0; i < strlen(t.text); i++) {
		struct token forged = t;
		forged.text[i] = forged.text[i] == '1' ? '2' : '1';
		assert_false(token_read(key, str_z(forged.text), &kind, &id));
		assert_false(token_read(key, (struct str){ t.text, i }, &kind, &id));
	}
	t = token_make(key, "abcdefghijklmno_", INT64_MIN);
	assert_true(token_read(key, str_z(t.text), &kind, &id) && id == INT64_MIN);
	assert_false(
		token_read(key, STR("inquiry:042:00000000000000000000000000000000"), &kind, &id));
	assert_false(token_read(key, STR(""), &kind, &id));
}

static void chance_differs_by_label(void **state)
{
	struct chance a = { { 1 } }, b = { { 2 } };

	(void)state;
	assert_true(chance_u64(&a, "seed") == chance_u64(&a, "seed"));
	assert_true(chance_u64(&a, "seed") != chance_u64(&a, "nonce"));
	assert_true(chance_u64(&a, "seed") != chance_u64(&b, "seed"));
}

static void secrets_are_bounded_and_wiped(void **state)
{
	char many[SECRET_MAX];
	struct secret s = secret_from(STR("xoxb-1"));

	(void)state;
	assert_true(str_is(secret_str(&s), "xoxb-1"));
	secret_wipe(&s);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.text[0], 0);
	memset(many, 'x', sizeof(many));
	assert_int_equal(secret_from((struct str){ many, sizeof(many) }).n, 0);
	assert_int_equal(secret_from((struct str){ many, sizeof(many) - 1 }).n, sizeof(many) - 1);
}

static char seen[4096];

static void keep(void *self, const char *line)
{
	(void)self;
	assert_true(strlen(line) < sizeof(seen));
	memcpy(seen, line, strlen(line) + 1);
}

static int64_t one_instant(void) { return 951827696789; }

static void a_value_cannot_leave_its_field(void **state)
{
	char much[3000];

	(void)state;
	log_sink(keep, NULL);
	log_line(LOG_LEVEL_WARN, "alert.refused",
		 "source=%s n=%d rows=%zu id=%" PRId64 " x=%x why=\"%.*s\"", "okta", -1, (size_t)2,
		 INT64_C(1) << 40, 255U, 7, "a \"b\"=\nX");
	assert_string_equal(
		seen,
		"level=warn event=alert.refused source=okta n=-1 rows=2 id=1099511627776 x=ff "
		"why=\"a \\\"b\\\"=\\n\"");
	log_line(LOG_LEVEL_ERROR, "x", "a=%s b=%s c=%s d=%s e=%s", "p q=r", "",
		 "\x1b[31m\xff\xc2\x9b", "\xc3\xa9", "a\\b");
	assert_string_equal(
		seen,
		"level=error event=x a=\"p q=r\" b=\"\" c=\"\\x1b[31m\\xff\\xc2\\x9b\" d=\xc3\xa9 "
		"e=\"a\\\\b\"");
	memset(much, 'm', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	log_line(LOG_LEVEL_ERROR, "x", "a=%s b=%s", much, "\"");
	assert_null(strchr(seen, '\n'));
	log_sink(NULL, NULL);
}

static void levels_and_clock(void **state)
{
	(void)state;
	log_sink(keep, NULL);
	log_clock(one_instant);
	log_line(LOG_LEVEL_WARN, "loud", NULL);
	assert_string_equal(seen, "ts=2000-02-29T12:34:56.789Z level=warn event=loud");
	log_clock(NULL);
	log_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_match_the_standards),
		cmocka_unit_test(encodings_match_rfc_4648),
		cmocka_unit_test(base64_is_read_strictly),
		cmocka_unit_test(only_our_own_tokens_are_read),
		cmocka_unit_test(chance_differs_by_label),
		cmocka_unit_test(secrets_are_bounded_and_wiped),
		cmocka_unit_test(a_value_cannot_leave_its_field),
		cmocka_unit_test(levels_and_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
