/* Slack replaces its sockets fifty times while a hundred clicks a second arrive: none is lost, none
 * counts twice, there is never a moment without a socket, and no socket ends without a Close frame.
 * The real bot against the real sandbox, some of each at a time: a refresh takes three seconds, for
 * so long the old socket is read on. REFRESHES=50: all of them on one bot (make refreshes). */
#include <inttypes.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/live.h"

#ifdef __SANITIZE_ADDRESS__
enum { WORLDS = 2, REFRESHES = 5, CLICK_EVERY_MS = 20, PACE = 5 };
#else
/* Refreshes of each; pace: the least that comes true of it, in tenths, on a busy machine. */
enum { WORLDS = 5, REFRESHES = 10, CLICK_EVERY_MS = 10, PACE = 8 };
#endif
enum {
	INQUIRIES = 40,
	PERSONS = 5,
	REFRESHES_MAX = 100,
	CLICKS_MAX = 500 * REFRESHES_MAX,
	LOOK_MS = 50,
	REFRESH_MS_MAX = 10 * 1000, /* so long after its notice Slack ends the socket */
	WHOLE_MS_MAX = 600 * 1000,
};

static const char *const persons[PERSONS][3] = {
	{ "U0ALICE01", "alice@duff.example", "D0ALICE01" },
	{ "U0BOB0001", "bob@duff.example", "D0BOB0001" },
	{ "U0DANA001", "dana@duff.example", "D0DANA001" },
	{ "U0MONA001", "mona@duff.example", "D0MONA001" },
	{ "U0EVE0001", "eve@duff.example", "D0EVE0001" },
};

struct question {
	const char *ts, *token;
};
struct world {
	struct live *live;
	struct question asked[INQUIRIES];
	const char *clicks[CLICKS_MAX]; /* their envelopes */
	size_t clicks_n;
	int refreshes;
	int64_t begun_ms, looked_ms, refresh_ms, ended_ms;
};
struct all {
	struct world worlds[WORLDS];
	int64_t ack_ms[WORLDS * CLICKS_MAX];
	size_t acks_n, worlds_n;
	int refreshes; /* of each */
};

static bool is_slow(void) { return live_slow() > 1; }
static int64_t click_every_ms(void) { return CLICK_EVERY_MS * live_slow(); }

static int tear_down(void **state)
{
	struct all *all = *state;
	for (size_t i = 0; i < all->worlds_n; i++)
		live_close(all->worlds[i].live);
	free(all);
	return 0;
}

static int set_up(void **state)
{
	struct all *all = calloc(1, sizeof(*all));
	*state = all;
	const char *wish = getenv("REFRESHES"); /* banned: of make */
	int64_t n = 0;
	all->worlds_n = is_slow() || wish ? 1 : WORLDS;
	all->refreshes = is_slow() ? 2 : REFRESHES;
	if (wish && str_int(str_z(wish), &n) && n > 0 && n <= REFRESHES_MAX)
		all->refreshes = (int)n;
	for (size_t i = 0; i < all->worlds_n; i++) {
		all->worlds[i].live = live_open(&(struct live_options){ 0 });
		if (!all->worlds[i].live) {
			(void)tear_down(state);
			return -1;
		}
	}
	return 0;
}

/* --- questions --- */

static bool asked_all(struct world *w)
{
	const struct cJSON *state = live_state(w->live);
	char id[24];
	for (int i = 0; i < INQUIRIES; i++) {
		(void)snprintf(id, sizeof(id), "tool-%02d", i);
		const struct cJSON *m = live_message(state, persons[i % PERSONS][2], id);
		const struct cJSON *button = m ? live_button(m, "yes") : NULL;
		if (!button)
			return false;
		w->asked[i].ts = live_keep(w->live, json_text_at(m, "ts"));
		w->asked[i].token = live_keep(w->live, json_text_at(button, "value"));
	}
	return true;
}

static void ask_all(struct world *w)
{
	struct live *l = w->live;
	char id[24];
	live_playbook(l, "process", NULL, 0);
	live_bot_start(l);
	live_bot_ready(l);
	for (int i = 0; i < INQUIRIES; i++) {
		(void)snprintf(id, sizeof(id), "tool-%02d", i);
		const char *body = live_alert(l, "process", id, persons[i % PERSONS][1], 4);
		assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	}
	LIVE_UNTIL(l, LIVE_PATIENCE, asked_all(w));
}

/* --- the traffic --- */

