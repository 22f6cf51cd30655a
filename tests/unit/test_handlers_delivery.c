/* Results: each outcome of each kind of request, back-off, the search for a post of unknown
 * outcome, pages nobody confirmed, and held things. */
#include "base/when.h"
#include "handlers_world.h"

#define QUESTION "inquiry 1, question"
#define LOOKUP   "case 1, lookup, ana@duff.example"
#define OPEN_DM  "case 1, open dm, " ANA
#define CARD     "case 1, card"
#define PAGE     "case 1, page, opened"

/* An alert about Ana, as far as the row that the story is about. */
static void until(struct world *w, const char *key)
{
	alert_due(w, "{\"type\":\"login\",\"p\":\"P2\",\"who\":\"ana@duff.example\"}");
	if (strcmp(key, OPEN_DM) != 0 && strcmp(key, QUESTION) != 0)
		return;
	found(w, LOOKUP, ana());
	if (strcmp(key, QUESTION) == 0)
		dm_opened(w, OPEN_DM, ANA_DM);
}

static void done_settles_a_row(void **state)
{
	struct world *w = *state;
	until(w, CARD);
	pass(w, SECOND_MS);
	done(w, CARD);
	const struct outgoing *row = out(w, CARD);
	assert_int_equal(row->state, OUT_LIVE);
	assert_int_equal(row->shown, row->wanted);
	assert_int_equal(row->flight, 0);
	assert_int_equal(row->attempts, 0);
	assert_int_equal(row->done_ms, T0 + SECOND_MS);
	assert_string_equal(row->ref, "1764063001.000100");
	assert_true(row->due_ms == NEVER_MS);
}

/* At most one edit of a card in five seconds, also for what changed while one was in flight. */
static void a_card_that_changed_in_flight_goes_out_again_later(void **state)
{
	struct world *w = *state;
	until(w, CARD);
	const struct outgoing *row = claim(w, CARD);
	alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\",\"n\":2}");
	found(w, LOOKUP, ana()); /* raises the card of case 1 */
	assert_true(out(w, CARD)->wanted > row->flight);
	pass(w, SECOND_MS);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_DONE,
				   .channel = CHANNEL,
				   .ref = "1.1" });
	assert_int_equal(out(w, CARD)->due_ms, T0 + 5 * SECOND_MS);
	assert_int_equal(out(w, CARD)->shown, row->flight);
}

static void a_stale_result_changes_nothing(void **state)
{
	struct world *w = *state;
	until(w, CARD);
	const struct outgoing *row = claim(w, CARD);
	struct result r = { .outgoing_id = row->id,
			    .flight = row->flight + 1,
			    .outcome = OUTCOME_DONE,
			    .ref = "1.1" };
	result(w, r);
	assert_int_equal(changes(w), 0);
	r.flight = row->flight;
	r.phase = PHASE_FIND; /* nobody searches for it */
	result(w, r);
	assert_int_equal(changes(w), 0);
	r.outgoing_id = 999;
	result(w, r);
	assert_int_equal(changes(w), 0);
	r.outgoing_id = row->id;
	r.phase = PHASE_SEND;
	result(w, r);
	assert_true(changes(w) > 0);
	result(w, r); /* answered twice */
	assert_int_equal(changes(w), 0);
	r.flight = 0; /* nothing was sent */
	result(w, r);
	assert_int_equal(changes(w), 0);
}

/* Doubling, between half of it and all of it, never over the cap. */
static void failures_back_off(void **state)
{
	static const struct {
		const char *key;
		int64_t first_ms, cap_ms;
	} table[] = { { CARD, SECOND_MS, MINUTE_MS },
		      { LOOKUP, SECOND_MS, MINUTE_MS },
		      { PAGE, 5 * SECOND_MS, 5 * MINUTE_MS } };
	struct world *w = *state;
	until(w, CARD);
	for (size_t i = 0; i < 3; i++) {
		int64_t wait = table[i].first_ms, differs = 0;
		for (int n = 1; n <= 10; n++) {
			memset(w->act.at.chance.bytes, n, sizeof(w->act.at.chance.bytes));
			ends(w, table[i].key, OUTCOME_TRANSIENT, "service_unavailable");
			const struct outgoing *row = out(w, table[i].key);
			int64_t got = row->due_ms - w->act.at.now_ms;
			assert_true(got >= wait / 2 && got <= wait);
			differs += got != wait;
			assert_int_equal(row->flight, 0);
			assert_int_equal(row->attempts, n);
			assert_string_equal(row->error, "service_unavailable");
			wait = wait * 2 < table[i].cap_ms ? wait * 2 : table[i].cap_ms;
			pass(w, when_later(got, MINUTE_MS)); /* its gate has a breaker by now */
		}
		assert_true(differs > 5);
		assert_int_equal(out(w, table[i].key)->phase, PHASE_SEND);
	}
}

