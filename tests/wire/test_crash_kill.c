/* kill -9, again and again, at moments chosen by a seed, in a run of 50 inquiries with answers:
 * what was acknowledged is there, each question stands once, each reason to page is one incident,
 * by the sandbox's ledger. SEED=N in the environment repeats the choices of a run (its timing is
 * the machine's). */
#include <sqlite3.h>
#include <sys/random.h>
#include <sysexits.h>

#include "crash_world.h"

enum {
	KILLS_MIN = 30,
	IN_FLIGHT_MIN = 10,
	LIFE_MS = 1200, /* with an open door; it is over then, whatever it was to wait for */
	GHOSTS_MAX = 6, /* of the ten registrations that Slack allows */
	GHOST_MS = 10 * 60 * 1000,
	QUIET_MS = 1000,
	END_MS = 60 * 1000, /* something was lost then */
};

/* What the run has come to, beside its world. */
struct run {
	struct crash world;
	int kills, in_flight, by_aim[AIMS];
	int64_t slow_ms;         /* each answer of this life waits so long */
	int64_t seq, looked_seq; /* of the ledger: before this life; when it was looked at */
	sqlite3 *db;
};

/* --- a life --- */

static const char *const methods[] = { "chat.postMessage",   "chat.update",
				       "pagerduty",          "users.lookupByEmail",
				       "conversations.open", "conversations.history" };
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

struct fault {
	const char *where, *kind;
	int64_t count, ms;
};
static void fault(struct run *r, struct fault f)
{
	struct cJSON *args = json_object();
	json_put_text(args, "where", f.where);
	json_put_text(args, "kind", f.kind);
	json_put_num(args, "count", (double)f.count);
	json_put_num(args, "ms", (double)f.ms);
	json_free(live_control(r->world.live, "fault", args));
}

/* All answers are slow, and some are lost, late, broken or refused. */
static void faults(struct run *r)
{
	static const char *const kinds[] = { "timeout",   "internal_error_done",
					     "truncated", "500",
					     "429",       "refuse" };
	static const int64_t slow[] = { 50, 120, 200, 300 };
	struct crash *c = &r->world;
	const char *where = methods[chance(c, METHODS)], *kind = kinds[chance(c, 6)];
	json_free(live_control(c->live, "heal", NULL));
	if (chance(c, 2))
		fault(r, (struct fault){ where, kind, 1, kind[0] == '4' ? 1000 : 100 });
	if (chance(c, 3) == 0)
		fault(r, (struct fault){ "socket", "duplicate", 2, 0 });
	r->slow_ms = c->aim == AIM_CALL ? 1000 : slow[chance(c, 4)];
	for (size_t i = 0; i < METHODS; i++)
		fault(r, (struct fault){ methods[i], "slow", 1000000, r->slow_ms });
}

static int64_t number(const struct cJSON *j, const char *path)
{
	int64_t v = 0;
	(void)json_int(json_get(j, path), &v);
	return v;
}

static void life_begin(struct run *r)
{
	static const enum aim mix[] = { AIM_CALL, AIM_START, AIM_CALL, AIM_CLICK,
					AIM_CALL, AIM_POST,  AIM_CALL, AIM_CLICK };
	static const uint64_t spread_us[AIMS] = { [AIM_START] = 400 * 1000,
						  [AIM_CALL] = 40 * 1000,
						  [AIM_CLICK] = 6000,
						  [AIM_POST] = 6000 };
	struct crash *c = &r->world;
	c->aim = mix[(size_t)c->life % (sizeof(mix) / sizeof(mix[0]))];
	c->delay_us = (int64_t)chance(c, spread_us[c->aim]);
	faults(r);
	r->seq = r->looked_seq = number(live_ledger(c->live), "seq");
	c->is_armed = false;
	live_bot_start(c->live);
	if (c->aim == AIM_START)
		arm(c);
}

static bool is_slow(const struct cJSON *call)
{
	for (size_t i = 0; i < METHODS; i++)
		if (strcmp(json_text_at(call, "method"), methods[i]) == 0)
			return !json_key(call, "error"); /* another fault was faster */
	return false;
}

/* Requests that came after the row `since` and to which no answer had left the sandbox at now_ms.
 */
