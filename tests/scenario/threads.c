/* The thread under a case's card (E02): what became of it, once for each piece of news, so that an
 * analyst is notified of it, which Slack does for no edit. Delete one of these and the channel may
 * be told twice, in the wrong place, or never. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

/* All replies of ours under a case's card, the oldest first. */
enum { REPLIES_MAX = 8 };
struct thread {
	const struct seen *at[REPLIES_MAX];
	size_t n;
};

static struct thread thread_of(struct lab *l, int64_t case_id)
{
	struct thread t = { .n = 0 };
	const struct seen *card = the_card_of(l, case_id);
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	for (const struct cJSON *c = json_first(json_key(state, "channels")); c; c = json_next(c))
		for (const struct cJSON *m = json_first(json_key(c, "messages")); m;
		     m = json_next(m)) {
			const struct seen *seen = story_seen(json_text_at(c, "id"), m);
			if (strcmp(seen->thread_ts, card->ts) != 0)
				continue;
			assert_string_equal(seen->channel, card->channel);
			assert_true(t.n < REPLIES_MAX);
			t.at[t.n++] = seen;
		}
	return t;
}

/* Exactly these, whatever their order: two that go out in one second may overtake each other. */
static void expect_thread(struct lab *l, int64_t case_id, size_t n, const char *const *words)
{
	struct thread t = thread_of(l, case_id);
	bool is_right = t.n == n;
	for (size_t i = 0; i < n; i++) {
		size_t found = 0;
		for (size_t k = 0; k < t.n; k++)
			found += says(t.at[k], words[i]);
		is_right = is_right && found == 1;
		if (found != 1)
			print_error("%zu replies say \"%s\"\n", found, words[i]);
	}
	for (size_t k = 0; k < t.n && !is_right; k++)
		print_error("a reply: %s\n", t.at[k]->words);
	assert_true(is_right);
}
#define EXPECT_THREAD(l, id, ...)                                                                  \
	expect_thread((l), (id), sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *),    \
		      (const char *const[]){ __VA_ARGS__ })

#define NO_NEWS   "Alice Archer answered No at 15 Jan 08:00 UTC: it was not them."
#define PAGE_NEWS "The person on call was paged (the owner says no): confirmed 15 Jan 08:00 UTC."

static void a_no_is_news_and_so_is_the_page(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	assert_int_equal(thread_of(l, id).n, 0); /* the card itself says that it asks */
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	struct thread t = thread_of(l, id);
	QUOTE("E02.3", "the channel thread gets the answer", t.n == 2 && says(t.at[0], NO_NEWS));
	EXPECT_THREAD(l, id, NO_NEWS, PAGE_NEWS);
	/* What a phone shows before anybody opens it, and nobody is shouted at. */
	assert_true(says(t.at[0], "SB-1 P4: the owner says no"));
	assert_true(says(t.at[1], "SB-1 P4: the person on call was paged"));
	for (size_t i = 0; i < t.n; i++)
		assert_null(strstr(t.at[i]->json, "mrkdwn"));
	lab_pass(l, 2 * HOUR_MS);
	assert_int_equal(thread_of(l, id).n, 2);
}