static void retry_after_closes_the_gate(void **state)
{
	struct world *w = *state;
	until(w, LOOKUP);
	const struct outgoing *row = claim(w, LOOKUP);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_TRANSIENT,
				   .retry_after_ms = 90 * SECOND_MS,
				   .error = "ratelimited" });
	assert_int_equal(out(w, LOOKUP)->due_ms, T0 + 90 * SECOND_MS);
	/* somebody else's look-up waits at the same gate */
	alert_due(w, "{\"type\":\"login\",\"who\":\"bea@duff.example\"}");
	pass(w, 90 * SECOND_MS - 1);
	const struct outgoing *rows;
	size_t n = 0;
	begin(w);
	MUST(store_claim(w->store,
			 &(struct claim_terms){ .now_ms = w->act.at.now_ms, .limit = ROWS_MAX },
			 &rows, &n, fail));
	commit(w);
	for (size_t i = 0; i < n; i++)
		assert_string_not_equal(rows[i].gate, "slack:users.lookupByEmail");
	pass(w, 1);
	claim(w, "case 2, lookup, bea@duff.example");
}

/* F42: a post may have happened: look twice, then repeat it. */
static void an_unknown_post_is_looked_for(void **state)
{
	struct world *w = *state;
	until(w, QUESTION);
	ends(w, QUESTION, OUTCOME_UNKNOWN, "timed out");
	const struct outgoing *row = out(w, QUESTION);
	assert_int_equal(row->phase, PHASE_FIND);
	assert_int_equal(row->due_ms, T0 + 5 * SECOND_MS);
	assert_int_equal(the_inquiry(w, 1)->delivered_ms, 0);
	pass(w, 5 * SECOND_MS);
	ends(w, QUESTION, OUTCOME_UNKNOWN, "timed out"); /* the search itself: search again */
	assert_int_equal(out(w, QUESTION)->phase, PHASE_FIND);
	pass(w, MINUTE_MS);
	ends(w, QUESTION, OUTCOME_NOT_FOUND, "");
	assert_int_equal(out(w, QUESTION)->phase, PHASE_FIND);
	assert_int_equal(out(w, QUESTION)->misses, 1);
	assert_int_equal(out(w, QUESTION)->due_ms, w->act.at.now_ms + 5 * SECOND_MS);
	pass(w, 5 * SECOND_MS);
	ends(w, QUESTION, OUTCOME_NOT_FOUND, "");
	assert_int_equal(out(w, QUESTION)->phase, PHASE_SEND);
	assert_int_equal(out(w, QUESTION)->misses, 0);
	assert_int_equal(out(w, QUESTION)->due_ms, w->act.at.now_ms);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_OPEN);
	done(w, QUESTION);
	assert_int_equal(the_inquiry(w, 1)->delivered_ms, w->act.at.now_ms);
}

static void a_found_post_is_delivered_with_what_it_shows(void **state)
{
	struct world *w = *state;
	until(w, QUESTION);
	ends(w, QUESTION, OUTCOME_UNKNOWN, "timed out");
	click(w, CLICK_NO); /* she has it on her screen already */
	pass(w, 5 * SECOND_MS);
	const struct outgoing *row = claim(w, QUESTION);
	assert_int_equal(row->phase, PHASE_FIND);
	assert_int_equal(row->flight, 2);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = 2,
				   .phase = PHASE_FIND,
				   .outcome = OUTCOME_DONE,
				   .channel = ANA_DM,
				   .ref = "1764063001.000100",
				   .shown = 1 });
	row = out(w, QUESTION);
	assert_int_equal(row->phase, PHASE_SEND);
	assert_int_equal(row->shown, 1);
	assert_string_equal(row->ref, "1764063001.000100");
	assert_int_equal(row->due_ms, w->act.at.now_ms); /* the answer is not shown yet */
	assert_int_equal(the_inquiry(w, 1)->delivered_ms, w->act.at.now_ms);
}