static int unanswered(const struct run *r, const struct cJSON *ledger, int64_t since,
		      int64_t now_ms)
{
	const struct cJSON *calls = json_key(ledger, "calls");
	int n = 0;
	for (const struct cJSON *call = json_first(calls); call; call = json_next(call))
		n += number(call, "seq") > since && is_slow(call) &&
		     number(call, "at_ms") + r->slow_ms > now_ms;
	return n;
}

static void life_goes_on(struct run *r)
{
	struct crash *c = &r->world;
	if (c->aim == AIM_CALL) {
		const struct cJSON *ledger = live_ledger(c->live);
		if (unanswered(r, ledger, r->looked_seq, 0))
			arm(c);
		r->looked_seq = number(ledger, "seq");
	}
	send_alerts(c, (size_t)(c->life + 1) * TASKS / LIVES);
	if (live_bot_listens(c->live))
		people_act(c);
}

/* The bot is dead. It has closed no socket: when too many are left as ghosts, Slack's ten minutes
 * pass. */
static void life_end(struct run *r)
{
	struct live *l = r->world.live;
	victim = -1;
	/* The clock is read after the death: what is unanswered now was so then. */
	const struct cJSON *state = live_state(l);
	r->in_flight += unanswered(r, live_ledger(l), r->seq, number(state, "now_ms")) > 0;
	r->kills++;
	r->by_aim[r->world.aim]++;
	crumb_spare(&r->world);
	if (json_count(json_key(state, "sockets")) < GHOSTS_MAX)
		return;
	struct cJSON *args = json_object();
	json_put_num(args, "ms", GHOST_MS + 1);
	json_free(live_control(l, "advance", args));
}

static void lives(struct run *r)
{
	struct crash *c = &r->world;
	for (c->life = 0; c->life < LIVES; c->life++) {
		life_begin(r);
		int64_t end_ms = 0;
		while (live_bot_is_alive(c->live)) {
			life_goes_on(r);
			if (!end_ms && live_bot_listens(c->live))
				end_ms = live_now_ms() + LIFE_MS;
			if (end_ms && live_now_ms() > end_ms)
				arm(c);
		}
		life_end(r);
	}
}

/* --- after the last death: everything comes to rest --- */

static int64_t sql(struct run *r, const char *query, int64_t id)
{
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(r->db, query, -1, &st, NULL), SQLITE_OK);
	if (sqlite3_bind_parameter_count(st) > 0)
		assert_int_equal(sqlite3_bind_int64(st, 1, id), SQLITE_OK);
	const int64_t v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
	(void)sqlite3_finalize(st);
	return v;
}

static const char *sql_text(struct run *r, const char *query, int64_t id)
{
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(r->db, query, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_int64(st, 1, id), SQLITE_OK);
	const char *text =
		sqlite3_step(st) == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : "";
	text = live_keep(r->world.live, text ? text : "");
	(void)sqlite3_finalize(st);
	return text;
}

