/* What people type: which words are an answer, which a command, and which neither; who may show
 * what; and that no bytes whatever end the process (the forerunner's
 * loop died of an empty message). */
#include "handlers/command.h"
#include "handlers_world.h"

#define MONA "U0MONA"

static struct typed typed_of(const char *text)
{
	struct typed t;
	memset(&t, 0x5a, sizeof(t)); /* every field has to be written */
	command_read(str_z(text), &t);
	return t;
}

static const char *verb_of(const char *text)
{
	struct typed t = typed_of(text);
	return t.kind == TYPED_COMMAND ? t.command->verb : "";
}

/* --- reading --- */

static void commands_are_read_however_they_are_written(void **state)
{
	static const char *const table[][2] = {
		{ "help", "help" },
		{ "HELP", "help" },
		{ "  Help.  ", "help" },
		{ "help...", "help" },
		{ "help\xe2\x80\xa6", "help" },                  /* … */
		{ "\xe2\x80\x9chelp\xe2\x80\x9d", "help" },      /* “help” */
		{ "\xe2\x80\x98status\xe2\x80\x99!", "status" }, /* ‘status’ */
		{ "\xc2\xabmine\xc2\xbb", "mine" },              /* «mine» */
		{ "`mine`", "mine" },
		{ "*Mine*?", "mine" },
		{ "\"test\",", "test" },
		{ "\xc2\xa0test\xe2\x80\x8b", "test" }, /* no-break and unseen spaces */
		{ "show SB-7", "show" },
		{ "Show sb\xe2\x80\x93"
		  "7.",
		  "show" }, /* a long dash */
		{ "show sb7", "show" },
		{ "show `7`", "show" },
		{ "show #7", "" },
		{ "show", "" },
		{ "show me", "" },
		{ "show SB-0", "" },
		{ "show SB--7", "" },
		{ "show SB-99999999999999999999", "" },
		{ "show SB-7 SB-8", "" },
		{ "help me", "" },
		{ "tests", "" },
		{ "t\xc3\xa9st", "" },
		{ "", "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(verb_of(table[i][0]), table[i][1]) != 0)
			fail_msg("\"%s\" is \"%s\", not \"%s\"", table[i][0], verb_of(table[i][0]),
				 table[i][1]);
	assert_int_equal(typed_of("show sb\xe2\x80\x94"
				  "42!")
				 .case_id,
			 42);
	assert_int_equal(typed_of("").kind, TYPED_NOTHING);
	assert_int_equal(typed_of(" \t . \xe2\x80\x9c\xe2\x80\x9d ").kind, TYPED_NOTHING);
	assert_string_equal(typed_of("Frobnicate, please").word, "frobnicate");
}

/* Every way to say it that we take. */
static void each_way_to_answer_is_read(void **state)
{
	static const char *const yes[] = {
		"yes",       "y",           "Yes, it was me.", "yes that was me", "yes this was me",
		"it was me", "that was me", "Yes, I did!"
	};
	static const char *const no[] = { "no",
					  "n",
					  "No, it wasn't me",
					  "no that wasn't me",
					  "no this wasn't me",
					  "no it was not me",
					  "no that was not me",
					  "It wasn't me!",
					  "that wasn't me",
					  "it was not me",
					  "that was not me",
					  "not me",
					  "no, not me",
					  "wasn't me",
					  "no I didn't",
					  "no i did not" };
	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (typed_of(yes[i]).kind != TYPED_YES)
			fail_msg("\"%s\" is no yes", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (typed_of(no[i]).kind != TYPED_NO)
			fail_msg("\"%s\" is no no", no[i]);
}

/* Whole sentences only: a "no" that was none wakes somebody, a "yes" that was none is worse. */
static void answers_are_whole_sentences(void **state)
{
	static const struct {
		const char *text;
		enum typed_kind kind;
	} table[] = {
		{ "yes", TYPED_YES },
		{ "Y", TYPED_YES },
		{ "Yes!!", TYPED_YES },
		{ "Yes, that was me.", TYPED_YES },
		{ "\xe2\x80\x9cYes\xe2\x80\x9d \xe2\x80\x94 that was me", TYPED_YES },
		{ "NO", TYPED_NO },
		{ "n.", TYPED_NO },
		{ "No, it wasn't me", TYPED_NO },
		{ "no that wasn\xe2\x80\x99t me!", TYPED_NO },
		{ "Not me", TYPED_NO },
		{ "no problem", TYPED_UNKNOWN },
		{ "yes but the second one was not me", TYPED_UNKNOWN },
		{ "yes no", TYPED_UNKNOWN },
		{ "yes yes", TYPED_UNKNOWN },
		{ "yesterday", TYPED_UNKNOWN },
		{ "it was not me it was me", TYPED_UNKNOWN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (typed_of(table[i].text).kind != table[i].kind)
			fail_msg("\"%s\" is %d", table[i].text, (int)typed_of(table[i].text).kind);
}

/* One byte over the ceiling is no command, even if its first word is one. */
static void what_is_too_long_is_neither(void **state)
{
	char text[COMMAND_BYTES_MAX + 2];
	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "help", 4);
	text[COMMAND_BYTES_MAX] = '\0';
	assert_string_equal(verb_of(text), "help");
	text[COMMAND_BYTES_MAX] = ' ';
	text[COMMAND_BYTES_MAX + 1] = '\0';
	assert_int_equal(typed_of(text).kind, TYPED_UNKNOWN);
	assert_string_equal(typed_of(text).word, "help");
	assert_string_equal(verb_of("help help help help help help help"), "");
}

/* Bytes of every kind, and pieces of what we understand, in all disorder. */
static void no_bytes_end_the_process(void **state)
{
	static const char *const pieces[] = { "yes",
					      "no",
					      "show",
					      "SB-",
					      "7",
					      " ",
					      "'",
					      "\xe2\x80\x99",
					      "\xe2\x80",
					      "\xff",
					      "\xc0",
					      "\xf0\x9f\x91\xbb",
					      "\xed\xa0\x80",
					      "<@U0>",
					      "\xe2\x80\x9c",
					      "-",
					      ".",
					      "\x01",
					      "help",
					      "\xf4\x90\x80\x80" };
	enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };
	struct chance chance = { { 7 } };
	char text[1400] = "", label[24];
	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = 0;
		snprintf(label, sizeof(label), "fuzz %d", i);
		uint64_t bits = chance_u64(&chance, label);
		size_t want = bits % (i % 50 ? 60 : 1300);
		while (n < want) {
			bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
			const char *p = pieces[(bits >> 33) % PIECES];
			size_t len = strlen(p);
			if (bits >> 62 == 0) /* any byte at all */
				text[n++] = (char)(bits >> 40);
			else if (n + len <= sizeof(text)) {
				while (*p)
					text[n++] = *p++;
			}
		}
		char *exact = malloc(n ? n : 1); /* so that a byte too far is seen */
		assert_non_null(exact);
		memcpy(exact, text, n);
		struct typed t;
		command_read((struct str){ exact, n }, &t);
		assert_true(utf8_valid(str_z(t.word)) && strlen(t.word) <= COMMAND_WORD_MAX);
		assert_true(t.kind != TYPED_COMMAND || t.command);
		free(exact);
	}
}

/* --- saying --- */

static struct reply slash_as(struct world *w, const char *user, const char *text)
{
	struct fact f = { .kind = FACT_COMMAND, .key = "envelope:9" };
	f.as.command.user = user;
	f.as.command.channel = CHANNEL;
	f.as.command.text = text;
	return fact(w, f, true);
}

static struct fact message(const char *text, const char *ts, const char *thread_ts)
{
	struct fact f = { .kind = FACT_MESSAGE, .key = "event:Ev1" };
	f.as.message.user = ANA;
	f.as.message.channel = ANA_DM;
	f.as.message.text = text;
	f.as.message.ts = ts;
	f.as.message.thread_ts = thread_ts;
	return f;
}

/* After the question of asked(), whose message is 1764063001.000100. */
static struct reply type(struct world *w, const char *text)
{
	return fact(w, message(text, "1764063009.000000", ""), true);
}

static bool is_sheet(struct reply r, const char *template)
{
	return r.kind == REPLY_SHEET && strcmp(r.sheet.template, template) == 0;
}

static bool is_text(struct reply r, const char *key)
{
	return r.kind == REPLY_TEXT && strcmp(r.text_key, key) == 0;
}

static void each_command_has_its_layout(void **state)
{
	struct world *w = *state;
	assert_true(is_sheet(slash_as(w, ANA, "Help."), "help"));
	assert_string_equal(w->last.reply.sheet.words, "");
	assert_true(is_sheet(slash_as(w, ANA, "status"), "status"));
	assert_true(is_sheet(slash_as(w, ANA, "mine"), "mine"));
	assert_string_equal(w->last.reply.sheet.user, ANA);
	assert_true(is_sheet(slash_as(w, ANA, "frobnicate"), "help"));
	assert_string_equal(w->last.reply.sheet.words, "frobnicate");
	assert_true(is_sheet(slash_as(w, ANA, ""), "help"));
	assert_true(is_sheet(slash_as(w, ANA, "yes"), "help")); /* an answer belongs in the DM */
	assert_string_equal(w->last.reply.sheet.words, "yes");
	assert_true(is_sheet(type(w, "status"), "status"));
	assert_int_equal(changes(w), 0);
}

/* Every verb that help lists is one. */
static void help_lists_what_there_is(void **state)
{
	struct world *w = *state;
	struct reply r = slash_as(w, ANA, "help");
	size_t n = 0;
	for (; r.sheet.verbs[n]; n++) {
		const char *text =
			strcmp(r.sheet.verbs[n], "show") == 0 ? "show 1" : r.sheet.verbs[n];
		assert_string_equal(verb_of(text), r.sheet.verbs[n]);
	}
	assert_int_equal(n, 5);
}

/* "No such case" and "not yours" are the same words. */
static void a_case_is_shown_to_its_person_and_to_analysts(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	assert_true(is_sheet(slash_as(w, ANA, "show SB-1"), "show"));
	assert_false(w->last.reply.sheet.is_analyst);
	assert_int_equal(changes(w), 0);
	assert_true(is_text(slash_as(w, "U0EVE", "show SB-1"), TEXT_SHOW_NONE));
	assert_true(is_text(slash_as(w, "U0EVE", "show SB-2"), TEXT_SHOW_NONE));
	assert_true(is_text(slash_as(w, MONA, "show SB-2"), TEXT_SHOW_NONE));
	assert_true(is_sheet(slash_as(w, MONA, "show SB-1"), "show"));
	assert_true(w->last.reply.sheet.is_analyst);
	assert_int_equal(w->last.reply.sheet.case_id, 1);
	assert_int_equal(audited(w, "case.shown"), 1); /* looking at others leaves a trace */
}

/* --- typed answers --- */

#define STATE(w, n, wanted) assert_int_equal(the_inquiry((w), (n))->state, INQUIRY_##wanted)

/* Exactly what the button does, but that the record says "typed". */
static void a_typed_no_pages(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	int64_t wanted = out(w, "inquiry 1, question")->wanted;
	assert_true(is_text(type(w, "No, that wasn't me!"), "typed_recorded"));
	STATE(w, 1, NO);
	assert_true(paged(w, 1, "answered-no"));
	assert_int_equal(out(w, "inquiry 1, question")->wanted, wanted + 1);
	assert_int_equal(audited(w, "inquiry.answered"), 1);
	for (const struct change *c = w->last.first; c; c = c->next)
		if (c->kind == CHANGE_AUDIT && !strcmp(c->as.audit.action, "inquiry.answered")) {
			assert_string_equal(c->as.audit.actor, "slack:" ANA);
			assert_string_equal(c->as.audit.detail, "no, typed: OPEN to NO");
		}
}

static void a_typed_yes_is_worth_what_a_button_is(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	type(w, "yes");
	STATE(w, 1, UNPROVEN);
	assert_int_equal(the_case(w, 1)->state, CASE_CLOSED);
	/* nothing is open now, and nothing more happens */
	assert_true(is_text(type(w, "no"), "typed_none_open"));
	assert_int_equal(changes(w), 0);
	STATE(w, 1, UNPROVEN);
}

/* Slack repeats an event that it thinks was not heard. */
static void a_repeated_event_answers_no_other_question(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	type(w, "yes");
	alert_due(w, "{\"type\":\"login\",\"p\":\"P4\",\"id\":\"a2\",\"who\":\"ana@duff.example\","
		     "\"summary\":\"Another\"}");
	done(w, "inquiry 2, question");
	struct reply r = fact(w, message("yes", "1764063009.000000", ""), false);
	assert_int_equal(r.kind, REPLY_NONE);
	assert_int_equal(changes(w), 0);
	STATE(w, 2, OPEN);
}

/* D7: it must be certain which question is meant. */
static void with_two_open_the_buttons_decide(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	alert_due(w, "{\"type\":\"login\",\"p\":\"P4\",\"id\":\"a2\",\"who\":\"ana@duff.example\","
		     "\"summary\":\"Another\"}");
	claim(w, "inquiry 2, question"); /* under way: it may stand there already */
	assert_true(is_sheet(type(w, "yes"), "mine"));
	assert_string_equal(w->last.reply.sheet.words, "several");
	assert_int_equal(audited(w, "inquiry.refused_words"), 1);
	assert_int_equal(changes(w), 1);
	STATE(w, 1, OPEN);
	STATE(w, 2, OPEN);
}

/* Posted, but Slack has not said so: what the words are about is a guess, and its button works. */
static void before_it_is_known_to_stand_there_only_the_button_counts(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"p\":\"P4\",\"id\":\"a1\",\"who\":\"ana@duff.example\","
		     "\"summary\":\"A login\"}");
	found(w, "case 1, lookup, ana@duff.example", ana());
	dm_opened(w, "case 1, open dm, " ANA, ANA_DM);
	assert_true(is_text(type(w, "yes"), "typed_none_open")); /* not even sent */
	claim(w, "inquiry 1, question");
	assert_true(is_sheet(type(w, "yes"), "mine"));
	STATE(w, 1, OPEN);
	click(w, CLICK_YES);
	STATE(w, 1, UNPROVEN);
}

static void a_question_that_came_later_is_not_meant(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	struct reply r = fact(w, message("yes", "1764063000.999999", ""), true);
	assert_true(is_text(r, "typed_none_open"));
	STATE(w, 1, OPEN);
}

/* In a thread, words are about the message they stand under, and about no other. */
static void in_a_thread_its_message_is_meant(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	struct reply r = fact(w, message("yes", "1764063009.000000", "1764000000.000000"), true);
	assert_true(is_text(r, "typed_none_open"));
	STATE(w, 1, OPEN);
	r = fact(w, message("no", "1764063009.000000", "1764063001.000100"), true);
	assert_true(is_text(r, "typed_recorded"));
	STATE(w, 1, NO);
}

static void a_late_yes_is_kept_beside_for_a_day(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	pass(w, WAIT_MS + MINUTE_MS);
	due(w);
	STATE(w, 1, SILENT);
	assert_true(is_text(type(w, "yes"), "late_recorded"));
	assert_string_equal(the_inquiry(w, 1)->late, "yes");
	assert_true(is_text(type(w, "yes"), "typed_none_open"));
}

static void a_silent_one_is_over_for_words_after_a_day(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	pass(w, WAIT_MS + DAY_MS + MINUTE_MS);
	due(w);
	assert_true(is_text(type(w, "yes"), "typed_none_open"));
	STATE(w, 1, SILENT);
	click(w, CLICK_NO); /* its button works */
	STATE(w, 1, NO);
}

static int up(void **state)
{
	static const char *const analysts[] = { MONA };
	world_policy.analysts = analysts;
	world_policy.analysts_n = 1;
	return world_up(state);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, up, world_down)
	const struct CMUnitTest tests[] = {
		STORY(commands_are_read_however_they_are_written),
		STORY(each_way_to_answer_is_read),
		STORY(answers_are_whole_sentences),
		STORY(what_is_too_long_is_neither),
		STORY(no_bytes_end_the_process),
		STORY(each_command_has_its_layout),
		STORY(help_lists_what_there_is),
		STORY(a_case_is_shown_to_its_person_and_to_analysts),
		STORY(a_typed_no_pages),
		STORY(a_typed_yes_is_worth_what_a_button_is),
		STORY(a_repeated_event_answers_no_other_question),
		STORY(with_two_open_the_buttons_decide),
		STORY(before_it_is_known_to_stand_there_only_the_button_counts),
		STORY(a_question_that_came_later_is_not_meant),
		STORY(in_a_thread_its_message_is_meant),
		STORY(a_late_yes_is_kept_beside_for_a_day),
		STORY(a_silent_one_is_over_for_words_after_a_day),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
