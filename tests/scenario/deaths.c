/* E43: kill -9 at every point between "the event is stored" and the end, one after the other. The
 * account of each broken run must be the account of the unbroken one: the same incidents, the same
 * messages with the same last words, the same rows and the same audited steps. Slack's own
 * deduplication is off. Delete this and a crash at the wrong statement may ask twice, or never
 * page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "scenario.h"

struct tale {
	const char *button; /* NULL = she never answers */
	const char *reason; /* of the one incident, NULL = none */
	int64_t points;     /* that the unbroken run passed: of both windows */
	int64_t first;      /* and of the first window */
	const char *account;
};

/* Under the sanitizers, which look for bad memory and not for bad logic, every 29th will do: they
 * make each run ten times as long. */
#ifdef __SANITIZE_ADDRESS__
int64_t story_stride = 29;
#else
int64_t story_stride = 1;
#endif

static struct lab_points points;

static int64_t passed(void)
{
	uint64_t n = 0;
	for (size_t i = 0; i < points.n; i++)
		n += points.at[i].passed;
	return (int64_t)n;
}

static const char *died_at(void)
{
	for (size_t i = 0; i < points.n; i++)
		if (points.at[i].died)
			return points.at[i].name;
	return "nowhere";
}

/* --- what came of it --- */

/* Times of day differ by the seconds it was dead: only that there is one is compared. */
static const char *timeless(const char *z)
{
	char *copy = arena_many(story_arena(), char, strlen(z) + 1);
	memcpy(copy, z, strlen(z) + 1);
	for (char *at = strchr(copy, ':'); at; at = strchr(at + 1, ':')) {
		bool is_time = at > copy + 1 && strspn(at - 2, "0123456789") == 2 &&
			       strspn(at + 1, "0123456789") >= 2;
		if (is_time)
			at[-2] = at[-1] = at[1] = at[2] = '#';
	}
	return copy;
}

/* The row behind a message's marker "out:17:mac". */
static const char *row_of(struct lab *l, const char *marker)
{
	struct str kind, rest, id;
	int64_t n = 0;
	str_cut(str_z(marker), ':', &kind, &rest);
	str_cut(rest, ':', &id, &rest);
	const struct outgoing *row = str_int(id, &n) ? look_outgoing(lab_look(l), n) : NULL;
	return row ? arena_z(story_arena(), row->key) : "no row";
}

static int by_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In no order: a message that had to be looked for may be overtaken by a younger one. */
static void account_of_messages(struct lab *l, struct buf *b)
{
	const char *all[32];
	size_t n = 0;
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	for (const struct cJSON *c = json_first(json_key(state, "channels")); c; c = json_next(c))
		for (const struct cJSON *m = json_first(json_key(c, "messages")); m;
		     m = json_next(m)) {
			const char *id = json_text_at(c, "id");
			const struct seen *seen = story_seen(id, m);
			assert_true(n < sizeof(all) / sizeof(all[0]));
			all[n++] =
				arena_f(story_arena(), "%s %s%s: %s [%s|%s|%s]\n", id,
					row_of(l, json_text_at(m, "metadata.event_payload.marker")),
					seen->thread_ts[0] ? " in a thread" : "",
					timeless(seen->words), seen->yes ? seen->yes : "",
					seen->no ? seen->no : "", seen->not_me ? seen->not_me : "");
		}
	qsort(all, n, sizeof(all[0]), by_words);
	for (size_t i = 0; i < n; i++)
		buf_addz(b, all[i]);
}

static void account_of_pages(struct lab *l, const struct tale *t, int64_t id, struct buf *b)
{
	buf_addf(b, "%zu incidents\n", incidents(l, id, ""));
	if (!t->reason)
		return;
	const struct woken *w = the_incident(l, id, t->reason);
	buf_addf(b, "%s %s %d %s\n", w->key, w->summary, w->notified, timeless(w->details));
}

static const char *account(struct lab *l, const struct tale *t, int64_t id)
{
	CLEANUP(buf_free) struct buf b = BUF(1u << 20);
	const struct casefile *k = case_of(l, id);
	buf_addf(&b, "case %d %d alerts %lld held \"%s\"\n", (int)k->state, (int)k->resolution,
		 (long long)k->alerts, k->held);
	const struct inquiry *q = inquiry_of(l, id);
	buf_addf(&b, "inquiry %d of %s late \"%s\" tried \"%s\" due %d\n", (int)q->state, q->person,
		 q->late, q->tried, q->due_ms != NEVER_MS);
	account_of_pages(l, t, id, &b);
	account_of_messages(l, &b);
	/* A second press of hers, because her first one was lost, is an attempt more. */
	buf_addz(&b, text_in(l, "SELECT group_concat(step, char(10)) FROM (SELECT "
				"action || ' ' || object AS step FROM audit WHERE action <> "
				"'inquiry.repeated' ORDER BY step)"));
	assert_false(b.broken);
	return arena_z(story_arena(), buf_z(&b));
}