/* Yes; after a round of all of them yes again, which changes nothing; then no. The screen showed
 * the button a moment ago, so it is pressed also where it has gone. */
static void click_one(struct world *w)
{
	const size_t i = w->clicks_n % INQUIRIES, round = w->clicks_n / INQUIRIES;
	struct cJSON *args = json_object();
	json_put_text(args, "user", persons[i % PERSONS][0]);
	json_put_text(args, "channel", persons[i % PERSONS][2]);
	json_put_text(args, "ts", w->asked[i].ts);
	json_put_text(args, "action_id", round < 2 ? "yes" : "no");
	json_put_text(args, "block_id", "answer");
	json_put_text(args, "value", w->asked[i].token);
	json_put_bool(args, "force", true);
	CLEANUP(json_done) struct cJSON *said = live_control(w->live, "click", args);
	if (!json_true(json_key(said, "delivered")))
		fail_msg("after %d refreshes and %zu clicks Slack had no socket", w->refreshes,
			 w->clicks_n);
	assert_true(w->clicks_n < CLICKS_MAX);
	w->clicks[w->clicks_n++] = live_keep(w->live, json_text_at(said, "envelope_id"));
}

struct sockets {
	int64_t greeted, closed, lost, ended, dropped, deaf, deaf_ms;
};
static struct sockets sockets_of(struct live *l)
{
	struct sockets n = { 0 };
	CLEANUP(json_done) struct cJSON *j = live_control(l, "sockets", NULL);
	assert_true(json_int(json_key(j, "greeted"), &n.greeted) &&
		    json_int(json_key(j, "closed"), &n.closed) &&
		    json_int(json_key(j, "lost"), &n.lost) &&
		    json_int(json_key(j, "ended"), &n.ended) &&
		    json_int(json_key(j, "dropped"), &n.dropped) &&
		    json_int(json_key(j, "deaf"), &n.deaf) &&
		    json_int(json_key(j, "deaf_ms"), &n.deaf_ms));
	return n;
}

/* One after the other, and each third already while the socket before the last is still read. */
static void refresh(struct world *w, int refreshes, int64_t now_ms)
{
	const struct sockets n = sockets_of(w->live);
	assert_int_equal(n.lost + n.ended + n.dropped, 0);
	const bool is_replaced = n.greeted == w->refreshes + 1,
		   is_over = is_replaced && n.closed == w->refreshes;
	if (w->refreshes && !is_replaced && now_ms - w->refresh_ms > REFRESH_MS_MAX)
		fail_msg("refresh %d: no other socket after %d ms", w->refreshes, REFRESH_MS_MAX);
	if (!(w->refreshes % 3 == 2 ? is_replaced : is_over))
		return;
	if (w->refreshes == refreshes) {
		w->ended_ms = now_ms;
		return;
	}
	struct cJSON *args = json_object();
	json_put_text(args, "reason", w->refreshes % 2 ? "warning" : "refresh_requested");
	json_free(live_control(w->live, "disconnect", args));
	w->refreshes++;
	w->refresh_ms = now_ms;
}

/* True: this one is through. */
static bool go_on(struct world *w, int refreshes)
{
	const int64_t now_ms = live_now_ms();
	if (w->ended_ms)
		return true;
	if ((int64_t)w->clicks_n * click_every_ms() <= now_ms - w->begun_ms)
		click_one(w);
	if (now_ms - w->looked_ms >= LOOK_MS) {
		w->looked_ms = now_ms;
		refresh(w, refreshes, now_ms);
	}
	return false;
}

static void let_it_happen(struct all *all)
{
	const int64_t begun_ms = live_now_ms();
	for (size_t i = 0; i < all->worlds_n; i++)
		all->worlds[i].begun_ms = begun_ms;
	for (size_t through = 0; through < all->worlds_n;) {
		through = 0;
		for (size_t i = 0; i < all->worlds_n; i++)
			through += go_on(&all->worlds[i], all->refreshes);
		assert_true(live_now_ms() - begun_ms < WHOLE_MS_MAX);
		(void)poll(NULL, 0, 1);
	}
}

/* --- what became of it --- */

static bool has_tried(struct world *w, int64_t end_ms)
{
	return json_count(json_key(live_ledger(w->live), "acks")) >= w->clicks_n ||
	       live_now_ms() >= end_ms;
}