/* Slack won't show us the history: then the post is repeated under its client_msg_id. */
static void a_search_that_is_refused_is_a_miss(void **state)
{
	struct world *w = *state;
	until(w, QUESTION);
	ends(w, QUESTION, OUTCOME_UNKNOWN, "timed out");
	for (int i = 0; i < 2; i++) {
		pass(w, 5 * SECOND_MS);
		ends(w, QUESTION, OUTCOME_PERMANENT, "missing_scope");
	}
	assert_int_equal(out(w, QUESTION)->state, OUT_LIVE);
	assert_int_equal(out(w, QUESTION)->phase, PHASE_SEND);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_OPEN);
}

static void an_unknown_update_page_or_lookup_is_repeated(void **state)
{
	static const char *const keys[] = { PAGE, LOOKUP };
	struct world *w = *state;
	until(w, LOOKUP);
	for (size_t i = 0; i < 2; i++) {
		ends(w, keys[i], OUTCOME_UNKNOWN, "timed out");
		assert_int_equal(out(w, keys[i])->phase, PHASE_SEND);
		assert_true(out(w, keys[i])->due_ms > T0);
	}
	/* an update of the card */
	done(w, CARD);
	pass(w, MINUTE_MS);
	done(w, PAGE);
	ends(w, CARD, OUTCOME_UNKNOWN, "timed out");
	assert_int_equal(out(w, CARD)->phase, PHASE_SEND);
	assert_true(out(w, CARD)->due_ms > w->act.at.now_ms);
}

/* F47 */
static void a_deleted_message_is_posted_anew_while_it_asks(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	int64_t answer_ms = the_inquiry(w, 1)->answer_ms;
	struct fact f = { .kind = FACT_COMMENT, .key = "envelope:2" };
	f.as.comment.user = ANA;
	f.as.comment.inquiry_id = 1;
	f.as.comment.text = "hm";
	fact(w, f, true);
	ends(w, QUESTION, OUTCOME_NOT_FOUND, "message_not_found");
	assert_string_equal(out(w, QUESTION)->ref, "");
	assert_int_equal(out(w, QUESTION)->shown, 0);
	assert_int_equal(out(w, QUESTION)->due_ms, T0);
	pass(w, MINUTE_MS);
	done(w, QUESTION);
	assert_int_equal(the_inquiry(w, 1)->answer_ms, answer_ms); /* never later */
	/* answered: it has nothing to ask any more */
	click(w, CLICK_YES);
	ends(w, QUESTION, OUTCOME_NOT_FOUND, "message_not_found");
	assert_int_equal(out(w, QUESTION)->shown, out(w, QUESTION)->wanted);
	assert_true(out(w, QUESTION)->due_ms == NEVER_MS);
	/* the card always is */
	done(w, CARD);
	click(w, CLICK_NO);
	pass(w, MINUTE_MS);
	ends(w, CARD, OUTCOME_NOT_FOUND, "message_not_found");
	assert_string_equal(out(w, CARD)->ref, "");
	assert_int_equal(out(w, CARD)->due_ms, w->act.at.now_ms);
}

/* I-12: not at the deadline, at once. */
static void refused_for_good_reaches_a_human_at_once(void **state)
{
	static const struct {
		const char *key, *reason, *error, *tried;
	} table[] = {
		{ LOOKUP, "owner-unknown", "users_not_found",
		  "Looked up ana@duff.example in Slack: users_not_found." },
		{ OPEN_DM, "undeliverable", "user_disabled",
		  "Looked up ana@duff.example in Slack: " ANA
		  ". Slack opens no direct message with " ANA ": user_disabled." },
		{ QUESTION, "undeliverable", "cannot_dm_bot",
		  "Looked up ana@duff.example in Slack: " ANA
		  ". Slack refused the direct message: cannot_dm_bot." },
	};
	for (size_t i = 0; i < 3; i++) {
		struct world *w = *state;
		until(w, table[i].key);
		ends(w, table[i].key, OUTCOME_PERMANENT, table[i].error);
		assert_int_equal(out(w, table[i].key)->state, OUT_DEAD);
		assert_true(out(w, table[i].key)->due_ms == NEVER_MS);
		assert_string_equal(out(w, table[i].key)->error, table[i].error);
		assert_int_equal(audited(w, "delivery.refused"), 1);
		assert_int_equal(audited(w, "inquiry.unreachable"), 1);
		assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_UNREACHABLE);
		assert_string_equal(the_inquiry(w, 1)->tried, table[i].tried);
		assert_true(paged(w, 1, table[i].reason));
		world_down(state);
		world_up(state);
	}
}

