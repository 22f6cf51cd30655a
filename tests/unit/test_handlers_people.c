/* People: one live person or nobody, and what was tried; the copy of Slack's directory follows what
 * Slack tells, and who has left is not waited for. */
#include "handlers_world.h"

static void told(struct world *w, struct person p)
{
	begin(w);
	keep(w, handle_person(&w->act, &p));
}

static void ask_about(struct world *w, const char *who, int n)
{
	alert_due(w, arena_f(&w->arena, "{\"type\":\"login\",\"who\":\"%s\",\"n\":%d}", who, n));
}

static struct person named(const char *user, const char *email)
{
	struct person p = ana();
	p.user = user;
	p.email = email;
	return p;
}

/* Somebody gets into the copy by a look-up only. */
static void known(struct world *w, int case_id, struct person p)
{
	ask_about(w, p.user, 100 + case_id);
	found(w, arena_f(&w->arena, "case %d, lookup, %s", case_id, p.user), p);
}

/* --- addresses --- */

static void a_disguised_address_is_nobodys(void **state)
{
	static const struct {
		const char *who, *shown;
	} table[] = {
		{ "ali\\u200bce@duff.example", "\"ali\xef\xbf\xbd"
					       "ce@duff.example\" is no address." },
		{ "\\u202eana@duff.example", "is no address." },
		{ "ana@duff.example, bob@duff.example", "is no address." },
		{ "ana@bob@duff.example", "is no address." },
		{ "@duff.example", "is no address." },
		{ "ana@", "is no address." },
		{ "https://bob:hunter2@duff.example", "is no address." },
		{ "o\\u0000k@duff.example", NULL }, /* no JSON: held, not asked */
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ask_about(w, table[i].who, (int)i);
		const struct inquiry *q = inquiry_of(w, (long)i + 1);
		if (!table[i].shown) {
			assert_null(q);
			continue;
		}
		assert_int_equal(q->state, INQUIRY_UNREACHABLE);
		if (!strstr(q->tried, table[i].shown))
			fail_msg("tried: %s", q->tried);
		assert_null(strstr(q->tried, "hunter2"));
		assert_true(paged(w, (long)i + 1, "owner-unknown"));
	}
}

/* Slack says that it is hers; but the copy knows her by her own address only. */
static void an_alias_is_asked_for_each_time(void **state)
{
	struct world *w = *state;
	for (int i = 1; i <= 2; i++) {
		ask_about(w, "security-lead@duff.example", i);
		found(w, arena_f(&w->arena, "case %d, lookup, security-lead@duff.example", i),
		      ana());
		assert_string_equal(inquiry_of(w, i)->person, ANA);
	}
	ask_about(w, "ana@duff.example", 3);
	assert_string_equal(inquiry_of(w, 3)->person, ANA); /* her own: no look-up */
}

static void of_two_accounts_under_one_address_nobody_is_guessed(void **state)
{
	struct world *w = *state;
	known(w, 1, named("U0AAA1", "ana@duff.example"));
	known(w, 2, named("U0AAA2", "Ana@duff.example"));
	ask_about(w, "ana@duff.example", 3);
	assert_int_equal(inquiry_of(w, 3)->state, INQUIRY_UNREACHABLE);
	assert_string_equal(inquiry_of(w, 3)->tried,
			    "Slack has two accounts with ana@duff.example: U0AAA1 and U0AAA2.");
	assert_true(paged(w, 3, "owner-unknown"));
	/* One has left: then it is the other. */
	struct person gone = named("U0AAA1", "");
	gone.is_deleted = true;
	told(w, gone);
	ask_about(w, "ana@duff.example", 4);
	assert_string_equal(inquiry_of(w, 4)->person, "U0AAA2");
}

/* Hired again under a new account: the dead one in the copy must not stand in the way. */
static void a_successor_is_looked_up(void **state)
{
	struct world *w = *state;
	struct person old = named("U0OLD1", "ana@duff.example");
	old.is_deleted = true;
	known(w, 1, old);
	ask_about(w, "ana@duff.example", 2);
	found(w, "case 2, lookup, ana@duff.example", ana());
	assert_string_equal(inquiry_of(w, 2)->person, ANA);
	ask_about(w, "ana@duff.example", 3);
	assert_string_equal(inquiry_of(w, 3)->person, ANA);
}

/* --- what was tried --- */

