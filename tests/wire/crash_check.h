/* crash_check: what must be true after the last death: what people see and the sandbox's ledger
 * against the database. For test_crash_kill.c only. */
#ifndef CRASH_CHECK_H
#define CRASH_CHECK_H
#include <sqlite3.h>

#include "crash_world.h"

struct judge {
	struct crash *crash;
	sqlite3 *db;
	struct seen {
		int cards, questions;
		const struct cJSON *question; /* in the last live_state */
	} seen[TASKS_MAX];
};
struct tally {
	size_t acknowledged, notes;
};

static int64_t sql(struct judge *j, const char *query, int64_t id)
{
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(j->db, query, -1, &st, NULL), SQLITE_OK);
	if (sqlite3_bind_parameter_count(st) > 0)
		assert_int_equal(sqlite3_bind_int64(st, 1, id), SQLITE_OK);
	const int64_t v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
	(void)sqlite3_finalize(st);
	return v;
}

static const char *sql_text(struct judge *j, const char *query, int64_t id)
{
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(j->db, query, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_int64(st, 1, id), SQLITE_OK);
	const char *text =
		sqlite3_step(st) == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : "";
	text = live_keep(j->crash->live, text ? text : "");
	(void)sqlite3_finalize(st);
	return text;
}

static void holds(bool is_true, const struct task *t, const char *sentence)
{
	if (!is_true)
		fail_msg("%s (P%d for %s): not so: %s", t->id, t->priority, t->whom->user,
			 sentence);
}

static int64_t case_of(struct judge *j, const struct task *t)
{
	return sql(j, "SELECT case_id FROM alert WHERE id = ?1", t->alert_id);
}

/* A case is named in its pages. */
static size_t incidents_of(struct judge *j, const struct cJSON *state, const struct task *t,
			   const char *reason)
{
	const struct cJSON *all = json_key(state, "incidents");
	char name[32];
	size_t n = 0;
	(void)snprintf(name, sizeof(name), "SB-%" PRId64, case_of(j, t));
	for (const struct cJSON *i = json_first(all); i; i = json_next(i))
		n += strcmp(json_text_at(i, "details.case"), name) == 0 &&
		     (!reason || strcmp(json_text_at(i, "details.reason"), reason) == 0);
	return n;
}

static struct seen *seen_of(struct judge *j, const struct task *t)
{
	return &j->seen[t - j->crash->tasks];
}

/* One look at each message: what is about a task, in the channel (but not under a card) and in the
 * direct message of whoever it asks. */
static void messages_see(struct judge *j, const struct cJSON *state)
{
	const struct cJSON *channels = json_key(state, "channels");
	for (const struct cJSON *c = json_first(channels); c; c = json_next(c)) {
		const char *id = json_text_at(c, "id");
		const struct cJSON *all = json_key(c, "messages");
		for (const struct cJSON *m = json_first(all); m; m = json_next(m)) {
			const struct task *t = task_in(j->crash, m);
			if (!t || json_text_at(m, "thread_ts")[0])
				continue;
			struct seen *s = seen_of(j, t);
			s->cards += strcmp(id, LIVE_CHANNEL) == 0;
			if (strcmp(id, t->whom->dm) != 0)
				continue;
			s->questions++;
			s->question = m;
		}
	}
}

static void check_alert(struct judge *j, const struct task *t)
{
	holds(t->alert_id > 0, t, "its sender was told an id");
	holds(sql(j, "SELECT state FROM alert WHERE id = ?1", t->alert_id) == ALERT_MAPPED, t,
	      "an alert answered 2xx is stored and has its case");
	holds(sql(j, "SELECT count(*) FROM alert WHERE case_id = ?1", case_of(j, t)) == 1, t,
	      "its case is its own");
	holds(seen_of(j, t)->cards == 1, t, "its card stands once");
}

static void check_question(struct judge *j, const struct task *t)
{
	const struct cJSON *m = seen_of(j, t)->question;
	const int64_t id = sql(j, "SELECT id FROM inquiry WHERE case_id = ?1", case_of(j, t));
	const char *late = sql_text(j, "SELECT late FROM inquiry WHERE id = ?1", id);
	holds(sql(j, "SELECT count(*) FROM inquiry WHERE case_id = ?1", case_of(j, t)) == 1, t,
	      "it is one inquiry");
	holds(sql(j, "SELECT state FROM inquiry WHERE id = ?1", id) == (int64_t)t->script->end, t,
	      "the inquiry ended as its answers say");
	holds(strcmp(late, t->script->late) == 0, t, "a late yes is kept, and only a late one");
	holds(seen_of(j, t)->questions == (t->script->is_nobody ? 0 : 1), t,
	      "the question stands once, and only where there is somebody to ask");
	if (t->script->is_nobody)
		return;
	const bool waits = t->script->is_mute;
	const bool has_claimed = t->script->end == INQUIRY_UNPROVEN || t->script->late[0];
	holds(!live_button(m, "yes") == !waits && !live_button(m, "no") == !waits, t,
	      "only a question that nobody answered has buttons to answer with");
	holds(!live_button(m, "not_me") == !has_claimed, t,
	      "only a yes can be taken back, by one button");
}

