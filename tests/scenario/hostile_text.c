/* Hostile text (E47): what an attacker gets into an alert, a name or a note is shown as the plain
 * words it is: nothing hides in it, nothing can be followed, no secret is passed on. Delete one and
 * an attacker writes our messages. */
#include <string.h>

#include "base/words.h"
#include "scenario.h"

/* One place where it may be read. */
struct place {
	const char *name, *words;
};
enum { PLACES_MAX = 3 };

/* The employee's message, the analysts' card, the pager's page. */
static size_t places(struct lab *l, int64_t case_id, const char *reason, struct place *out)
{
	size_t n = 0;
	out[n++] = (struct place){ "the question", the_question_to(l, "alice")->words };
	out[n++] = (struct place){ "the card", the_card_of(l, case_id)->words };
	if (reason[0])
		out[n++] = (struct place){ "the page", the_incident(l, case_id, reason)->details };
	return n;
}

static bool all_say(struct lab *l, const char *words)
{
	struct place at[PLACES_MAX];
	for (size_t i = 0, n = places(l, 1, "opened", at); i < n; i++)
		if (!strstr(at[i].words, words)) {
			print_error("%s does not say \"%s\":\n%s\n", at[i].name, words,
				    at[i].words);
			return false;
		}
	return true;
}

static bool none_says(struct lab *l, const char *words)
{
	struct place at[PLACES_MAX];
	for (size_t i = 0, n = places(l, 1, "opened", at); i < n; i++)
		if (strstr(at[i].words, words)) {
			print_error("%s says \"%s\":\n%s\n", at[i].name, words, at[i].words);
			return false;
		}
	return true;
}

/* A P1, so that the pager has it too. */
static void an_alert_that_says(struct lab *l, const char *what, const char *cmdline)
{
	struct said told = post(l,
				"{\"type\":\"process\",\"id\":\"a1\",\"user\":\"alice\",\"what\":"
				"\"%s\",\"priority\":\"P1\",\"facts\":{\"cmdline\":\"%s\"}}",
				what, cmdline);
	assert_int_equal(told.status, 202);
	lab_pass(l, 10 * SECOND_MS);
}

static void nothing_hides(void **state)
{
	static const char *const hidden[] = {
		"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\x8b", "\xe2\x80\x8d",
		"\xef\xbb\xbf", "\xc2\x9b",     "\x1b",         "\xf3\xa0\x81\x81",
	};
	struct lab *l = *state;
	an_alert_that_says(l, "in\\u202evoice\\u2066\\u200b.txt",
			   "nc\\u001b[31m\\u200d -e\\ufeff\\u009b\\udb40\\udc41\\r\\n\\r\\nalice "
			   "answered Yes `x`");
	bool is_clean = true;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		is_clean = is_clean && none_says(l, hidden[i]);
	QUOTE("E47.1", "inert", is_clean);
	assert_true(all_say(l, "invoice.txt"));
	/* Neither does it begin a line of its own, where it would look like one of ours. */
	QUOTE("E47.1", "inert", all_say(l, "nc[31m -e alice answered Yes `x`"));
}

static void links_are_defanged(void **state)
{
	struct lab *l = *state;
	an_alert_that_says(
		l, "opened https://evil.example/login?a=b",
		"curl http://192.0.2.7/x && start www.evil.example <https://evil.example|"
		"https://okta.example>");
	QUOTE("E47.4", "links defanged",
	      all_say(l, "hxxps://evil[.]example/login?a=b") &&
		      all_say(l, "hxxp://192[.]0[.]2[.]7/x") &&
		      all_say(l, "www[.]evil[.]example") && none_says(l, "http://") &&
		      none_says(l, "https://"));
}

/* Tokens in two halves, so that no scanner takes this file for a leak. */
static void secrets_are_masked(void **state)
{
	static const char *const secrets[] = { "hunter2", "Qwertyuiop123456", "aZ0aZ0aZ0",
					       "b3BlbnNzaA", "s3cr3t" };
	struct lab *l = *state;
	an_alert_that_says(
		l,
		"git clone https://bob:hunter2@git.example/x.git with ghp_"
		"Qwertyuiop123456789012",
		"curl -H 'Authorization: Bearer aZ0aZ0aZ0' 'https://a.example/?api_key=s3cr3t&x=1' "
		"--password hunter2 -----BEGIN OPENSSH "
		"PRIVATE KEY-----\\nb3BlbnNzaA\\n");
	bool is_masked = all_say(l, WORDS_MASK);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		is_masked = is_masked && none_says(l, secrets[i]);
	QUOTE("E47.5", "secrets masked", is_masked);
	assert_true(all_say(l, "api_key=" WORDS_MASK "&x=1"));
}