static void everything_tried_is_told(void **state)
{
	struct world *w = *state;
	ask_about(w, "homer", 1);
	ends(w, "case 1, lookup, homer@duff.example", OUTCOME_PERMANENT, "users_not_found");
	assert_string_equal(
		inquiry_of(w, 1)->tried,
		"\"homer\" is not under people:. Looked up homer@duff.example in Slack: "
		"users_not_found.");
	ask_about(w, "ana", 2);
	struct person guest = ana();
	guest.is_guest = true;
	found(w, "case 2, lookup, ana@duff.example", guest);
	assert_string_equal(
		inquiry_of(w, 2)->tried,
		"\"ana\" is ana@duff.example under people:. Looked up ana@duff.example in "
		"Slack: " ANA ". Slack's " ANA " is a guest.");
	told(w, ana()); /* a guest no longer */
	ask_about(w, "ana", 3);
	ends(w, "case 3, open dm, " ANA, OUTCOME_PERMANENT, "user_disabled");
	assert_string_equal(
		inquiry_of(w, 3)->tried,
		"\"ana\" is ana@duff.example under people:. It is " ANA
		" in our copy of Slack's directory. Slack opens no direct message with " ANA
		": user_disabled.");
	assert_true(paged(w, 3, "undeliverable"));
}

/* --- what the directory tells --- */

static void strangers_stay_strangers(void **state)
{
	struct world *w = *state;
	told(w, ana());
	assert_int_equal(changes(w), 0);
	assert_null(the_person(w, ANA));
}

static void a_known_person_is_renamed(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	struct person p = ana();
	p.email = "ana.marina@duff.example";
	p.name = "Ana\xe2\x80\xae Marin\n";
	p.dm = NULL;
	pass(w, MINUTE_MS);
	told(w, p);
	assert_string_equal(the_person(w, ANA)->email, "ana.marina@duff.example");
	assert_string_equal(the_person(w, ANA)->name, "Ana Marin");
	assert_string_equal(the_person(w, ANA)->dm, ANA_DM);
	assert_int_equal(the_person(w, ANA)->fetched_ms, T0 + MINUTE_MS);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_OPEN);
	/* The old address may be another's by now. */
	ask_about(w, "ana@duff.example", 2);
	assert_string_equal(inquiry_of(w, 2)->person, "");
	ask_about(w, "ana.marina@duff.example", 3);
	assert_string_equal(inquiry_of(w, 3)->person, ANA);
}

/* Slack tells of each status text: not each is worth a write, but a day without one is. */
static void the_same_again_refreshes_once_an_hour(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	pass(w, HOUR_MS - 1);
	told(w, ana());
	assert_int_equal(changes(w), 0);
	pass(w, 1);
	told(w, ana());
	assert_int_equal(changes(w), 1);
	assert_int_equal(the_person(w, ANA)->fetched_ms, T0 + HOUR_MS);
}

/* All of hers, asked or on their way, at once; what she has answered stays. */
static void who_has_left_is_not_waited_for(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	ask_about(w, "homer", 2); /* waits for somebody else */
	ask_about(w, "ana@duff.example", 3);
	done(w, "inquiry 3, question");
	ask_about(w, "ana@duff.example", 4); /* on its way */
	struct fact f = { .kind = FACT_CLICK, .key = "envelope:3" };
	f.as.click.user = ANA;
	f.as.click.channel = ANA_DM;
	f.as.click.ts = "1764063001.000100";
	f.as.click.inquiry_id = 3;
	assert_int_equal(fact(w, f, true).kind, REPLY_MODAL);
	struct person gone = { .user = ANA, .is_deleted = true };
	told(w, gone);
	assert_true(the_person(w, ANA)->is_deleted);
	assert_string_equal(the_person(w, ANA)->email,
			    "ana@duff.example"); /* not told: as it was */
	assert_string_equal(the_person(w, ANA)->name, "Ana Novak");
	assert_int_equal(the_person(w, ANA)->tz_offset_s, 3600);
	for (int i = 1; i <= 4; i += 3) {
		assert_int_equal(inquiry_of(w, i)->state, INQUIRY_UNREACHABLE);
		assert_non_null(strstr(inquiry_of(w, i)->tried,
				       "Slack's " ANA " was deactivated before an answer came."));
		assert_true(inquiry_of(w, i)->due_ms == NEVER_MS);
		assert_true(paged(w, i, "undeliverable"));
	}
	assert_int_equal(audited(w, "inquiry.unreachable"), 2);
	assert_int_equal(inquiry_of(w, 2)->state, INQUIRY_OPEN);
	assert_int_equal(the_inquiry(w, 3)->state, INQUIRY_UNPROVEN);
	told(w, gone);
	assert_int_equal(audited(w, "inquiry.unreachable"), 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_disguised_address_is_nobodys),
		STORY(an_alias_is_asked_for_each_time),
		STORY(of_two_accounts_under_one_address_nobody_is_guessed),
		STORY(a_successor_is_looked_up),
		STORY(everything_tried_is_told),
		STORY(strangers_stay_strangers),
		STORY(a_known_person_is_renamed),
		STORY(the_same_again_refreshes_once_an_hour),
		STORY(who_has_left_is_not_waited_for),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
