/* A full disk: nothing is promised that is not stored, nothing that came is lost, and the same turn
 * goes well when there is room again. While it is "full" the disk refuses every write. Delete one
 * and a click acknowledged in that hour may be gone. */
#include <sqlite3.h>
#include <string.h>

#include "base/when.h"
#include "lib/disk.h"
#include "scenario.h"

static void fill(void)
{
	disk_fail(&(struct disk_fault){ .calls = DISK_WRITE, .code = SQLITE_FULL });
}

static int disk_in(void **state)
{
	disk_plug();
	return story_set_up(state);
}

static int disk_out(void **state)
{
	disk_heal();
	(void)story_tear_down(state);
	disk_unplug();
	return 0;
}

static void a_sender_is_told_to_come_again(void **state)
{
	static const char body[] =
		"{\"type\":\"process\",\"id\":\"a1\",\"user\":\"alice\",\"what\":"
		"\"x\",\"priority\":\"P4\"}";
	struct lab *l = *state;
	fill();
	assert_int_equal(post(l, "%s", body).status, 503);
	assert_int_equal(post(l, "%s", body).status, 503);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM alert"), 0);
	disk_heal();
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM alert"), 0); /* it was not promised */
	assert_int_equal(post(l, "%s", body).status, 202);
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(questions_to(l, "alice"), 1);
}

static void a_click_is_kept_and_answered_later(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *before = the_question_to(l, "alice");
	fill();
	const char *envelope = click(l, "alice", before, "no");
	lab_pass(l, 30 * SECOND_MS);
	assert_false(is_acked(l, envelope)); /* not before it is durable */
	assert_string_equal(the_question_to(l, "alice")->words, before->words);
	assert_int_equal(incidents(l, id, ""), 0);
	disk_heal();
	lab_pass(l, 10 * SECOND_MS);
	assert_true(is_acked(l, envelope));
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_NO);
	expect_incident(l, id, "answered-no");
	assert_int_equal(audits(l, "inquiry.answered", "alice"), 1);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at"));
}

static void clicks_of_many_keep_their_order(void **state)
{
	struct lab *l = *state;
	int64_t hers = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t his = an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	fill();
	click(l, "alice", the_question_to(l, "alice"), "yes");
	lab_pass(l, SECOND_MS);
	click(l, "alice", the_question_to(l, "alice"), "no");
	click(l, "bob", the_question_to(l, "bob"), "yes");
	lab_pass(l, 10 * SECOND_MS);
	disk_heal();
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(inquiry_of(l, hers)->state, INQUIRY_NO);
	assert_int_equal(audits(l, "inquiry.answered", "alice"), 2); /* yes, and then no */
	assert_int_equal(inquiry_of(l, his)->state, INQUIRY_UNPROVEN);
	expect_incident(l, hers, "answered-no");
	assert_int_equal(incidents(l, his, ""), 0);
}

static void a_deadline_in_that_hour_pages_when_there_is_room(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 29 * MINUTE_MS);
	fill();
	lab_pass(l, 10 * MINUTE_MS);
	assert_int_equal(incidents(l, id, ""), 0); /* nothing is claimed that is not stored */
	disk_heal();
	lab_pass(l, 5 * SECOND_MS);
	expect_incident(l, id, "silence");
	lab_pass(l, HOUR_MS);
	assert_int_equal(the_incident(l, id, "silence")->triggers, 1);
}

/* Slack's answer to the post comes while the disk is full: it is kept, nothing is posted twice. */
static void a_result_is_kept(void **state)
{
	struct lab *l = *state;
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	(void)an_alert(l, "before", "alice@duff.example", 5);
	a_fault_like(l,
		     &(struct fault_plan){
			     .where = "chat.postMessage", .kind = "slow", .count = 2, .ms = 4000 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	fill();
	lab_pass(l, 20 * SECOND_MS);
	assert_int_equal(inquiry_of(l, id)->delivered_ms, 0);
	disk_heal();
	lab_pass(l, 30 * SECOND_MS);
	assert_true(inquiry_of(l, id)->delivered_ms > 0);
	assert_int_equal(questions_to(l, "alice"), 2);
	assert_int_equal(cards_of(l, id), 1);
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, disk_in, disk_out)
int stories_of_a_full_disk(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(a_sender_is_told_to_come_again),
		ON_DISK(a_click_is_kept_and_answered_later),
		ON_DISK(clicks_of_many_keep_their_order),
		ON_DISK(a_deadline_in_that_hour_pages_when_there_is_room),
		ON_DISK(a_result_is_kept),
	};
	return cmocka_run_group_tests_name("a full disk", tests, NULL, NULL);
}