static void db_open(struct run *r)
{
	const char *path = live_file(r->world.live, "securitybot.db");
	assert_int_equal(sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
}

static void db_close(struct run *r)
{
	assert_int_equal(sqlite3_close(r->db), SQLITE_OK);
	r->db = NULL;
}

static bool have_all_spoken(const struct crash *c)
{
	if (c->posted < TASKS)
		return false;
	for (size_t i = 0; i < TASKS; i++)
		if (!has_said_all(&c->tasks[i]))
			return false;
	return true;
}

/* Until everybody has spoken and no request has come for a while. */
static void settle(struct run *r)
{
	struct crash *c = &r->world;
	int64_t seq = 0, since_ms = live_now_ms(), end_ms = since_ms + END_MS;
	while (live_now_ms() - since_ms < QUIET_MS || !have_all_spoken(c)) {
		send_alerts(c, TASKS);
		people_act(c);
		const struct cJSON *calls = json_key(live_ledger(c->live), "calls");
		const size_t n = json_count(calls);
		const int64_t newest = n ? number(json_at(calls, n - 1), "seq") : 0;
		since_ms = newest != seq ? live_now_ms() : since_ms;
		seq = newest;
		if (live_now_ms() >= end_ms)
			say_who_waits(c);
		live_pause(c->live, end_ms, "everything comes to rest", __FILE__, __LINE__);
	}
}

/* The database says whether anything is still to be done; it has one owner, so the bot ends for it,
 * as it should, and goes on. */
static void finish(struct run *r)
{
	struct crash *c = &r->world;
	const int64_t end_ms = live_now_ms() + END_MS;
	json_free(live_control(c->live, "heal", NULL));
	for (;; c->life++) {
		live_bot_start(c->live);
		live_bot_ready(c->live);
		settle(r);
		assert_int_equal(live_bot_stop(c->live), EX_OK);
		db_open(r);
		const int64_t left = sql(
			r,
			"SELECT (SELECT count(*) FROM outgoing WHERE state = 0 AND shown < wanted)"
			" + (SELECT count(*) FROM alert WHERE state = 0)"
			" + (SELECT count(*) FROM inquiry WHERE state = 0)",
			0);
		if (left == 0)
			return;
		db_close(r);
		live_pause(c->live, end_ms, "nothing is left to do", __FILE__, __LINE__);
	}
}

/* --- what must be true --- */

static void holds(bool is_true, const struct task *t, const char *sentence)
{
	if (!is_true)
		fail_msg("%s (P%d for %s): not so: %s", t->id, t->priority, t->whom->user,
			 sentence);
}

static int64_t case_of(struct run *r, const struct task *t)
{
	return sql(r, "SELECT case_id FROM alert WHERE id = ?1", t->alert_id);
}

/* A case is named in its pages. */
static size_t incidents_of(struct run *r, const struct cJSON *state, const struct task *t,
			   const char *reason)
{
	const struct cJSON *all = json_key(state, "incidents");
	char name[32];
	size_t n = 0;
	(void)snprintf(name, sizeof(name), "SB-%" PRId64, case_of(r, t));
	for (const struct cJSON *i = json_first(all); i; i = json_next(i))
		n += strcmp(json_text_at(i, "details.case"), name) == 0 &&
		     (!reason || strcmp(json_text_at(i, "details.reason"), reason) == 0);
	return n;
}

static void check_alert(struct run *r, const struct cJSON *state, const struct task *t)
{
	holds(t->alert_id > 0, t, "its sender was told an id");
	holds(sql(r, "SELECT state FROM alert WHERE id = ?1", t->alert_id) == ALERT_MAPPED, t,
	      "an alert answered 2xx is stored and has its case");
	holds(sql(r, "SELECT count(*) FROM alert WHERE case_id = ?1", case_of(r, t)) == 1, t,
	      "its case is its own");
	holds(live_messages(state, LIVE_CHANNEL, t->id) == 1, t, "its card stands once");
}

static void check_question(struct run *r, const struct cJSON *state, const struct task *t)
{
	const struct cJSON *m = live_message(state, t->whom->dm, t->id);
	const int64_t id = sql(r, "SELECT id FROM inquiry WHERE case_id = ?1", case_of(r, t));
	const char *late = sql_text(r, "SELECT late FROM inquiry WHERE id = ?1", id);
	holds(sql(r, "SELECT count(*) FROM inquiry WHERE case_id = ?1", case_of(r, t)) == 1, t,
	      "it is one inquiry");
	holds(sql(r, "SELECT state FROM inquiry WHERE id = ?1", id) == (int64_t)t->script->end, t,
	      "the inquiry ended as its answers say");
	holds(strcmp(late, t->script->late) == 0, t, "a late yes is kept, and only a late one");
	holds(live_messages(state, t->whom->dm, t->id) == (t->script->is_nobody ? 0 : 1), t,
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

static void check_pages(struct run *r, const struct cJSON *state, const struct task *t)
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
		if (incidents_of(r, state, t, reasons[i].reason) != (reasons[i].is_due ? 1 : 0))
			print_error("reason: %s\n", reasons[i].reason);
		holds(incidents_of(r, state, t, reasons[i].reason) == (reasons[i].is_due ? 1 : 0),
		      t, "each reason to page is one incident, and there is no other");
	}
	holds(incidents_of(r, state, t, NULL) == due, t, "there is no other reason");
}

/* Every click and note that Slack got an acknowledgement for. */
static size_t check_acknowledged(struct run *r, const struct cJSON *ledger)
{
	const struct crash *c = &r->world;
	size_t acknowledged = 0;
	char words[NOTE_BYTES];
	for (size_t i = 0; i < c->sent_n; i++) {
		const struct sent *s = &c->sent[i];
		const struct task *t = &c->tasks[s->task];
		if (!live_ack(ledger, s->envelope))
			continue;
		acknowledged++;
		sqlite3_stmt *st = NULL;
		assert_int_equal(sqlite3_prepare_v2(r->db,
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
		const char *said = sql_text(r, "SELECT comment FROM inquiry WHERE case_id = ?1",
					    case_of(r, t));
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

static void check(struct run *r)
{
	struct crash *c = &r->world;
	const struct cJSON *state = live_state(c->live), *ledger = live_ledger(c->live);
	const size_t acknowledged = check_acknowledged(r, ledger);
	size_t notes = 0;
	for (size_t i = 0; i < TASKS; i++) {
		check_alert(r, state, &c->tasks[i]);
		check_question(r, state, &c->tasks[i]);
		check_pages(r, state, &c->tasks[i]);
		notes += c->tasks[i].is_noted;
	}
	check_posts(ledger);
	assert_int_equal(sql(r, "SELECT count(*) FROM alert", 0), TASKS);
	assert_int_equal(sql(r, "SELECT count(*) FROM casefile", 0), TASKS);
	assert_int_equal(sql(r, "SELECT count(*) FROM outgoing WHERE state <> 0 AND kind <= 4", 0),
			 0);
	check_refusals(ledger);
	print_message(
		"%d kills (%d at a start, %d after a request, %d at a click, %d at an alert), "
		"%d with a request in flight; %zu acknowledged clicks and notes (%zu notes)\n",
		r->kills, r->by_aim[AIM_START], r->by_aim[AIM_CALL], r->by_aim[AIM_CLICK],
		r->by_aim[AIM_POST], r->in_flight, acknowledged, notes);
	assert_true(r->kills >= KILLS_MIN);
	assert_true(r->in_flight >= IN_FLIGHT_MIN);
	assert_true(notes > 0);
}

/* --- the test --- */

static int set_up(void **state)
{
	const struct live_options none = { 0 };
	struct run *r = calloc(1, sizeof(*r));
	*state = r;
	r->world.live = live_open(&none);
	return r->world.live ? 0 : -1;
}

static int tear_down(void **state)
{
	struct run *r = *state;
	victim = -1;
	(void)sqlite3_close(r->db);
	live_close(r->world.live);
	free(r);
	return 0;
}

static uint64_t seed(void)
{
	const char *given = getenv("SEED");
	uint32_t made = 0;
	int64_t n = 0;
	if (given && str_int(str_z(given), &n))
		return (uint64_t)n;
	assert_int_equal(getrandom(&made, sizeof(made), 0), sizeof(made));
	return made;
}

/* "kill -9 at 30 or more moments from a printed seed, at least 10 with a request in flight, in a
 * run of 50 inquiries with answers: every acknowledged click and every 202'd alert is there, each
 * question stands once, each reason to page is one incident, by the sandbox's ledger." */
static void test_kill(void **state)
{
	static const struct live_change brief = { "wait: 30m", "wait: 5s" };
	const struct sigaction on_alarm = { .sa_handler = strike, .sa_flags = SA_RESTART };
	struct run *r = *state;
	struct crash *c = &r->world;
	c->random = seed();
	print_message("SEED=%" PRIu64 "\n", c->random);
	assert_int_equal(sigaction(SIGALRM, &on_alarm, NULL), 0);
	live_playbook(c->live, "process", NULL, 0);
	live_playbook(c->live, "brief", &brief, 1);
	/* Slack's own search for doubles is off: the bot has to see to it alone. */
	struct cJSON *args = json_object();
	json_put_bool(args, "on", false);
	json_free(live_control(c->live, "dedupe", args));
	tasks_make(c);
	lives(r);
	finish(r);
	check(r);
	live_passed(c->live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