/* --- a run --- */

static void say_again_until_taken(struct lab *l)
{
	struct said told = { 0 };
	for (int i = 0; i < 20 && told.status != 202 && told.status != 200; i++) {
		told = post(l, "%s",
			    "{\"type\":\"process\",\"id\":\"k1\",\"user\":\"alice@duff.example\","
			    "\"what\":\"nc was started\",\"priority\":\"P4\"}");
		if (told.status < 0)
			lab_pass(l, SECOND_MS);
	}
	assert_true(told.status == 202 || told.status == 200);
}

/* She presses until her message shows that she was heard. */
static void press_until_heard(struct lab *l, const struct tale *t)
{
	for (int i = 0; t->button && i < 12; i++) {
		const struct seen *q =
			questions_to(l, "alice") ? the_question_to(l, "alice") : NULL;
		if (q && !q->yes)
			return;
		if (q)
			click(l, "alice", q, t->button);
		lab_pass(l, 10 * SECOND_MS);
	}
}

/* Dies at the n-th point, -1 = never: then it counts them. Two windows are swept, from the alert on
 * and from the answer (or the deadline) on; between them nothing happens that is not idling. */
static struct lab *run(struct tale *t, int64_t n)
{
	memset(&points, 0, sizeof(points));
	struct lab *l = story_begin(&(struct lab_options){ .seed = 11, .points = &points });
	int64_t begun = passed();
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	if (n >= 0 && n < t->first)
		lab_doom(l, "", (uint64_t)n, 2 * SECOND_MS);
	say_again_until_taken(l);
	lab_pass(l, 12 * SECOND_MS);
	if (n < 0)
		t->first = passed() - begun;
	lab_pass(l, MINUTE_MS);
	if (!t->button)
		lab_pass(l, inquiry_of(l, 1)->answer_ms - SECOND_MS - lab_now(l));
	begun = passed();
	if (n >= t->first)
		lab_doom(l, "", (uint64_t)(n - t->first), 2 * SECOND_MS);
	if (t->button)
		click(l, "alice", the_question_to(l, "alice"), t->button);
	lab_pass(l, 12 * SECOND_MS);
	if (n < 0)
		t->points = t->first + passed() - begun;
	lab_pass(l, 20 * SECOND_MS);
	press_until_heard(l, t);
	lab_pass(l, MINUTE_MS);
	return l;
}

static void check(struct lab *l, const struct tale *t, int64_t n)
{
	const char *got = account(l, t, 1);
	const struct inquiry *q = inquiry_of(l, 1);
	if (lab_deaths(l) != 1)
		fail_msg("point %lld was never reached", (long long)n);
	if (strcmp(got, t->account) != 0)
		fprintf(stderr, "death %lld, at \"%s\"\n--- unbroken\n%s\n--- broken\n%s\n",
			(long long)n, died_at(), t->account, got);
	QUOTE("E43.1", "the same ledger after deduplication as an unbroken run",
	      strcmp(got, t->account) == 0);
	bool right = q->undelivered_ms == q->created_ms + 15 * MINUTE_MS &&
		     q->answer_ms == q->delivered_ms + q->wait_ms;
	if (!t->button) { /* two seconds dead, and a new life */
		int64_t late_ms = the_incident(l, 1, t->reason)->first_ms - q->answer_ms;
		right = right && late_ms >= 0 && late_ms <= 10 * SECOND_MS;
	}
	QUOTE("E43.2", "timers right", right);
	QUOTE("E43.3", "no second greeting",
	      questions_to(l, "alice") == 1 &&
		      posts_in(l, the_question_to(l, "alice")->channel) == 1);
}

static void sweep(struct tale *t)
{
	struct lab *l = run(t, -1);
	char *account_of_it = mem_str(str_z(account(l, t, 1)));
	assert_int_equal(lab_deaths(l), 0);
	assert_true(t->points > t->first && t->first > 200);
	story_end(l);
	t->account = account_of_it;
	for (int64_t n = 0; n < t->points; n += story_stride) {
		l = run(t, n);
		check(l, t, n);
		story_end(l);
	}
	free(account_of_it);
}

static void killed_anywhere_in_a_no(void **state)
{
	struct tale t = { .button = "no", .reason = "answered-no" };
	(void)state;
	sweep(&t);
}

static void killed_anywhere_in_a_yes(void **state)
{
	struct tale t = { .button = "yes" };
	(void)state;
	sweep(&t);
}

static void killed_anywhere_in_a_silence(void **state)
{
	struct tale t = { .reason = "silence" };
	(void)state;
	sweep(&t);
}

int stories_of_deaths(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_anywhere_in_a_no),
		cmocka_unit_test(killed_anywhere_in_a_yes),
		cmocka_unit_test(killed_anywhere_in_a_silence),
	};
	return cmocka_run_group_tests_name("E43 deaths", tests, NULL, NULL);
}
