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

/* What happens, one step after the other; each but the idle ones is somebody's doing. */
struct step {
	void (*before)(struct lab *l); /* not swept; NULL = nothing */
	void (*act)(struct lab *l);
	bool (*heard)(struct lab *l); /* or it is done again, as people do; NULL = it was */
	bool is_swept;
	int64_t points; /* that the unbroken run passed from the act on */
};
enum { STEPS_MAX = 3 };
struct tale {
	struct step steps[STEPS_MAX];
	size_t questions;  /* that stand before Alice in the end */
	const char *timer; /* reason of the page that a deadline raises, NULL = none does */
	const char *account;
	unsigned deaths; /* of the unbroken run */
};

/* Only every fifth point, but all of them with DEATHS=all (make deaths: minutes). Under the
 * sanitizers, which look for bad memory and not for bad logic, few will do. */
#ifdef __SANITIZE_ADDRESS__
int64_t story_stride = 29;
#else
int64_t story_stride = 5;
#endif

static struct lab_points points; /* of the present run */
static struct lab_points all;    /* of all runs */

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
	const char *found[32] = { NULL };
	size_t n = 0;
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	for (const struct cJSON *c = json_first(json_key(state, "channels")); c; c = json_next(c))
		for (const struct cJSON *m = json_first(json_key(c, "messages")); m;
		     m = json_next(m)) {
			const char *id = json_text_at(c, "id");
			const struct seen *seen = story_seen(id, m);
			assert_true(n < sizeof(found) / sizeof(found[0]));
			found[n++] =
				arena_f(story_arena(), "%s %s%s: %s [%s|%s|%s]\n", id,
					row_of(l, json_text_at(m, "metadata.event_payload.marker")),
					seen->thread_ts[0] ? " in a thread" : "",
					timeless(seen->words), seen->yes ? seen->yes : "",
					seen->no ? seen->no : "", seen->not_me ? seen->not_me : "");
		}
	qsort(found, n, sizeof(found[0]), by_words);
	for (size_t i = 0; i < n; i++)
		buf_addz(b, found[i]);
}

static void account_of_pages(struct lab *l, struct buf *b)
{
	const char *found[8] = { NULL };
	size_t n = 0;
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i;
	     i = json_next(i)) {
		assert_true(n < sizeof(found) / sizeof(found[0]));
		found[n++] = arena_f(
			story_arena(), "%s %s %d %s\n", json_text_at(i, "key"),
			json_text_at(i, "summary"), (int)json_number(json_key(i, "notified")),
			timeless(json_print_arena(json_key(i, "details"), story_arena())));
	}
	qsort(found, n, sizeof(found[0]), by_words);
	buf_addf(b, "%zu incidents\n", n);
	for (size_t i = 0; i < n; i++)
		buf_addz(b, found[i]);
}

static const char *account(struct lab *l, int64_t id)
{
	CLEANUP(buf_free) struct buf b = BUF(1u << 20);
	const struct casefile *k = case_of(l, id);
	buf_addf(&b, "case %d %d alerts %lld held \"%s\"\n", (int)k->state, (int)k->resolution,
		 (long long)k->alerts, k->held);
	const struct inquiry *q = inquiry_of(l, id);
	buf_addf(&b, "inquiry %d of %s late \"%s\" tried \"%s\" due %d\n", (int)q->state, q->person,
		 q->late, q->tried, q->due_ms != NEVER_MS);
	account_of_pages(l, &b);
	account_of_messages(l, &b);
	/* Whoever does it again, because nobody seemed to hear, makes an attempt more. */
	buf_addz(&b, text_in(l, "SELECT group_concat(step, char(10)) FROM ("
				"SELECT action || ' ' || object AS step FROM audit WHERE action "
				"NOT IN ('inquiry.repeated', 'inquiry.commented', "
				"'inquiry.refused_stranger') UNION ALL "
				"SELECT DISTINCT action || ' ' || object FROM audit WHERE action "
				"IN ('inquiry.commented', 'inquiry.refused_stranger') "
				"ORDER BY step)"));
	assert_false(b.broken);
	return arena_z(story_arena(), buf_z(&b));
}

/* --- what people and sources do --- */