static void done_without_what_it_was_for_is_refused(void **state)
{
	struct world *w = *state;
	until(w, LOOKUP);
	ends(w, LOOKUP, OUTCOME_DONE, NULL); /* without a person */
	assert_int_equal(out(w, LOOKUP)->state, OUT_DEAD);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_UNREACHABLE);
	const struct outgoing *row = claim(w, CARD); /* without a ts: it may have happened */
	result(w, (struct result){
			  .outgoing_id = row->id, .flight = row->flight, .outcome = OUTCOME_DONE });
	assert_int_equal(out(w, CARD)->phase, PHASE_FIND);
}

/* A refused rewrite of a delivered question loses nothing: the question still stands. */
static void a_refused_update_does_not_unask(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	struct fact f = { .kind = FACT_COMMENT, .key = "envelope:2" };
	f.as.comment.user = ANA;
	f.as.comment.inquiry_id = 1;
	f.as.comment.text = "hm";
	fact(w, f, true);
	ends(w, QUESTION, OUTCOME_PERMANENT, "msg_too_long");
	assert_int_equal(out(w, QUESTION)->state, OUT_DEAD);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_OPEN);
	assert_false(paged(w, 1, "undeliverable"));
	/* the next change tries once more */
	click(w, CLICK_YES);
	assert_int_equal(out(w, QUESTION)->state, OUT_LIVE);
	done(w, QUESTION);
	assert_true(out(w, QUESTION)->due_ms == NEVER_MS);
}

/* One that never arrived stays dead: the person would read an old question for the first time. */
static void a_question_refused_unseen_stays_dead(void **state)
{
	struct world *w = *state;
	until(w, QUESTION);
	ends(w, QUESTION, OUTCOME_PERMANENT, "cannot_dm_bot");
	done(w, PAGE); /* would rewrite the question */
	assert_int_equal(out(w, QUESTION)->state, OUT_DEAD);
}

static void a_lookup_nobody_waits_for_ends(void **state)
{
	struct world *w = *state;
	until(w, LOOKUP);
	const struct outgoing *row = claim(w, LOOKUP);
	pass(w, 15 * MINUTE_MS);
	due(w);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_UNREACHABLE);
	assert_true(paged(w, 1, "undeliverable"));
	struct result r = { .outgoing_id = row->id,
			    .flight = row->flight,
			    .outcome = OUTCOME_TRANSIENT,
			    .error = "fatal_error" };
	result(w, r);
	assert_int_equal(out(w, LOOKUP)->state, OUT_DEAD);
	assert_null(out(w, OPEN_DM));
}

static void a_channel_opened_too_late_asks_nobody(void **state)
{
	struct world *w = *state;
	until(w, OPEN_DM);
	const struct outgoing *row = claim(w, OPEN_DM);
	pass(w, 15 * MINUTE_MS);
	due(w);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_DONE,
				   .dm = ANA_DM });
	assert_string_equal(the_person(w, ANA)->dm, ANA_DM); /* for the next one */
	assert_null(out(w, QUESTION));
}

static void a_late_lookup_is_remembered_and_asks_nobody(void **state)
{
	struct world *w = *state;
	until(w, LOOKUP);
	const struct outgoing *row = claim(w, LOOKUP);
	struct person p = ana();
	pass(w, 15 * MINUTE_MS);
	due(w);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_DONE,
				   .person = &p });
	assert_non_null(the_person(w, ANA));
	assert_string_equal(the_inquiry(w, 1)->person, "");
	assert_null(out(w, OPEN_DM));
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_UNREACHABLE);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(done_settles_a_row),
		STORY(a_card_that_changed_in_flight_goes_out_again_later),
		STORY(a_stale_result_changes_nothing),
		STORY(failures_back_off),
		STORY(retry_after_closes_the_gate),
		STORY(an_unknown_post_is_looked_for),
		STORY(a_found_post_is_delivered_with_what_it_shows),
		STORY(a_search_that_is_refused_is_a_miss),
		STORY(an_unknown_update_page_or_lookup_is_repeated),
		STORY(a_deleted_message_is_posted_anew_while_it_asks),
		STORY(refused_for_good_reaches_a_human_at_once),
		STORY(done_without_what_it_was_for_is_refused),
		STORY(a_refused_update_does_not_unask),
		STORY(a_question_refused_unseen_stays_dead),
		STORY(a_lookup_nobody_waits_for_ends),
		STORY(a_late_lookup_is_remembered_and_asks_nobody),
		STORY(a_channel_opened_too_late_asks_nobody),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