/* Her note is edited into the answer: one message, not two. */
static void her_note_is_written_under_her_answer(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	lab_must(l, "submit",
		 "{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":{\"note\":{\"text\":\"I am on "
		 "holiday <!channel> *since* Friday.\"}}}",
		 id_of(l, "alice"), the_modal_of(l, "alice"));
	lab_pass(l, 10 * SECOND_MS);
	EXPECT_THREAD(l, id, NO_NEWS, PAGE_NEWS);
	const struct seen *answer = thread_of(l, id).at[0];
	assert_true(says(answer, "Note from Alice Archer: "));
	assert_true(says(answer, "I am on holiday <!channel> *since* Friday."));
	assert_null(strstr(answer->json, "mrkdwn"));
	assert_false(says(thread_of(l, id).at[1], "holiday"));
}

/* A "yes" that is taken back is news of its own, and its note is not hers to the "no". */
static void a_correction_is_a_message_of_its_own(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "yes");
	lab_must(l, "submit",
		 "{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":{\"note\":{\"text\":\"It was "
		 "me.\"}}}",
		 id_of(l, "alice"), the_modal_of(l, "alice"));
	lab_pass(l, 10 * SECOND_MS);
	EXPECT_THREAD(l, id,
		      "Alice Archer answered Yes at 15 Jan 08:00 UTC, without a proof. The "
		      "case is closed on that word.");
	assert_true(says(thread_of(l, id).at[0], "It was me."));
	press(l, "alice", "not_me");
	lab_pass(l, 10 * SECOND_MS);
	EXPECT_THREAD(l, id, "Alice Archer answered Yes", PAGE_NEWS,
		      "Alice Archer took the Yes back at 15 Jan 08:00 UTC: it was not them.");
	struct thread t = thread_of(l, id);
	for (size_t i = 0; i < t.n; i++)
		assert_int_equal(says(t.at[i], "It was me."), says(t.at[i], "answered Yes"));
}

static void what_a_yes_is_worth_is_said(void **state)
{
	static const struct {
		int priority;
		const char *words;
	} table[] = { { 1, "The case stays with the person on call." },
		      { 3, "The case stays open: yours to decide." },
		      { 5, "The case is closed on that word." } };
	struct lab *l = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t id = an_alert(l, arena_f(story_arena(), "a%zu", i), "alice@duff.example",
				      table[i].priority);
		press(l, "alice", "yes");
		lab_pass(l, 10 * SECOND_MS);
		struct thread t = thread_of(l, id);
		assert_true(says(t.at[t.n - 1], table[i].words));
		assert_int_equal(t.n, table[i].priority == 1 ? 2 : 1);
		if (t.n == 2)
			assert_true(says(t.at[0], "The person on call was paged (high priority)"));
	}
}

static void silence_and_what_comes_after_it(void **state)
{
	static const char silent[] = "Alice Archer did not answer by 15 Jan 08:30 UTC.",
			  page[] = "The person on call was paged (no answer): confirmed";
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 31 * MINUTE_MS);
	EXPECT_THREAD(l, id, silent, page);
	press(l, "alice", "yes");
	lab_pass(l, 10 * SECOND_MS);
	static const char late[] = "Alice Archer answered Yes at 15 Jan 08:31 UTC, after the "
				   "deadline and without a proof: yours to decide.";
	EXPECT_THREAD(l, id, silent, page, late);
	press(l, "alice", "not_me");
	lab_pass(l, 10 * SECOND_MS);
	EXPECT_THREAD(l, id, silent, page, late,
		      "Alice Archer took the Yes back at 15 Jan 08:31 UTC: it was not them.",
		      "The person on call was paged (the owner says no): confirmed");
}

static void a_no_after_silence(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 31 * MINUTE_MS);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	EXPECT_THREAD(l, id, "Alice Archer did not answer by",
		      "The person on call was paged (no answer)",
		      "Alice Archer answered No at 15 Jan 08:31 UTC, after the deadline: it was "
		      "not them.",
		      "The person on call was paged (the owner says no)");
}

static void nobody_could_be_asked(void **state)
{
	struct lab *l = *state;
	a_fault(l, "conversations.open", "500", 1000);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 16 * MINUTE_MS);
	EXPECT_THREAD(l, id,
		      "Nobody could be asked. Looked up alice@duff.example in Slack: U0ALICE01. "
		      "Slack confirmed no message within 15 minutes (HTTP 500).",
		      "The person on call was paged (the question could not be delivered)");
}

/* One message for a page: what it says is edited when it goes through after all. */
static void a_page_that_is_late_and_then_confirmed(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 10000);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	lab_pass(l, 6 * MINUTE_MS);
	EXPECT_THREAD(l, id, NO_NEWS,
		      "The person on call was called at 15 Jan 08:00 UTC (the owner says no), but "
		      "the pager has not confirmed it yet. We keep trying; please call them "
		      "yourselves.");
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, 6 * MINUTE_MS);
	EXPECT_THREAD(l, id, NO_NEWS,
		      "The person on call was paged (the owner says no): confirmed 15 Jan 08:");
}

static void a_page_that_is_refused(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "400", 100);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	EXPECT_THREAD(l, id, NO_NEWS, "The page (the owner says no) FAILED: ");
	assert_true(says(thread_of(l, id).at[1], "SB-1 P4: the page is NOT confirmed"));
}

/* --- exactly once, and in its place --- */

/* Slack's own deduplication is off: what was lost is looked for among the replies, not posted
 * again.
 */
