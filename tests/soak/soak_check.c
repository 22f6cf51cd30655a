/* soak_check: what must be true at the end: the sandbox's ledger and what its people saw against a
 * copy of the database. See soak.h. */
#include "soak/soak.h"

#include <sqlite3.h>

#include "model/nouns.h"

struct check {
	struct soak *soak;
	sqlite3 *db;
	int64_t wrong[16]; /* by sentence */
};

enum sentence {
	STORED,
	ONE_CASE,
	ENDED,
	NOTED,
	SHOWN,
	PAGED_OPENED,
	PAGED_SILENCE,
	PAGED_OTHER,
	PAGED_ELSE,
	SENTENCES
};
static const char *const sentences[SENTENCES] = {
	[STORED] = "each alert answered 2xx is stored, with the disposition it should have",
	[ONE_CASE] = "each case is that of one alert, repetitions folded in",
	[ENDED] = "each inquiry ended as its answers say",
	[NOTED] = "each acknowledged note is stored",
	[SHOWN] = "each question and notice stands once",
	[PAGED_OPENED] =
		"each P1 and P2 is one incident of its own at opening, and nothing else is",
	[PAGED_SILENCE] = "each silence is one incident, and nothing else is",
	[PAGED_OTHER] = "each other reason to page is one incident",
	[PAGED_ELSE] = "there is no incident without a reason",
};

static sqlite3_stmt *prepared(struct check *c, const char *sql)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(c->db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(c->db));
	return st;
}

static int64_t sql(struct check *c, const char *query, int64_t id)
{
	sqlite3_stmt *st = prepared(c, query);
	if (sqlite3_bind_parameter_count(st) > 0)
		assert_int_equal(sqlite3_bind_int64(st, 1, id), SQLITE_OK);
	const int64_t v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
	(void)sqlite3_finalize(st);
	return v;
}

static void holds(struct check *c, enum sentence what, bool is_true, size_t task, const char *more)
{
	enum { SHOWN_MAX = 5 };
	if (is_true)
		return;
	if (c->wrong[what]++ < SHOWN_MAX)
		print_error("soak-%06zu (%s): not so: %s %s\n", task,
			    c->soak->tasks[task].script->type, sentences[what], more);
}

static int by_case(const void *a, const void *b)
{
	const struct page *x = a, *y = b;
	return (x->case_id > y->case_id) - (x->case_id < y->case_id);
}

/* Sorted by now. */
static int pages_of(const struct soak *s, int64_t case_id, const char *reason)
{
	const struct page key = { .case_id = case_id }, *end = s->pages + s->pages_n;
	const struct page *p = bsearch(&key, s->pages, s->pages_n, sizeof(key), by_case);
	int n = 0;
	while (p && p > s->pages && p[-1].case_id == case_id)
		p--;
	for (; p && p < end && p->case_id == case_id; p++)
		n += !reason || strcmp(p->reason, reason) == 0;
	return n;
}

static void check_pages(struct check *c, size_t i, int64_t case_id)
{
	const struct task *t = &c->soak->tasks[i];
	const bool is_urgent = strcmp(t->script->type, "notice") != 0 && t->priority <= 2 &&
			       t->script->alert_state == ALERT_MAPPED;
	int due = is_urgent, silences = 0;
	holds(c, PAGED_OPENED, pages_of(c->soak, case_id, "opened") == is_urgent, i, "");
	for (size_t k = 0; k < 3 && t->script->reasons[k]; k++) {
		const char *reason = t->script->reasons[k];
		const bool is_silence = strcmp(reason, "silence") == 0;
		silences += is_silence;
		due++;
		holds(c, is_silence ? PAGED_SILENCE : PAGED_OTHER,
		      pages_of(c->soak, case_id, reason) == 1, i, reason);
	}
	holds(c, PAGED_SILENCE, pages_of(c->soak, case_id, "silence") == silences, i, "");
	holds(c, PAGED_ELSE, pages_of(c->soak, case_id, NULL) == due, i, "");
}

