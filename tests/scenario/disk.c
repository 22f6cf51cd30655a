/* A full disk: nothing is promised that is not stored, nothing that came is lost, and the same turn
 * goes well when there is room again. While it is "full" the disk refuses every write. Delete one
 * and a click acknowledged in that hour may be gone. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

/* --- a small disk, which the bot measures --- */

enum { MIB = 1024 * 1024 };

static int small_in(void **state)
{
	disk_plug();
	*state = story_begin(&(struct lab_options){ .seed = 7, .disk_bytes = 64 * MIB });
	return 0;
}

/* Somebody else's logs leave so much. */
static void leave(struct lab *l, int64_t bytes)
{
	lab_resize_disk(l, 64 * MIB);
	lab_resize_disk(l, 64 * MIB - disk_room() + bytes);
}

static int post_of(struct lab *l, const char *source, const char *id)
{
	struct lab_post told;
	char body[200];
	(void)snprintf(body, sizeof(body),
		       "{\"type\":\"process\",\"id\":\"%s\",\"user\":\"alice@duff.example\","
		       "\"what\":\"x\",\"priority\":\"P4\"}",
		       id);
	lab_post(l, source, body, &told);
	lab_pass(l, 5 * SECOND_MS);
	return told.status;
}

static bool has_ballast(struct lab *l)
{
	char path[160];
	struct stat at;
	(void)snprintf(path, sizeof(path), "%s.ballast", lab_database(l));
	return stat(path, &at) == 0 && at.st_size == STORE_BALLAST_BYTES;
}

static int64_t the_trouble(struct lab *l)
{
	return number_in(l, "SELECT COALESCE((SELECT case_id FROM trouble WHERE name = 'disk' AND "
			    "over_ms = 9223372036854775807), 0)");
}

static void nearly_full_pages_and_what_can_wait_waits(void **state)
{
	struct lab *l = *state;
	assert_true(has_ballast(l));
	assert_int_equal(post_of(l, "slow", "s1"), 202);
	leave(l, 5 * MIB); /* of 64: under a tenth */
	lab_pass(l, 2 * MINUTE_MS);
	const int64_t trouble = the_trouble(l);
	assert_true(trouble > 0);
	expect_incident(l, trouble, "trouble");
	assert_int_equal(post_of(l, "slow", "s2"), 503);
	assert_int_equal(post_of(l, "edr", "e1"), 202);
	lab_pass(l, HOUR_MS);
	assert_int_equal(the_incident(l, trouble, "trouble")->triggers, 1);
	assert_int_equal(the_trouble(l), trouble);
	leave(l, 7 * MIB); /* not enough to say that it is over */
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(the_trouble(l), trouble);
	leave(l, 30 * MIB);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(the_trouble(l), 0);
	assert_int_equal(case_of(l, trouble)->state, CASE_CLOSED);
	assert_int_equal(post_of(l, "slow", "s2"), 202);
}

/* F11: pages go on from the ballast, senders come again, and all of it is there afterwards. */
static void full_and_a_no_still_pages(void **state)
{
	struct lab *l = *state;
	const int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	leave(l, 0);
	const char *envelope = click(l, "alice", the_question_to(l, "alice"), "no");
	lab_pass(l, 10 * SECOND_MS);
	for (int i = 0; i < 30; i++) /* whether the log had room left for that is chance */
		(void)post_of(l, "edr", "fills");
	assert_true(is_acked(l, envelope));
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_NO);
	expect_incident(l, id, "answered-no");
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at"));
}

static void the_ballast_is_given_back_and_taken_again(void **state)
{
	struct lab *l = *state;
	char id[16];
	int told = 202, n = 0;
	const int64_t first = an_alert(l, "a1", "alice@duff.example", 4);
	leave(l, 0);
	for (; told == 202 && n < 200; n++) { /* the log and free pages hold some */
		(void)snprintf(id, sizeof(id), "f%d", n);
		told = post_of(l, "edr", id);
	}
	assert_int_equal(told, 503);
	assert_false(has_ballast(l));
	const int64_t trouble = the_trouble(l), alerts = number_in(l, "SELECT COUNT(*) FROM alert");
	assert_true(trouble > 0);
	expect_incident(l, trouble, "trouble");
	assert_int_equal(post_of(l, "edr", "another"),
			 503); /* though there is room again, for pages */
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM alert"), alerts);
	press(l, "alice", "no");
	lab_pass(l, 30 * SECOND_MS);
	expect_incident(l, number_in(l, "SELECT case_id FROM inquiry WHERE state = 5"),
			"answered-no");
	lab_kill(l, SECOND_MS);
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(post_of(l, "edr", "after the restart"), 503);
	assert_true(first > 0);
	leave(l, 40 * MIB);
	lab_pass(l, MINUTE_MS);
	assert_true(has_ballast(l));
	assert_int_equal(the_trouble(l), 0);
	assert_int_equal(post_of(l, "edr", "another"), 202);
}

/* The process dies, and the disk is full to the last byte when it comes back: it counts its death
 * and goes on. */
static void a_start_on_a_full_disk_takes_the_ballast(void **state)
{
	struct lab *l = *state;
	const int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	lab_doom(l, "INQUIRY_SET after", 0, SECOND_MS);
	click(l, "alice", the_question_to(l, "alice"), "no");
	disk_fail(&(struct disk_fault){
		.calls = DISK_WRITE, .tail = "-wal", .count = 1, .code = SQLITE_FULL });
	lab_pass(l, 4 * SECOND_MS);
	assert_int_equal(lab_deaths(l), 1);
	assert_int_equal(disk_refused(), 1); /* when the death was to be counted */
	assert_false(has_ballast(l));
	lab_pass(l, 10 * SECOND_MS);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "answered-no");
}

#define ON_DISK(test)       cmocka_unit_test_setup_teardown(test, disk_in, disk_out)
#define ON_SMALL_DISK(test) cmocka_unit_test_setup_teardown(test, small_in, disk_out)
int stories_of_a_full_disk(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(a_sender_is_told_to_come_again),
		ON_DISK(a_click_is_kept_and_answered_later),
		ON_DISK(clicks_of_many_keep_their_order),
		ON_DISK(a_deadline_in_that_hour_pages_when_there_is_room),
		ON_DISK(a_result_is_kept),
		ON_SMALL_DISK(nearly_full_pages_and_what_can_wait_waits),
		ON_SMALL_DISK(full_and_a_no_still_pages),
		ON_SMALL_DISK(the_ballast_is_given_back_and_taken_again),
		ON_SMALL_DISK(a_start_on_a_full_disk_takes_the_ballast),
	};
	return cmocka_run_group_tests_name("a full disk", tests, NULL, NULL);
}
