/* Limits: what Slack would refuse is not sent, what we will recognise later is a token and nothing
 * else; and the plain layout that goes instead always passes, with its buttons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mac.h"
#include "view/limits.h"
#include "view/plain.h"

#define TOKEN "inquiry:7:0123456789abcdef0123456789abcdef"

/* $n stands for n letters, the last of them an ž. */
static struct cJSON *made(const char *pattern, size_t n)
{
	struct buf b = BUF(1 << 20);
	struct str head, tail;
	if (str_cut(str_z(pattern), '$', &head, &tail)) {
		buf_add(&b, head);
		for (size_t i = 1; i < n; i++)
			buf_addz(&b, "x");
		buf_addz(&b, n ? "ž" : "");
		buf_add(&b, tail);
	} else {
		buf_addz(&b, pattern);
	}
	struct fail fail = { 0 };
	struct cJSON *j = json_parse(buf_str(&b), &fail);
	if (!j)
		fail_msg("%s: %s", pattern, fail.why);
	buf_free(&b);
	return j;
}

static enum rc judged(const struct cJSON *j, struct fail *fail)
{
	return json_key(j, "type") ? limits_view(j, fail) : limits_message(j, fail);
}

static void expect(const char *pattern, size_t n, const char *complaint)
{
	CLEANUP(json_done) struct cJSON *j = made(pattern, n);
	struct fail fail = { 0 };
	enum rc rc = judged(j, &fail);
	if (complaint[0] ? rc == RC_OK || !strstr(fail.why, complaint) : rc != RC_OK)
		fail_msg("%s, %zu: said \"%s\", not \"%s\"", pattern, n, fail.why, complaint);
}

#define BLOCK(b)    "{\"text\":\"x\",\"blocks\":[" b "]}"
#define PLAIN(text) "{\"type\":\"plain_text\",\"text\":\"" text "\"}"
#define BUTTON(label, value)                                                                       \
	"{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"action_id\":\"yes\","          \
	"\"text\":" PLAIN(label) ",\"value\":\"" value "\"}]}"