static void lose_the_answer(struct lab *l, const char *kind)
{
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 5 * SECOND_MS);
	a_fault_like(l,
		     &(struct fault_plan){
			     .where = "chat.postMessage", .kind = kind, .count = 1, .ms = 3000 });
	press(l, "alice", "no");
	lab_pass(l, MINUTE_MS);
	EXPECT_THREAD(l, id, NO_NEWS, PAGE_NEWS);
	const struct call *looks;
	assert_true(calls(l, "conversations.replies", &looks) >= 1);
	assert_int_equal(calls(l, "conversations.history", &looks), 0);
}
static void slacks_answer_to_a_reply_is_lost(void **state) { lose_the_answer(*state, "timeout"); }
static void slack_says_error_and_has_done_it(void **state)
{
	lose_the_answer(*state, "internal_error_done");
}
static void a_reply_that_never_happened(void **state) { lose_the_answer(*state, "refuse"); }

/* The card is not there yet when she answers: the reply waits for it, and does not stand alone. */
static void it_waits_for_the_card(void **state)
{
	struct lab *l = *state;
	a_fault(l, "chat.postMessage", "error:rate_limited", 1); /* that channel, for a minute */
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(cards_of(l, id), 0);
	press(l, "alice", "no");
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(messages_with(l, CHANNEL, ""), 0);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(cards_of(l, id), 1);
	EXPECT_THREAD(l, id, NO_NEWS, PAGE_NEWS);
}

/* Somebody deletes the card: it is posted anew, and the news stands under the new one, once. */
static void delete_the_card(struct lab *l, int64_t after_ms, size_t in_vain)
{
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, after_ms);
	const struct seen *card = the_card_of(l, id);
	lab_must(l, "delete", "{\"channel\":\"" CHANNEL "\",\"ts\":\"%s\"}", card->ts);
	press(l, "alice", "no");
	lab_pass(l, MINUTE_MS);
	assert_string_not_equal(the_card_of(l, id)->ts, card->ts);
	EXPECT_THREAD(l, id, NO_NEWS, PAGE_NEWS);
	assert_int_equal(messages_with(l, CHANNEL, ""), 1); /* nothing stands by itself but it */
	const struct call *posts;
	assert_int_equal(calls(l, "chat.postMessage", &posts), 5 + in_vain);
	for (size_t i = 0; i < in_vain; i++)
		assert_string_equal(posts[2 + i].error, "thread_not_found");
	/* A reply that somebody deletes has told its news. */
	lab_must(l, "delete", "{\"channel\":\"" CHANNEL "\",\"ts\":\"%s\"}",
		 message_with(l, CHANNEL, NO_NEWS)->ts);
	lab_must(
		l, "submit",
		"{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":{\"note\":{\"text\":\"A note.\"}}}",
		id_of(l, "alice"), the_modal_of(l, "alice"));
	lab_pass(l, MINUTE_MS);
	EXPECT_THREAD(l, id, PAGE_NEWS);
	assert_true(says(the_card_of(l, id), "A note."));
}

/* The card's edit finds out first, or, while it may not be edited yet, the replies do. */
static void a_deleted_card_takes_its_thread_along(void **state)
{
	delete_the_card(*state, 20 * SECOND_MS, 0);
}
static void a_reply_finds_no_card(void **state)
{
	delete_the_card(*state, 5 * SECOND_MS, 2); /* the answer and the page */
}

/* A channel that allows no threads: the card goes on alone. */
static void a_channel_without_threads(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	a_fault(l, "chat.postMessage", "error:restricted_action_non_threadable_channel", 10);
	press(l, "alice", "no");
	lab_pass(l, MINUTE_MS);
	assert_int_equal(thread_of(l, id).n, 0);
	assert_true(says(the_card_of(l, id), "Alice Archer answered No"));
	expect_incident(l, id, "answered-no");
	assert_int_equal(audits(l, "delivery.refused", ""), 2);
}

int stories_of_threads(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_no_is_news_and_so_is_the_page),
		STORY(her_note_is_written_under_her_answer),
		STORY(a_correction_is_a_message_of_its_own),
		STORY(what_a_yes_is_worth_is_said),
		STORY(silence_and_what_comes_after_it),
		STORY(a_no_after_silence),
		STORY(nobody_could_be_asked),
		STORY(a_page_that_is_late_and_then_confirmed),
		STORY(a_page_that_is_refused),
		STORY(slacks_answer_to_a_reply_is_lost),
		STORY(slack_says_error_and_has_done_it),
		STORY(a_reply_that_never_happened),
		STORY(it_waits_for_the_card),
		STORY(a_deleted_card_takes_its_thread_along),
		STORY(a_reply_finds_no_card),
		STORY(a_channel_without_threads),
	};
	return cmocka_run_group_tests_name("E02 threads", tests, NULL, NULL);
}