static void say_until_taken(struct lab *l, const char *user, int priority)
{
	struct said told = { 0 };
	for (int i = 0; i < 20 && told.status != 202 && told.status != 200; i++) {
		told = post(l,
			    "{\"type\":\"process\",\"id\":\"k1\",\"user\":\"%s\",\"what\":\"nc was "
			    "started\",\"priority\":\"P%d\"}",
			    user, priority);
		if (told.status < 0)
			lab_pass(l, SECOND_MS);
	}
	assert_true(told.status == 202 || told.status == 200);
}
static void an_alert_comes(struct lab *l) { say_until_taken(l, "alice@duff.example", 4); }
static void a_high_alert_comes(struct lab *l) { say_until_taken(l, "alice@duff.example", 1); }
static void an_alert_about_a_stranger(struct lab *l)
{
	say_until_taken(l, "nobody@duff.example", 3);
}

/* Presses what stands there now; nothing if it doesn't any more. */
static void press_now(struct lab *l, const char *button)
{
	const struct seen *q = questions_to(l, "alice") ? the_question_to(l, "alice") : NULL;
	if (q && (strcmp(button, "not_me") == 0 ? q->not_me : q->yes))
		click(l, "alice", q, button);
}
static void she_says_no(struct lab *l) { press_now(l, "no"); }
static void she_says_yes(struct lab *l) { press_now(l, "yes"); }
static void she_takes_it_back(struct lab *l) { press_now(l, "not_me"); }

static bool she_was_heard(struct lab *l)
{
	return questions_to(l, "alice") && !the_question_to(l, "alice")->yes;
}
static bool the_no_was_heard(struct lab *l)
{
	return says(the_question_to(l, "alice"), "You answered: No");
}

