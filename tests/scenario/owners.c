/* Owners: whoever cannot be resolved to one live person is nobody, at once, with what was tried on
 * the card; a guess is never made. Delete one and a question goes to a bot, a guest or nobody. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

struct unknown {
	const char *subject;
	const char *tried; /* what the card says of it */
};

/* All at once, not after a quarter of an hour. */
static void expect_owner_unknown(struct lab *l, const struct unknown *u)
{
	int64_t id = an_alert(l, arena_f(story_arena(), "of %s", u->subject), u->subject, 4);
	lab_pass(l, 15 * SECOND_MS);
	if (!says(the_card_of(l, id), u->tried))
		fail_msg("%s: the card says\n%s", u->subject, the_card_of(l, id)->words);
	assert_true(says(the_card_of(l, id), "Nobody could be asked."));
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNREACHABLE);
	expect_incident(l, id, "owner-unknown");
	assert_int_equal(incidents(l, id, ""), 1);
	assert_non_null(strstr(the_incident(l, id, "")->details, "\"tried\""));
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      audits(l, "inquiry.unreachable", "") == cases(l));
}

static void nobody_bot_guest_departed(void **state)
{
	static const struct unknown all[] = {
		{ "nobody@duff.example",
		  "Looked up nobody@duff.example in Slack: users_not_found." },
		{ "nobody", "Looked up nobody@duff.example in Slack: users_not_found." },
		{ "carol@duff.example", "Looked up carol@duff.example in Slack: users_not_found." },
		{ "U0CAROL01", "Slack's U0CAROL01 is a deactivated account." },
		{ "U0GUS0001", "Slack's U0GUS0001 is a guest." },
		{ "gus@partner.example", "Slack's U0GUS0001 is a guest." },
		{ "U0UNHEARD1", "Looked up U0UNHEARD1 in Slack: user_not_found." },
		{ "not a name", "\"not a name\" is not under people:" },
		{ "", "The alert names nobody." },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		expect_owner_unknown(*state, &all[i]);
	assert_int_equal(questions_to(*state, "gus"), 0);
	assert_int_equal(questions_to(*state, "carol"), 0);
}

static void a_bot_is_not_asked(void **state)
{
	struct lab *l = *state;
	const char *bot = id_of(l, "securitybot");
	expect_owner_unknown(
		l, &(struct unknown){ bot, arena_f(story_arena(), "Slack's %s is a bot.", bot) });
}

/* Found, but Slack will not open a conversation: that person cannot be reached. */
static void user_disabled_is_undeliverable_at_once(void **state)
{
	struct lab *l = *state;
	a_fault(l, "conversations.open", "error:user_disabled", 1);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 15 * SECOND_MS);
	QUOTE("E40.3", "undeliverable: fallback at once",
	      incidents(l, id, "undeliverable") == 1 && incidents(l, id, "") == 1);
	assert_true(says(the_card_of(l, id), "user_disabled"));
	assert_true(says(the_card_of(l, id), "Slack opens no direct message with U0ALICE01"));
}

/* Found by whatever the alert calls her. */
static void the_right_person_by_any_name(void **state)
{
	static const char *const names[] = { "alice@duff.example", "U0ALICE01", "alice",
					     "the-admin", "ALICE@duff.example" };
	struct lab *l = *state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t id = an_alert(l, names[i], names[i], 4);
		QUOTE("E48.1", "the right person",
		      strcmp(inquiry_of(l, id)->person, "U0ALICE01") == 0 &&
			      questions_to(l, "alice") == i + 1);
	}
	const struct call *lookups;
	assert_true(calls(l, "users.lookupByEmail", &lookups) <= 2); /* the rest was cached */
}

/* D8: she joined after we started. */
static void somebody_who_joined_after_the_start(void **state)
{
	struct lab *l = *state;
	lab_must(l, "person", "%s",
		 "{\"id\":\"U0ZOE0001\",\"name\":\"zoe\",\"real_name\":\"Zoe Zander\","
		 "\"email\":\"zoe@duff.example\"}");
	int64_t id = an_alert(l, "a1", "zoe@duff.example", 4);
	QUOTE("E48.1", "the right person",
	      strcmp(inquiry_of(l, id)->person, "U0ZOE0001") == 0 && questions_to(l, "zoe") == 1);
	press(l, "zoe", "no");
	expect_incident(l, id, "answered-no");
}

/* Nobody was found for a P1: paged when it opened, and once more for what the on-call must know. */
static void an_unknown_owner_of_a_p1(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "nobody@duff.example", 1);
	lab_pass(l, 15 * SECOND_MS);
	expect_incident(l, id, "opened");
	expect_incident(l, id, "owner-unknown");
	assert_int_equal(incidents(l, id, ""), 2);
}

int stories_of_owners(void)
{
	const struct CMUnitTest tests[] = {
		STORY(nobody_bot_guest_departed),
		STORY(a_bot_is_not_asked),
		STORY(user_disabled_is_undeliverable_at_once),
		STORY(the_right_person_by_any_name),
		STORY(somebody_who_joined_after_the_start),
		STORY(an_unknown_owner_of_a_p1),
	};
	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}
