/* The directory changes (E48, D8): who joins, leaves, is renamed or hired again is the right person
 * or explicitly nobody, before and while a question is open. Delete one and a question goes to the
 * wrong person, or waits for one who has left. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

/* `quiet`: Slack's event about it is lost. */
static void a_person(struct lab *l, const char *id, const char *fields)
{
	lab_must(l, "person", "{\"id\":\"%s\",%s}", id, fields);
	lab_pass(l, SECOND_MS);
}

static bool is_asked(struct lab *l, int64_t case_id, const char *user)
{
	return strcmp(inquiry_of(l, case_id)->person, user) == 0;
}

static bool is_unresolved(struct lab *l, int64_t case_id, const char *tried)
{
	lab_pass(l, 15 * SECOND_MS);
	if (!says(the_card_of(l, case_id), tried))
		print_error("%s\n", the_card_of(l, case_id)->words);
	return inquiry_of(l, case_id)->state == INQUIRY_UNREACHABLE &&
	       says(the_card_of(l, case_id), tried) && incidents(l, case_id, "owner-unknown") == 1;
}

static void joined_after_the_start(void **state)
{
	struct lab *l = *state;
	int64_t before = an_alert(l, "a1", "zoe@duff.example", 4);
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      is_unresolved(l, before, "Looked up zoe@duff.example in Slack: users_not_found."));
	a_person(l, "U0ZOE0001", "\"name\":\"zoe\",\"email\":\"zoe@duff.example\"");
	QUOTE("E48.1", "the right person",
	      is_asked(l, an_alert(l, "a2", "zoe@duff.example", 4), "U0ZOE0001"));
}

/* Her old address goes to a new colleague: nobody is asked about the other's alerts. */
static void renamed(void **state)
{
	struct lab *l = *state;
	assert_true(is_asked(l, an_alert(l, "a1", "alice@duff.example", 4), "U0ALICE01"));
	a_person(l, "U0ALICE01",
		 "\"real_name\":\"Alice Zander\",\"email\":\"zander@duff.example\"");
	int64_t gone = an_alert(l, "a2", "alice@duff.example", 4);
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      is_unresolved(l, gone, "Looked up alice@duff.example in Slack: users_not_found."));
	a_person(l, "U0NEWALI1", "\"name\":\"newali\",\"email\":\"alice@duff.example\"");
	QUOTE("E48.1", "the right person",
	      is_asked(l, an_alert(l, "a3", "alice@duff.example", 4), "U0NEWALI1") &&
		      is_asked(l, an_alert(l, "a4", "zander@duff.example", 4), "U0ALICE01"));
	assert_true(says(the_card_of(l, 4), "Alice Zander"));
}

/* She leaves while her question is open: the on-call is told at once, not after half an hour. */
static void deactivated_while_asked(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	assert_int_equal(questions_to(l, "alice"), 1);
	a_person(l, "U0ALICE01", "\"deleted\":true");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "undeliverable");
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNREACHABLE);
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      says(the_card_of(l, id), "Slack's U0ALICE01 was deactivated before an answer came."));
	lab_pass(l, HOUR_MS);
	assert_int_equal(incidents(l, id, ""), 1); /* her silence is no news */
}

static void deactivated_and_hired_again(void **state)
{
	struct lab *l = *state;
	assert_true(is_asked(l, an_alert(l, "a1", "alice@duff.example", 4), "U0ALICE01"));
	press(l, "alice", "yes");
	a_person(l, "U0ALICE01", "\"deleted\":true");
	int64_t gone = an_alert(l, "a2", "alice@duff.example", 4);
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      is_unresolved(l, gone, "Looked up alice@duff.example in Slack: users_not_found."));
	a_person(l, "U0ALICE02", "\"name\":\"alice2\",\"email\":\"alice@duff.example\"");
	QUOTE("E48.1", "the right person",
	      is_asked(l, an_alert(l, "a3", "alice@duff.example", 4), "U0ALICE02"));
}

static void became_a_guest(void **state)
{
	struct lab *l = *state;
	assert_true(is_asked(l, an_alert(l, "a1", "alice@duff.example", 4), "U0ALICE01"));
	a_person(l, "U0ALICE01", "\"is_restricted\":true");
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      is_unresolved(l, an_alert(l, "a2", "alice@duff.example", 4),
			    "Slack's U0ALICE01 is a guest."));
}

/* Both in our copy of the directory, both alive: nobody is guessed. */
static void two_accounts_one_address(void **state)
{
	struct lab *l = *state;
	a_person(l, "U0TWIN001", "\"name\":\"twin1\",\"email\":\"twin@duff.example\"");
	a_person(l, "U0TWIN002", "\"name\":\"twin2\",\"email\":\"twin@duff.example\"");
	assert_true(is_asked(l, an_alert(l, "a1", "U0TWIN001", 4), "U0TWIN001"));
	assert_true(is_asked(l, an_alert(l, "a2", "U0TWIN002", 4), "U0TWIN002"));
	QUOTE("E48.2", "or an explicit 'cannot resolve'",
	      is_unresolved(
		      l, an_alert(l, "a3", "twin@duff.example", 4),
		      "Slack has two accounts with twin@duff.example: U0TWIN001 and U0TWIN002."));
	a_person(l, "U0TWIN001", "\"deleted\":true");
	QUOTE("E48.1", "the right person",
	      is_asked(l, an_alert(l, "a4", "twin@duff.example", 4), "U0TWIN002"));
}

/* A day after the events were lost (we were down) the directory is asked again. */
static void an_event_that_was_lost(void **state)
{
	struct lab *l = *state;
	assert_true(is_asked(l, an_alert(l, "a1", "alice@duff.example", 4), "U0ALICE01"));
	press(l, "alice", "yes");
	a_person(l, "U0ALICE01", "\"email\":\"zander@duff.example\",\"quiet\":true");
	a_person(l, "U0NEWALI1",
		 "\"name\":\"newali\",\"email\":\"alice@duff.example\",\"quiet\":true");
	lab_pass(l, DAY_MS);
	QUOTE("E48.1", "the right person",
	      is_asked(l, an_alert(l, "a2", "alice@duff.example", 4), "U0NEWALI1"));
}

static void everything_tried_is_on_the_card(void **state)
{
	struct lab *l = *state;
	assert_true(is_unresolved(l, an_alert(l, "a1", "milhouse", 4),
				  "\"milhouse\" is not under people:. Looked up "
				  "milhouse@duff.example in Slack: users_not_found."));
	a_person(l, "U0ALICE01", "\"is_ultra_restricted\":true");
	assert_true(is_unresolved(l, an_alert(l, "a2", "the-admin", 4),
				  "\"the-admin\" is alice@duff.example under people:. Looked up "
				  "alice@duff.example in Slack: U0ALICE01. Slack's U0ALICE01 is a "
				  "guest."));
}

int stories_of_the_directory(void)
{
	const struct CMUnitTest tests[] = {
		STORY(joined_after_the_start),  STORY(renamed),
		STORY(deactivated_while_asked), STORY(deactivated_and_hired_again),
		STORY(became_a_guest),          STORY(two_accounts_one_address),
		STORY(an_event_that_was_lost),  STORY(everything_tried_is_on_the_card),
	};
	return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
