/* kill -9, again and again, at moments chosen by a seed, in a run of twice as many inquiries with
 * answers: what was acknowledged is there, each question stands once, each reason to page is one
 * incident, by the sandbox's ledger. KILLS=N in the environment (36; `make kill`: 100); SEED=N
 * repeats the choices of a run (its timing is the machine's). */
#include <sys/random.h>
#include <sysexits.h>

#include "crash_check.h"

enum {
	KILLS = 36,
	MIGRATIONS =
		4, /* lives that end before there is a database, or in the middle of making it */
	LIFE_MS = 1200, /* with an open door; it is over then, whatever it was to wait for */
	GHOSTS_MAX = 6, /* of the ten registrations that Slack allows */
	GHOST_MS = 10 * 60 * 1000,
	QUIET_MS = 1000,
	END_MS = 120 * 1000, /* something was lost then */
};

/* What the run has come to, beside its world. */
struct run {
	struct crash world;
	int kills, in_flight, by_aim[AIMS];
	int64_t slow_ms;         /* each answer of this life waits so long */
	int64_t seq, looked_seq; /* of the ledger: before this life; when it was looked at */
	int64_t refresh_ms;      /* when to end this life's socket */
	struct judge judge;
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

static void life_begin(struct run *r)
{
	static const enum aim mix[] = { AIM_CALL,    AIM_START, AIM_PAGE, AIM_CLICK,
					AIM_CALL,    AIM_POST,  AIM_PAGE, AIM_CALL,
					AIM_REFRESH, AIM_CLICK, AIM_CALL, AIM_ACCEPTED };
	static const uint64_t spread_us[AIMS] = {
		[AIM_MIGRATION] = 60 * 1000, [AIM_START] = 400 * 1000,   [AIM_CALL] = 40 * 1000,
		[AIM_PAGE] = 40 * 1000,      [AIM_CLICK] = 6000,         [AIM_POST] = 6000,
		[AIM_ACCEPTED] = 6000,       [AIM_REFRESH] = 300 * 1000,
	};
	struct crash *c = &r->world;
	c->aim = c->life < MIGRATIONS ? AIM_MIGRATION
				      : mix[(size_t)c->life % (sizeof(mix) / sizeof(mix[0]))];
	c->delay_us = (int64_t)chance(c, spread_us[c->aim]);
	faults(r);
	CLEANUP(json_done) struct cJSON *ledger = ledger_since(c, INT64_C(1) << 50);
	acks_read(c, ledger);
	r->seq = r->looked_seq = number(ledger, "seq");
	r->refresh_ms = 0;
	c->is_armed = false;
	live_bot_start(c->live);
	if (c->aim == AIM_START || c->aim == AIM_MIGRATION)
		arm(c);
}

static bool is_slow(const struct cJSON *call)
{
	for (size_t i = 0; i < METHODS; i++)
		if (strcmp(json_text_at(call, "method"), methods[i]) == 0)
			return !json_key(call, "error"); /* another fault was faster */
	return false;
}

/* Requests in that ledger, of that method (NULL = any), to which no answer had left the sandbox at
 * now_ms. */
static int unanswered(const struct run *r, const struct cJSON *ledger, const char *method,
		      int64_t now_ms)
{
	const struct cJSON *calls = json_key(ledger, "calls");
	int n = 0;
	for (const struct cJSON *call = json_first(calls); call; call = json_next(call))
		n += is_slow(call) && number(call, "at_ms") + r->slow_ms > now_ms &&
		     (!method || strcmp(json_text_at(call, "method"), method) == 0);
	return n;
}

/* Slack ends the socket that is up, so that the bot opens another. */
static void refresh(struct run *r)
{
	static const char *const reasons[] = { "warning", "refresh_requested" };
	struct crash *c = &r->world;
	struct cJSON *only = json_object(), *args = json_object();
	json_put_text(only, "only", "sockets");
	json_put_text(args, "reason", reasons[c->life % 2]);
	CLEANUP(json_done) struct cJSON *state = live_control(c->live, "state", only);
	const struct cJSON *all = json_key(state, "sockets");
	bool is_up = false;
	for (const struct cJSON *s = json_first(all); s; s = json_next(s))
		is_up = is_up || json_true(json_key(s, "up"));
	if (!is_up || live_now_ms() < r->refresh_ms) {
		json_free(args);
		return;
	}
	json_free(live_control(c->live, "disconnect", args));
	arm(c);
}

static void life_goes_on(struct run *r)
{
	struct crash *c = &r->world;
	if ((c->aim == AIM_CALL || c->aim == AIM_PAGE) && !c->is_armed) {
		CLEANUP(json_done) struct cJSON *ledger = ledger_since(c, r->looked_seq);
		acks_read(c, ledger);
		if (unanswered(r, ledger, c->aim == AIM_PAGE ? "pagerduty" : NULL, 0))
			arm(c);
		r->looked_seq = number(ledger, "seq");
	}
	if (c->aim == AIM_REFRESH && !c->is_armed && live_bot_listens(c->live))
		refresh(r);
	send_alerts(c, (size_t)(c->life + 1) * c->tasks_n / (size_t)c->lives);
	if (live_bot_listens(c->live))
		people_act(c);
	else
		(void)poll(NULL, 0, 2);
}

/* The bot is dead. It has closed no socket: when too many are left as ghosts, Slack's ten minutes
 * pass. */
static void life_end(struct run *r)
{
	struct live *l = r->world.live;
	victim = -1;
	/* The clock is read after the death: what is unanswered now was so then. */
	struct cJSON *only = json_object();
	json_put_text(only, "only", "sockets");
	CLEANUP(json_done) struct cJSON *state = live_control(l, "state", only);
	CLEANUP(json_done) struct cJSON *ledger = ledger_since(&r->world, r->seq);
	acks_read(&r->world, ledger);
	r->in_flight += unanswered(r, ledger, NULL, number(state, "now_ms")) > 0;
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
	for (c->life = 0; c->life < c->lives; c->life++) {
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

static void db_open(struct run *r)
{
	const char *path = live_file(r->world.live, "securitybot.db");
	assert_int_equal(sqlite3_open_v2(path, &r->judge.db, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
}

static void db_close(struct run *r)
{
	assert_int_equal(sqlite3_close(r->judge.db), SQLITE_OK);
	r->judge.db = NULL;
}

static bool have_all_spoken(const struct crash *c)
{
	if (c->posted < c->tasks_n)
		return false;
	for (size_t i = 0; i < c->tasks_n; i++)
		if (!has_said_all(&c->tasks[i]))
			return false;
	return true;
}

/* Until everybody has spoken and no request has come for a while. */
static void settle(struct run *r)
{
	struct crash *c = &r->world;
	int64_t calls = -1, since_ms = live_now_ms(), end_ms = since_ms + END_MS;
	while (live_now_ms() - since_ms < QUIET_MS || !have_all_spoken(c)) {
		send_alerts(c, c->tasks_n);
		people_act(c);
		since_ms = c->calls != calls ? live_now_ms() : since_ms;
		calls = c->calls;
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
			&r->judge,
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

static void check(struct run *r)
{
	static const char *const words[AIMS] = {
#define X(name, words) [AIM_##name] = (words),
		AIMS_OF(X)
#undef X
	};
	struct crash *c = &r->world;
	const struct tally all = check_all(&r->judge);
	print_message("%d kills", r->kills);
	for (int i = 0; i < AIMS; i++)
		print_message("%s %d %s", i ? "," : ":", r->by_aim[i], words[i]);
	print_message("; %d with a request in flight; %zu inquiries, %zu acknowledged clicks and "
		      "notes (%zu notes)\n",
		      r->in_flight, c->tasks_n, all.acknowledged, all.notes);
	assert_int_equal(r->kills, c->lives);
	assert_true(r->in_flight * 3 >= r->kills);
	assert_true(all.notes > 0);
	for (int i = 0; i < AIMS; i++)
		assert_true(r->by_aim[i] > 0);
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
	(void)sqlite3_close(r->judge.db);
	live_close(r->world.live);
	free(r);
	return 0;
}

static int64_t from_environment(const char *name, int64_t otherwise)
{
	const char *given = getenv(name);
	int64_t n = 0;
	return given && str_int(str_z(given), &n) && n > 0 ? n : otherwise;
}

static uint64_t seed(void)
{
	uint32_t made = 0;
	assert_int_equal(getrandom(&made, sizeof(made), 0), sizeof(made));
	return (uint64_t)from_environment("SEED", made);
}

/* "kill -9 at 100 moments of a run of 200 inquiries (--limits=fast), a third with requests in
 * flight: nothing lost, nothing doubled, by the ledger." */
static void test_kill(void **state)
{
	static const struct live_change brief = { "wait: 30m", "wait: 5s" };
	const struct sigaction on_alarm = { .sa_handler = strike, .sa_flags = SA_RESTART };
	struct run *r = *state;
	struct crash *c = &r->world;
	c->random = seed();
	c->lives = (int)from_environment("KILLS", KILLS);
	assert_in_range(c->lives, MIGRATIONS + 12, LIVES_MAX); /* each aim at least once */
	r->judge.crash = c;
	print_message("SEED=%" PRIu64 " KILLS=%d\n", c->random, c->lives);
	assert_int_equal(sigaction(SIGALRM, &on_alarm, NULL), 0);
	live_playbook(c->live, "process", NULL, 0);
	live_playbook(c->live, "brief", &brief, 1);
	/* Slack's own search for doubles is off: the bot has to see to it alone. */
	struct cJSON *args = json_object();
	json_put_bool(args, "on", false);
	json_free(live_control(c->live, "dedupe", args));
	tasks_make(c, 2 * (size_t)c->lives);
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