static void check_pages(struct judge *j, const struct cJSON *state, const struct task *t)
{
	const bool was_silent = t->script->is_mute || t->script->waits_for_silence;
	const struct {
		const char *reason;
		bool is_due;
	} reasons[] = {
		{ "opened", t->priority <= 2 },
		{ "answered-no", t->script->end == INQUIRY_NO },
		{ "silence", was_silent },
		{ "owner-unknown", t->script->is_nobody },
	};
	size_t due = 0;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		due += reasons[i].is_due;
		if (incidents_of(j, state, t, reasons[i].reason) != (reasons[i].is_due ? 1 : 0))
			print_error("reason: %s\n", reasons[i].reason);
		holds(incidents_of(j, state, t, reasons[i].reason) == (reasons[i].is_due ? 1 : 0),
		      t, "each reason to page is one incident, and there is no other");
	}
	holds(incidents_of(j, state, t, NULL) == due, t, "there is no other reason");
}

/* Every click and note that Slack got an acknowledgement for. */
static size_t check_acknowledged(struct judge *j)
{
	const struct crash *c = j->crash;
	size_t acknowledged = 0;
	char words[NOTE_BYTES];
	for (size_t i = 0; i < c->sent_n; i++) {
		const struct sent *s = &c->sent[i];
		const struct task *t = &c->tasks[s->task];
		if (!s->is_acked)
			continue;
		acknowledged++;
		sqlite3_stmt *st = NULL;
		assert_int_equal(sqlite3_prepare_v2(j->db,
						    "SELECT kind FROM fact WHERE fact_key = "
						    "'envelope:' || ?1",
						    -1, &st, NULL),
				 SQLITE_OK);
		(void)sqlite3_bind_text(st, 1, s->envelope, -1, SQLITE_STATIC);
		const bool is_there = sqlite3_step(st) == SQLITE_ROW;
		(void)sqlite3_finalize(st);
		holds(is_there, t, "an acknowledged click is stored");
		if (!s->is_note)
			continue;
		const char *said = sql_text(j, "SELECT comment FROM inquiry WHERE case_id = ?1",
					    case_of(j, t));
		holds(strcmp(said, note_of(t, words)) == 0, t, "an acknowledged note is stored");
	}
	return acknowledged;
}

/* By the ledger: no message was posted a second time, whatever became of the first answer. */
static void check_posts(const struct cJSON *ledger)
{
	const struct cJSON *calls = json_key(ledger, "calls");
	for (const struct cJSON *a = json_first(calls); a; a = json_next(a)) {
		const char *marker = json_text_at(a, "marker");
		if (strcmp(json_text_at(a, "method"), "chat.postMessage") != 0 ||
		    !json_text_at(a, "ts")[0])
			continue;
		for (const struct cJSON *b = json_next(a); b; b = json_next(b))
			if (strcmp(json_text_at(b, "method"), "chat.postMessage") == 0 &&
			    json_text_at(b, "ts")[0] &&
			    strcmp(json_text_at(b, "marker"), marker) == 0)
				fail_msg("the message %s was posted twice", marker);
	}
}

/* An envelope that comes twice gets its reply twice, and Slack opens one modal for it. */
static void check_refusals(const struct cJSON *ledger)
{
	const struct cJSON *refusals = json_key(ledger, "refusals");
	for (const struct cJSON *one = json_first(refusals); one; one = json_next(one))
		if (strcmp(json_name(one), "exchanged_trigger_id") != 0)
			fail_msg("refused by the sandbox: %s", json_name(one));
}

static struct tally check_all(struct judge *j)
{
	struct crash *c = j->crash;
	const struct cJSON *state = live_state(c->live), *ledger = live_ledger(c->live);
	struct tally all = { .acknowledged = check_acknowledged(j) };
	messages_see(j, state);
	for (size_t i = 0; i < c->tasks_n; i++) {
		check_alert(j, &c->tasks[i]);
		check_question(j, &c->tasks[i]);
		check_pages(j, state, &c->tasks[i]);
		all.notes += c->tasks[i].is_noted;
	}
	check_posts(ledger);
	assert_int_equal(sql(j, "SELECT count(*) FROM alert", 0), c->tasks_n);
	assert_int_equal(sql(j, "SELECT count(*) FROM casefile", 0), c->tasks_n);
	assert_int_equal(sql(j, "SELECT count(*) FROM outgoing WHERE state <> 0 AND kind <= 4", 0),
			 0);
	check_refusals(ledger);
	return all;
}
#endif