/* Each envelope has one acknowledgement, in time; Slack has nothing to complain of. */
static void check_slack(struct all *all, struct world *w)
{
	struct live *l = w->live;
	const int64_t end_ms = live_now_ms() + LIVE_PATIENCE / 2;
	LIVE_UNTIL(l, LIVE_PATIENCE, has_tried(w, end_ms));
	const struct cJSON *ledger = live_ledger(l), *acks = json_key(ledger, "acks"),
			   *sent = json_key(ledger, "envelopes");
	size_t lost = 0;
	for (const struct cJSON *e = json_first(sent); e; e = json_next(e)) {
		int64_t at_ms = 0, socket = 0;
		if (json_true(json_key(e, "acked")))
			continue;
		lost++;
		(void)json_int(json_key(e, "sent_ms"), &at_ms);
		(void)json_int(json_key(e, "socket"), &socket);
		print_error("never acknowledged: sent on socket %" PRId64 " at %" PRId64 "\n",
			    socket, at_ms);
	}
	assert_int_equal(lost, 0);
	for (const struct cJSON *a = json_first(acks); a; a = json_next(a)) {
		assert_false(json_key(a, "late") || json_key(a, "dup"));
		assert_true(json_int(json_key(a, "ms"), &all->ack_ms[all->acks_n++]));
	}
	assert_int_equal(json_count(acks), w->clicks_n);
	assert_int_equal(json_count(sent), w->clicks_n);
	assert_int_equal(json_count(json_key(ledger, "refusals")), 0);
	assert_int_equal(json_count(json_key(live_state(l), "troubles")), 0);
}

static int64_t number_of(sqlite3 *db, const char *sql, const char *text)
{
	sqlite3_stmt *s = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	if (text)
		assert_int_equal(sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	const int64_t n = sqlite3_column_int64(s, 0);
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
	return n;
}

/* In a copy of the database: each click once, by its envelope, and in the record once. */
static void check_record(struct world *w)
{
	CLEANUP(buf_free) struct buf out = BUF(1 << 16);
	const char *copy = live_file(w->live, "copy.db");
	const char *const args[] = { "backup", copy, "--config",
				     live_file(w->live, "securitybot.yaml"), NULL };
	sqlite3 *db = NULL;
	char key[64];
	if (live_run(w->live, args, &out) != 0)
		fail_msg("backup: %s", buf_z(&out));
	assert_int_equal(sqlite3_open_v2(copy, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (size_t i = 0; i < w->clicks_n; i++) {
		(void)snprintf(key, sizeof(key), "envelope:%s", w->clicks[i]);
		assert_int_equal(number_of(db, "SELECT count(*) FROM fact WHERE fact_key = ?", key),
				 1);
	}
	assert_int_equal(number_of(db,
				   "SELECT count(*) FROM audit WHERE actor LIKE 'slack:%' AND "
				   "action IN ('inquiry.answered', 'inquiry.repeated')",
				   NULL),
			 w->clicks_n);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Before the end nobody was deaf; at the end each socket was closed as it should be. */
static void check_sockets(struct world *w)
{
	struct sockets n = sockets_of(w->live);
	assert_int_equal(n.deaf, 0);
	assert_int_equal(n.deaf_ms, 0);
	assert_int_equal(live_bot_stop(w->live), 0);
	n = sockets_of(w->live);
	assert_int_equal(n.greeted, w->refreshes + 1);
	assert_int_equal(n.closed, n.greeted);
	assert_int_equal(n.lost + n.ended + n.dropped, 0);
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void test_refreshes(void **state)
{
	struct all *all = *state;
	for (size_t i = 0; i < all->worlds_n; i++)
		ask_all(&all->worlds[i]);
	let_it_happen(all);
	for (size_t i = 0; i < all->worlds_n; i++) {
		struct world *w = &all->worlds[i];
		check_slack(all, w);
		check_record(w);
		check_sockets(w);
		const int64_t ms = w->ended_ms - w->begun_ms;
		print_message("%d refreshes in %" PRId64 " ms, %zu clicks\n", w->refreshes, ms,
			      w->clicks_n);
		assert_true((int64_t)w->clicks_n * click_every_ms() * 10 >= ms * PACE);
		live_passed(w->live);
	}
	qsort(all->ack_ms, all->acks_n, sizeof(all->ack_ms[0]), by_size);
	print_message("%zu clicks acknowledged: half of them within %" PRId64 " ms, 99 of 100 "
		      "within %" PRId64 " ms, the slowest after %" PRId64 " ms\n",
		      all->acks_n, all->ack_ms[all->acks_n / 2],
		      all->ack_ms[all->acks_n * 99 / 100], all->ack_ms[all->acks_n - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refreshes, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