static void she_writes_a_note(struct lab *l)
{
	lab_must(
		l, "submit",
		"{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":{\"note\":{\"text\":\"A note.\"}}}",
		id_of(l, "alice"), the_modal_of(l, "alice"));
}
static bool the_note_was_heard(struct lab *l)
{
	return says(the_question_to(l, "alice"), "A note.");
}

static void a_stranger_presses(struct lab *l)
{
	click(l, "eve", the_question_to(l, "alice"), "yes");
}
static bool the_stranger_was_heard(struct lab *l)
{
	return audits(l, "inquiry.refused_stranger", "eve") > 0;
}

/* Requests of all kinds are under way when the process is killed. */
static void a_kill_in_the_middle_of_a_no(struct lab *l) { lab_kill(l, 2 * SECOND_MS); }
static void a_no_was_just_pressed(struct lab *l)
{
	she_says_no(l);
	lab_pass(l, 100);
	assert_int_equal(inquiry_of(l, 1)->state, INQUIRY_NO);
	assert_true(number_in(l, "SELECT COUNT(*) FROM outgoing WHERE flight > 0") > 1);
}

/* The next life finds the crumb of what it died of. */
static void killed_while_it_takes_a_no(struct lab *l)
{
	lab_doom(l, "INQUIRY_SET before", 0, 2 * SECOND_MS);
	she_says_no(l);
	lab_pass(l, 100);
	assert_true(lab_is_dead(l));
}

static void she_tries_again(struct lab *l)
{
	lab_pass(l, 4 * SECOND_MS);
	she_says_no(l);
}

static void until_she_is_late(struct lab *l)
{
	lab_pass(l, inquiry_of(l, 1)->answer_ms - SECOND_MS - lab_now(l));
}
static void no_way_to_her(struct lab *l) { a_fault(l, "conversations.open", "500", 10000); }
static void until_it_is_undeliverable(struct lab *l)
{
	lab_pass(l, inquiry_of(l, 1)->undelivered_ms - SECOND_MS - lab_now(l));
}
static void the_pager_fails_and_refuses(struct lab *l)
{
	a_fault(l, "pagerduty", "500", 1);
	a_fault(l, "pagerduty", "400", 10000);
}

static void nothing(struct lab *l) { (void)l; }

/* --- a run --- */

/* Dies at the n-th point of the swept steps, -1 = never: then it counts them. Between the steps
 * nothing happens that is not idling. */
static struct lab *run(struct tale *t, int64_t n)
{
	memset(&points, 0, sizeof(points));
	/* Whoever looks at a part only (the disk test) wants files to look at. */
	struct lab *l = story_begin(&(struct lab_options){
		.seed = 11, .points = &points, .in_memory = story_stride < 16 });
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	int64_t before = 0;
	for (struct step *s = t->steps; s < t->steps + STEPS_MAX && s->act; s++) {
		if (s->before)
			s->before(l);
		int64_t begun = passed();
		if (s->is_swept && n >= before && n < before + s->points)
			lab_doom(l, "", (uint64_t)(n - before), 2 * SECOND_MS);
		if (s->act)
			s->act(l);
		lab_pass(l, 12 * SECOND_MS);
		if (n < 0)
			s->points = passed() - begun;
		before += s->is_swept ? s->points : 0;
		lab_pass(l, 20 * SECOND_MS);
		for (int i = 0; s->heard && !s->heard(l) && i < 12; i++) {
			s->act(l);
			lab_pass(l, 10 * SECOND_MS);
		}
		lab_pass(l, MINUTE_MS);
	}
	lab_points_add(&all, &points);
	return l;
}

static bool timers_are_right(struct lab *l, const struct tale *t)
{
	const struct inquiry *q = inquiry_of(l, 1);
	bool right = q->undelivered_ms == q->created_ms + 15 * MINUTE_MS &&
		     q->answer_ms == (q->delivered_ms ? q->delivered_ms + q->wait_ms : 0);
	if (t->timer) { /* two seconds dead, and a new life */
		int64_t late_ms = the_incident(l, 1, t->timer)->first_ms -
				  (q->delivered_ms ? q->answer_ms : q->undelivered_ms);
		right = right && late_ms >= 0 && late_ms <= 10 * SECOND_MS;
	}
	return right;
}

/* Every post that Slack made stands there still: none was made twice. */
static bool posts_are_messages(struct lab *l)
{
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	const struct call *made;
	size_t n = calls(l, "chat.postMessage", &made), posted = 0, stand = 0;
	for (size_t i = 0; i < n; i++)
		posted += made[i].ts[0] != '\0';
	for (const struct cJSON *c = json_first(json_key(state, "channels")); c; c = json_next(c))
		stand += json_count(json_key(c, "messages"));
	return posted == stand;
}

static void check(struct lab *l, const struct tale *t, int64_t n)
{
	const char *got = account(l, 1);
	if (lab_deaths(l) != t->deaths + 1)
		fail_msg("point %lld was never reached", (long long)n);
	if (strcmp(got, t->account) != 0)
		fprintf(stderr, "death %lld, at \"%s\"\n--- unbroken\n%s\n--- broken\n%s\n",
			(long long)n, died_at(), t->account, got);
	QUOTE("E43.1", "the same ledger after deduplication as an unbroken run",
	      strcmp(got, t->account) == 0);
	QUOTE("E43.2", "timers right", timers_are_right(l, t));
	QUOTE("E43.3", "no second greeting",
	      questions_to(l, "alice") == t->questions && posts_are_messages(l));
}

static void sweep(struct tale t)
{
	struct lab *l = run(&t, -1);
	char *account_of_it = mem_str(str_z(account(l, 1)));
	int64_t points_n = 0;
	t.deaths = lab_deaths(l);
	assert_int_equal(questions_to(l, "alice"), t.questions);
	assert_true(timers_are_right(l, &t));
	story_end(l);
	t.account = account_of_it;
	for (size_t i = 0; i < STEPS_MAX; i++)
		points_n += t.steps[i].is_swept ? t.steps[i].points : 0;
	assert_true(points_n > 20);
	for (int64_t n = 0; n < points_n; n += story_stride) {
		l = run(&t, n);
		check(l, &t, n);
		story_end(l);
	}
	free(account_of_it);
}
/* clang-format off */
#define TALE(name, ...) static void name(void **state) { (void)state; sweep((struct tale){ __VA_ARGS__ }); }

TALE(killed_anywhere_in_a_no, .questions = 1, .steps = {
	{ .act = an_alert_comes, .is_swept = true }, { .act = she_says_no, .heard = she_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_note, .questions = 1, .steps = {
	{ .act = an_alert_comes }, { .act = she_says_no, .heard = she_was_heard },
	{ .act = she_writes_a_note, .heard = the_note_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_yes, .questions = 1, .steps = {
	{ .act = an_alert_comes }, { .act = she_says_yes, .heard = she_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_correction, .questions = 1, .steps = {
	{ .act = an_alert_comes }, { .act = she_says_yes, .heard = she_was_heard },
	{ .act = she_takes_it_back, .heard = the_no_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_silence, .questions = 1, .timer = "silence", .steps = {
	{ .act = an_alert_comes }, { .before = until_she_is_late, .act = nothing, .is_swept = true } })
TALE(killed_anywhere_in_a_late_yes, .questions = 1, .timer = "silence", .steps = {
	{ .act = an_alert_comes }, { .before = until_she_is_late, .act = nothing },
	{ .act = she_says_yes, .heard = she_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_late_no, .questions = 1, .timer = "silence", .steps = {
	{ .act = an_alert_comes }, { .before = until_she_is_late, .act = nothing },
	{ .act = she_says_no, .heard = she_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_strangers_click, .questions = 1, .steps = {
	{ .act = an_alert_comes }, { .act = a_stranger_presses, .heard = the_stranger_was_heard, .is_swept = true } })
TALE(killed_anywhere_while_nobody_is_found, .questions = 0, .steps = {
	{ .act = an_alert_about_a_stranger, .is_swept = true } })
TALE(killed_anywhere_while_nobody_can_be_reached, .questions = 0, .timer = "undeliverable", .steps = {
	{ .before = no_way_to_her, .act = an_alert_comes }, { .before = until_it_is_undeliverable, .act = nothing, .is_swept = true } })
TALE(killed_anywhere_in_a_page_at_opening, .questions = 1, .steps = {
	{ .act = a_high_alert_comes, .is_swept = true } })
TALE(killed_anywhere_while_the_pager_refuses, .questions = 1, .steps = {
	{ .act = an_alert_comes },
	{ .before = the_pager_fails_and_refuses, .act = she_says_no, .heard = she_was_heard, .is_swept = true } })
TALE(killed_anywhere_in_a_start, .questions = 1, .steps = {
	{ .act = an_alert_comes },
	{ .before = a_no_was_just_pressed, .act = a_kill_in_the_middle_of_a_no, .is_swept = true } })
TALE(killed_anywhere_in_a_start_after_a_death, .questions = 1, .steps = {
	{ .act = an_alert_comes },
	{ .before = killed_while_it_takes_a_no, .act = she_tries_again, .heard = she_was_heard, .is_swept = true } })
/* clang-format on */

/* Every name of a moment at which a lab can die: the sweeps have died there. */
static void nobody_was_spared(void **state)
{
	size_t spared = 0;
	(void)state;
	for (size_t i = 0; i < all.n && story_stride == 1; i++)
		if (!all.at[i].died) {
			print_error("never died at \"%s\"\n", all.at[i].name);
			spared++;
		}
	assert_int_equal(spared, 0);
}

int stories_of_deaths(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_anywhere_in_a_no),
		cmocka_unit_test(killed_anywhere_in_a_note),
		cmocka_unit_test(killed_anywhere_in_a_yes),
		cmocka_unit_test(killed_anywhere_in_a_correction),
		cmocka_unit_test(killed_anywhere_in_a_silence),
		cmocka_unit_test(killed_anywhere_in_a_late_yes),
		cmocka_unit_test(killed_anywhere_in_a_late_no),
		cmocka_unit_test(killed_anywhere_in_a_strangers_click),
		cmocka_unit_test(killed_anywhere_while_nobody_is_found),
		cmocka_unit_test(killed_anywhere_while_nobody_can_be_reached),
		cmocka_unit_test(killed_anywhere_in_a_page_at_opening),
		cmocka_unit_test(killed_anywhere_while_the_pager_refuses),
		cmocka_unit_test(killed_anywhere_in_a_start),
		cmocka_unit_test(killed_anywhere_in_a_start_after_a_death),
		cmocka_unit_test(nobody_was_spared),
	};
	return cmocka_run_group_tests_name("E43 deaths", tests, NULL, NULL);
}