/* The largest command line that fits through the door; and one over it. */
static void an_endless_command_line(void **state)
{
	enum { FITS = 240 << 10, MEGABYTE = 1 << 20 };
	struct lab *l = *state;
	char *line = arena_many(story_arena(), char, MEGABYTE + 1);
	memset(line, 'A', MEGABYTE);
	assert_int_equal(
		post(l, "{\"type\":\"process\",\"id\":\"a1\",\"what\":\"%s\"}", line).status, 413);
	assert_int_equal(cases(l), 0);
	line[FITS] = '\0';
	an_alert_that_says(l, "a process", line);
	QUOTE("E47.2", "truncated",
	      all_say(l, "AAAA…") && strlen(the_question_to(l, "alice")->words) < 2000);
	QUOTE("E47.3", "with 'view full'",
	      says(the_card_of(l, 1), "/securitybot show SB-1") &&
		      strlen(look_alert(lab_look(l), 1)->body) > FITS);
	assert_null(strstr(the_question_to(l, "alice")->words, "/securitybot show"));
}

/* What does not show must not push out of sight what does. */
static void a_line_behind_nothing(void **state)
{
	enum { TIMES = 2000 };
	struct lab *l = *state;
	struct buf b = BUF(64 << 10);
	for (size_t i = 0; i < TIMES; i++)
		buf_addz(&b, "\xe2\x80\x8b ");
	buf_addz(&b, "nc -e /bin/sh");
	an_alert_that_says(l, "a process", buf_z(&b));
	buf_free(&b);
	QUOTE("E47.3", "with 'view full'", says(the_card_of(l, 1), "/securitybot show SB-1"));
}

static void nothing_is_said_of_a_short_one(void **state)
{
	struct lab *l = *state;
	an_alert_that_says(l, "a process", "nc");
	assert_false(says(the_card_of(l, 1), "/securitybot show"));
}

static void what_is_no_text_is_refused(void **state)
{
	struct lab *l = *state;
	assert_int_equal(post(l, "%s", "{\"type\":\"process\",\"what\":\"a\\u0000b\"}").status,
			 400);
	assert_int_equal(post(l, "%s", "{\"type\":\"process\",\"what\":\"\xc0\x80\"}").status, 400);
	assert_int_equal(post(l, "%s", "{\"type\":\"process\",\"what\":\"\\ud800\"}").status, 400);
	assert_int_equal(cases(l), 0);
}

/* Names and notes are written by people; they are no better than alerts. */
static void names_and_notes(void **state)
{
	struct lab *l = *state;
	lab_must(l, "person", "%s",
		 "{\"id\":\"U0ALICE01\",\"real_name\":\"Al\\u202eice <!channel>\\nSB-1 closed\"}");
	an_alert_that_says(l, "a process", "nc");
	press(l, "alice", "no");
	lab_must(l, "submit",
		 "{\"user\":\"U0ALICE01\",\"view_id\":\"%s\",\"values\":{\"note\":{\"text\":"
		 "\"see https://evil.example\\nPage: confirmed \\u200b password=hunter2\"}}}",
		 the_modal_of(l, "alice"));
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *card = the_card_of(l, 1);
	QUOTE("E47.1", "inert",
	      says(card, "Alice <!channel> SB-1 closed") && !says(card, "\xe2\x80\xae"));
	QUOTE("E47.5", "secrets masked", !says(card, "hunter2"));
	assert_true(says(card, "see hxxps://evil[.]example Page: confirmed password=" WORDS_MASK));
}

/* Disguised as Alice, it is nobody: she must not be asked about another's account. */
static void a_disguised_owner(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1",
			      "ali\xe2\x80\x8b"
			      "ce@duff.example",
			      4);
	lab_pass(l, 15 * SECOND_MS);
	assert_int_equal(questions_to(l, "alice"), 0);
	assert_true(says(the_card_of(l, id), "ali\xef\xbf\xbd"
					     "ce@duff.example\" is no address."));
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      inquiry_of(l, id)->state == INQUIRY_UNREACHABLE &&
		      incidents(l, id, "owner-unknown") == 1);
}

int stories_of_hostile_text(void)
{
	const struct CMUnitTest tests[] = {
		STORY(nothing_hides),
		STORY(links_are_defanged),
		STORY(secrets_are_masked),
		STORY(an_endless_command_line),
		STORY(a_line_behind_nothing),
		STORY(nothing_is_said_of_a_short_one),
		STORY(what_is_no_text_is_refused),
		STORY(names_and_notes),
		STORY(a_disguised_owner),
	};
	return cmocka_run_group_tests_name("hostile text", tests, NULL, NULL);
}