static void check_inquiry(struct check *c, size_t i, int64_t case_id)
{
	const struct task *t = &c->soak->tasks[i];
	const int64_t n = sql(c, "SELECT count(*) FROM inquiry WHERE case_id = ?1", case_id);
	char note[48], more[48];
	holds(c, ENDED, n == (t->script->end >= 0), i, "(another number of inquiries)");
	if (t->script->end < 0)
		return;
	const int64_t state = sql(c, "SELECT state FROM inquiry WHERE case_id = ?1", case_id);
	(void)snprintf(more, sizeof(more), "(%" PRId64 ", not %d)", state, t->script->end);
	holds(c, ENDED, state == t->script->end, i, more);
	if (!t->is_noted)
		return;
	task_note(i, note);
	sqlite3_stmt *st = prepared(c, "SELECT comment FROM inquiry WHERE case_id = ?1");
	(void)sqlite3_bind_int64(st, 1, case_id);
	const bool is_there = sqlite3_step(st) == SQLITE_ROW &&
			      strcmp((const char *)sqlite3_column_text(st, 0), note) == 0;
	(void)sqlite3_finalize(st);
	holds(c, NOTED, is_there, i, "");
}

static void check_task(struct check *c, size_t i)
{
	const struct task *t = &c->soak->tasks[i];
	const int64_t state = sql(c, "SELECT state FROM alert WHERE id = ?1", t->alert_id);
	const int64_t case_id = sql(c, "SELECT case_id FROM alert WHERE id = ?1", t->alert_id);
	char more[48];
	(void)snprintf(more, sizeof(more), "(%" PRId64 ", not %d)", state, t->script->alert_state);
	holds(c, STORED, state == t->script->alert_state, i, more);
	if (!t->script->has_card)
		return;
	holds(c, ONE_CASE,
	      sql(c, "SELECT count(*) FROM alert WHERE case_id = ?1 AND state <> 3", case_id) == 1,
	      i, "");
	holds(c, SHOWN, t->shown == (t->script->is_asked || t->script->is_told), i, "");
	check_inquiry(c, i, case_id);
	check_pages(c, i, case_id);
}

static int by_size(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;
	return (x > y) - (x < y);
}