/* Each at its limit passes and one over it does not; letters are code points, not bytes. */
static void lengths_are_counted_in_letters(void **state)
{
	static const struct {
		const char *pattern;
		size_t most;
	} table[] = {
		{ "{\"text\":\"$\"}", 4000 },
		{ BLOCK("{\"type\":\"section\",\"text\":" PLAIN("$") "}"), 3000 },
		{ BLOCK("{\"type\":\"section\",\"block_id\":\"$\",\"text\":" PLAIN("x") "}"), 255 },
		{ BLOCK("{\"type\":\"header\",\"text\":" PLAIN("$") "}"), 150 },
		{ BLOCK("{\"type\":\"context\",\"elements\":[" PLAIN("$") "]}"), 3000 },
		{ BLOCK(BUTTON("$", TOKEN)), 75 },
		{ BLOCK("{\"type\":\"rich_text\",\"elements\":[{\"type\":\"rich_text_section\","
			"\"elements\":[{\"type\":\"text\",\"text\":\"$\"}]}]}"),
		  3000 },
		{ "{\"type\":\"modal\",\"title\":" PLAIN(
			  "$") ",\"blocks\":[{\"type\":\"divider\"}]}",
		  24 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		expect(table[i].pattern, 1, "");
		expect(table[i].pattern, table[i].most, "");
		expect(table[i].pattern, table[i].most + 1, "characters, not ");
		expect(table[i].pattern, 0, "0 characters, not "); /* Slack: invalid_blocks */
	}
}

/* clang-format off */
#define RICH(kind) "{\"type\":\"rich_text_" kind "\",\"elements\":[{\"type\":\"text\",\"text\":\"x\",\"style\":{\"bold\":true}}]}"
#define INPUT \
	"{\"type\":\"input\",\"label\":" PLAIN("x") ",\"hint\":" PLAIN("x") ",\"optional\":true,\"element\":" \
	"{\"type\":\"plain_text_input\",\"action_id\":\"x\",\"placeholder\":" PLAIN("x") ",\"initial_value\":\"x\"," \
	"\"max_length\":9,\"min_length\":1,\"multiline\":true,\"focus_on_load\":true}}"
#define COMES_BACK "\"callback_id\":\"x\",\"private_metadata\":\"" TOKEN "\""
/* Whatever a template may use, with every member it may have. */
static void all_that_slack_takes_passes(void **state)
{
	static const char *const fine[] = {
		BLOCK("{\"type\":\"rich_text\",\"elements\":[" RICH("quote") "," RICH("preformatted") "]}"),
		"{\"type\":\"modal\",\"title\":" PLAIN("x") ",\"submit\":" PLAIN("x") ",\"close\":" PLAIN("x") ","
			COMES_BACK ",\"blocks\":[" INPUT "]}",
		"{\"type\":\"home\"," COMES_BACK ",\"blocks\":[{\"type\":\"divider\"}]}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		expect(fine[i], 0, "");
}
/* clang-format on */

static void counts_have_limits(void **state)
{
	static const struct {
		const char *list; /* in which $ is what is counted */
		const char *of;
		size_t most;
	} table[] = {
		{ "{\"text\":\"x\",\"blocks\":[$]}", "{\"type\":\"divider\"}", 50 },
		{ BLOCK("{\"type\":\"context\",\"elements\":[$]}"), PLAIN("x"), 10 },
		{ "{\"type\":\"modal\",\"title\":" PLAIN("x") ",\"blocks\":[$]}",
		  "{\"type\":\"divider\"}", 100 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t more = 0; more < 2; more++) {
			struct buf b = BUF(1 << 16);
			struct str head, tail;
			str_cut(str_z(table[i].list), '$', &head, &tail);
			buf_add(&b, head);
			for (size_t n = 0; n < table[i].most + more; n++) {
				buf_addz(&b, n ? "," : "");
				buf_addz(&b, table[i].of);
			}
			buf_add(&b, tail);
			expect(buf_z(&b), 0, more ? "of them, not 1 to" : "");
			buf_free(&b);
		}
}

static void what_comes_back_to_us_is_a_token(void **state)
{
	static const char *const wrong[] = {
		"{\\\"case\\\":7}",
		"yes",
		"inquiry:7",
		"inquiry:7:0123",
		"inquiry:x:0123456789abcdef0123456789abcdef",
		":7:0123456789abcdef0123456789abcdef",
		"inquiry:7:0123456789abcdef0123456789abcdef:more",
		"<!channel>",
		"<@U1>:7:0123456789abcdef0123456789abcdef",
		"",
	};
	struct arena a = ARENA(1 << 16);
	struct token real = token_make(STR("a key"), "inquiry", 7);
	(void)state;
	expect(arena_f(&a, BLOCK(BUTTON("Yes", "%s")), real.text), 0, "");
	expect(arena_f(&a,
		       "{\"type\":\"modal\",\"title\":" PLAIN("x") ",\"private_metadata\":\"%s\","
								   "\"blocks\":[{\"type\":"
								   "\"divider\"}]}",
		       real.text),
	       0, "");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect(arena_f(&a, BLOCK(BUTTON("Yes", "%s")), wrong[i]), 0,
		       "blocks: 0: elements: 0: value: wanted kind:id:mac");
		expect(arena_f(&a,
			       "{\"type\":\"modal\",\"title\":" PLAIN(
				       "x") ",\"private_metadata\":\"%s\","
					    "\"blocks\":[{\"type\":\"divider\"}]}",
			       wrong[i]),
		       0, "private_metadata: wanted kind:id:mac");
	}
	arena_clear(&a);
}

static void only_what_we_know_is_sent(void **state)
{
	(void)state;
	expect("{\"blocks\":[]}", 0, "text: wanted a string");
	expect("{\"text\":\"x\",\"blocks\":{}}", 0, "blocks: wanted an array");
	expect(BLOCK("{\"type\":\"video\"}"), 0, "is nothing we send");
	expect(BLOCK("{\"type\":\"section\"}"), 0, "text: missing");
	expect(BLOCK("{\"type\":\"section\",\"text\":\"x\"}"), 0, "wanted a text object");
	expect(BLOCK("{\"type\":\"divider\",\"x\":1}"), 0, "x: not known in a \"divider\"");
	expect(BLOCK("{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"x\"}}"), 0,
	       "verbatim: missing");
	expect(BLOCK("{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"x\","
		     "\"verbatim\":false}}"),
	       0, "not verbatim");
	expect(BLOCK("{\"type\":\"header\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"x\","
		     "\"verbatim\":true}}"),
	       0, "wanted a text object");
	expect(BLOCK("{\"type\":\"divider\",\"block_id\":\"a\"},"
		     "{\"type\":\"divider\",\"block_id\":\"a\"}"),
	       0, "block_id \"a\" twice");
}

static void the_plain_layout_passes_and_asks(void **state)
{
	CLEANUP(json_done)
	struct cJSON *doc = made("{\"case\":{\"title\":\"T\",\"summary\":\"<!channel> "
				 "$\"},\"inquiry\":{\"question\":"
				 "\"Was it you?\",\"token\":\"" TOKEN
				 "\",\"can_answer\":true,\"can_not_me\":true}}",
				 280);
	CLEANUP(json_done) struct cJSON *texts = made("{\"button_yes\":\"Yes, it was me\"}", 0);
	static const enum out_kind kinds[] = { OUT_QUESTION, OUT_CARD, OUT_ALARM };
	const struct policy policy = { .texts = texts };
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct outgoing row = { .kind = kinds[i], .case_id = 7 };
		CLEANUP(json_done) struct cJSON *content = plain_message(&policy, &row, doc);
		struct fail fail = { 0 };
		if (limits_message(content, &fail) != RC_OK)
			fail_msg("%s", fail.why);
		assert_null(strstr(json_text_at(content, "text"), "<!channel>"));
		struct buf b = BUF(1 << 16);
		json_print(content, &b);
		bool is_question = kinds[i] == OUT_QUESTION;
		assert_int_equal(strstr(buf_z(&b), "Yes, it was me") != NULL, is_question);
		assert_int_equal(strstr(buf_z(&b), "\"not_me\"") != NULL, is_question);
		assert_int_equal(strstr(buf_z(&b), "<!here>") != NULL, kinds[i] == OUT_ALARM);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_counted_in_letters),
		cmocka_unit_test(all_that_slack_takes_passes),
		cmocka_unit_test(counts_have_limits),
		cmocka_unit_test(what_comes_back_to_us_is_a_token),
		cmocka_unit_test(only_what_we_know_is_sent),
		cmocka_unit_test(the_plain_layout_passes_and_asks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