static void say_acks(const struct soak *s)
{
	int *ms = mem_new(SENT_MAX * sizeof(*ms));
	size_t n = 0;
	for (size_t i = 0; i < s->sent_n; i++)
		if (s->sent[i].is_acked)
			ms[n++] = s->sent[i].ack_ms;
	qsort(ms, n, sizeof(*ms), by_size);
	if (n)
		print_message("acknowledged after: median %d ms, 99 %% %d ms, longest %d ms\n",
			      ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
	free(ms);
}

static void check_acknowledged(struct check *c)
{
	static const char *const names[SENT_KINDS] = { "click", "note", "stranger's click",
						       "command" };
	struct soak *s = c->soak;
	sqlite3_stmt *st = prepared(c, "SELECT 1 FROM fact WHERE fact_key = 'envelope:' || ?1");
	int64_t acked[SENT_KINDS] = { 0 }, lost = 0;
	char seen[160];
	for (size_t i = 0; i < s->sent_n; i++) {
		const struct sent *e = &s->sent[i];
		if (!e->is_acked)
			continue;
		acked[e->what]++;
		(void)sqlite3_bind_text(st, 1, e->envelope, -1, SQLITE_STATIC);
		if (sqlite3_step(st) != SQLITE_ROW && lost++ < 5)
			print_error("not stored: a %s, %s\n", names[e->what], e->envelope);
		(void)sqlite3_reset(st);
	}
	(void)sqlite3_finalize(st);
	(void)snprintf(seen, sizeof(seen),
		       "%" PRId64 " clicks, %" PRId64 " notes, %" PRId64 " of strangers, %" PRId64
		       " commands of %zu; %" PRId64 " lost",
		       acked[SENT_CLICK], acked[SENT_NOTE], acked[SENT_STRANGER],
		       acked[SENT_COMMAND], s->sent_n, lost);
	soak_judge(s, lost == 0, "no acknowledged click, note or command is lost", seen);
	say_acks(s);
	const int64_t refused =
		sql(c, "SELECT count(*) FROM audit WHERE action = 'inquiry.refused_stranger'", 0);
	(void)snprintf(seen, sizeof(seen), "%" PRId64 " records", refused);
	soak_judge(s, refused >= acked[SENT_STRANGER], "each stranger's click is on record", seen);
}

static void check_rest(struct check *c)
{
	char seen[160];
	const int64_t waiting =
		sql(c, "SELECT count(*) FROM outgoing WHERE state = 0 AND shown < wanted", 0);
	const int64_t dead =
		sql(c, "SELECT count(*) FROM outgoing WHERE state <> 0 AND kind <= 4", 0);
	const int64_t open = sql(c, "SELECT count(*) FROM inquiry WHERE state = 0", 0);
	(void)snprintf(seen, sizeof(seen),
		       "%" PRId64 " waiting, %" PRId64 " dead, %" PRId64 " inquiries open", waiting,
		       dead, open);
	soak_judge(c->soak, waiting + dead + open == 0, "everything has come to rest", seen);
	(void)snprintf(seen, sizeof(seen), "%" PRId64 " held cases",
		       sql(c,
			   "SELECT count(*) FROM casefile WHERE held <> '' AND source <> "
			   "'securitybot'",
			   0));
	soak_judge(c->soak, strcmp(seen, "0 held cases") == 0, "nothing is held", seen);
}

static void check_refusals(struct soak *s)
{
	/* These happen to a correct client too: who answers late, twice or after a death. */
	static const char *const fine[] = { "exchanged_trigger_id", "expired_trigger_id",
					    "ack_missing",          "ack_late",
					    "too_many_websockets",  "ticket" };
	CLEANUP(json_done) struct cJSON *after = json_object();
	json_put_num(after, "since", (double)s->seq);
	json_put_num(after, "since_ms", (double)s->state_ms);
	CLEANUP(json_done)
	struct cJSON *ledger = live_control(s->live, "ledger", json_copy(after));
	const struct cJSON *all = json_key(ledger, "refusals");
	CLEANUP(buf_free) struct buf b = BUF(1 << 16);
	int bad = 0;
	json_print(all, &b);
	for (const struct cJSON *r = json_first(all); r; r = json_next(r)) {
		bool is_fine = false;
		for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
			is_fine = is_fine || strcmp(fine[i], json_name(r)) == 0;
		bad += !is_fine;
	}
	soak_judge(s, bad == 0, "the sandbox refused nothing that a correct client does not do",
		   buf_z(&b));
}

static void check_posts(struct soak *s)
{
	char seen[120];
	(void)snprintf(seen, sizeof(seen),
		       "%" PRId64 " messages, %" PRId64 " twice, %" PRId64 " to somebody else",
		       s->posts_n, s->doubled, s->misdirected);
	soak_judge(s, s->doubled == 0 && s->misdirected == 0,
		   "no message is posted twice or to somebody else", seen);
	for (size_t i = 0; i < ERRORS_MAX && s->errors[i].n; i++)
		print_message("calls that failed: %s %" PRId64 "\n", s->errors[i].name,
			      s->errors[i].n);
}

void check_all(struct soak *s, const char *copy)
{
	struct check c = { .soak = s };
	char seen[40];
	if (sqlite3_open_v2(copy, &c.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		fail_msg("%s can't be read", copy);
	qsort(s->pages, s->pages_n, sizeof(*s->pages), by_case);
	for (size_t i = 0; i < s->posted; i++)
		check_task(&c, i);
	for (size_t k = 0; k < SENTENCES; k++) {
		(void)snprintf(seen, sizeof(seen), "%" PRId64 " not so", c.wrong[k]);
		soak_judge(s, c.wrong[k] == 0, sentences[k], seen);
	}
	check_acknowledged(&c);
	check_rest(&c);
	check_posts(s);
	check_refusals(s);
	(void)sqlite3_close(c.db);
}
