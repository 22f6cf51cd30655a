/* What lies on the sandbox's shelf, through the whole program with its own playbooks. Delete a test
 * and an alert can go to somebody else, or to nobody without a word why. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/when.h"
#include "lib/story.h"

#define SHELF "sandbox/shelf"
enum { FILE_BYTES_MAX = 64 * 1024 };

/* What comes of one file. */
struct shelved {
	const char *file;
	const char *asked,
		*question;  /* who gets a direct message, and what it asks; NULL: nobody */
	const char *why;    /* what the channel reads where nobody is asked; NULL: asked */
	const char *reason; /* why the on-call is woken at once; NULL: not woken */
	int64_t cases;
};

static const struct shelved shelf[] = {
	{ .file = "1-okta-new-device.json",
	  .asked = "homer.simpson",
	  .question = "Did you open the Okta admin console just now?",
	  .cases = 1 },
	{ .file = "2-okta-new-country.json",
	  .asked = "alice",
	  .question = "Did you open the Okta admin console just now?",
	  .reason = "opened",
	  .cases = 1 },
	{ .file = "3-okta-unknown-owner.json",
	  .why = "Nobody could be asked. Looked up svc-backup@elsewhere.example in Slack: ",
	  .reason = "owner-unknown",
	  .cases = 1 },
	{ .file = "4-okta-carol-left.json",
	  .why = "Nobody could be asked. Looked up carol@duff.example in Slack: ",
	  .reason = "owner-unknown",
	  .cases = 1 },
	{ .file = "5-okta-unmapped.json", .why = "Nobody is asked about this one.", .cases = 1 },
	{ .file = "6-guardduty-access-key.json",
	  .asked = "alice",
	  .question = "Did you call CreateAccessKey in AWS account 210987654321 from Lagos, "
		      "Nigeria around ",
	  .cases = 1 },
	{ .file = "7-guardduty-root.json",
	  .why = "Root belongs to the account, not to one person.",
	  .reason = "opened",
	  .cases = 1 },
	{ .file = "8-crowdstrike-two-alerts.json",
	  .asked = "bob",
	  .question = "Did you run certutil.exe on DUFF-LT-0117?",
	  .why = "It ran as Administrator, which is nobody's own account.",
	  .cases = 2 },
	{ .file = "9-splunk-no-name.json",
	  .asked = "mona",
	  .question = "Was it you who did this?",
	  .cases = 1 },
};
enum { SHELF_N = sizeof(shelf) / sizeof(shelf[0]) };

/* --- a file of the shelf, as the sandbox sends it --- */

static struct cJSON *file_json(const char *name)
{
	char path[128];
	struct fail fail = { 0 };
	CLEANUP(buf_free) struct buf text = BUF(FILE_BYTES_MAX);
	(void)snprintf(path, sizeof(path), "%s/%s", SHELF, name);
	FILE *f = fopen(path, "re");
	if (!f)
		fail_msg("%s: it can't be opened", path);
	for (int c; (c = fgetc(f)) != EOF;)
		buf_add(&text, (struct str){ (const char[]){ (char)c }, 1 });
	(void)fclose(f);
	struct cJSON *j = json_parse(buf_str(&text), &fail);
	if (!j)
		fail_msg("%s: %s", path, fail.why);
	return j;
}

/* The marks' values; each uuid is another one. */
static void fill(struct lab *l, const char *body, const char *subject, struct buf *out)
{
	static unsigned uuids;
	while (*body) {
		if (strncmp(body, "{{uuid}}", 8) == 0)
			buf_addf(out, "5f3c0c0e-52c2-41f0-9d61-%012x", ++uuids);
		else if (strncmp(body, "{{now}}", 7) == 0)
			buf_addz(out, when_rfc3339(lab_now(l)).text);
		else if (strncmp(body, "{{subject}}", 11) == 0)
			buf_addz(out, subject);
		else {
			buf_add(out, (struct str){ body++, 1 });
			continue;
		}
		body = strstr(body, "}}") + 2;
	}
}

static void from_shelf(struct lab *l, const char *name)
{
	CLEANUP(json_done) struct cJSON *file = file_json(name);
	CLEANUP(buf_free) struct buf body = BUF(FILE_BYTES_MAX);
	struct lab_post post;
	assert_true(json_text_at(file, "title")[0]);
	fill(l, json_print_arena(json_key(file, "body"), story_arena()),
	     json_text_at(file, "subject"), &body);
	lab_post(l, json_text_at(file, "source"), buf_z(&body), &post);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(post.status, 202);
}

/* --- what came of it --- */

static void only_the_right_person_is_asked(struct lab *l, const struct shelved *s)
{
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	for (const struct cJSON *p = json_first(json_key(state, "people")); p; p = json_next(p)) {
		const char *name = json_text_at(p, "name");
		const bool is_asked = s->asked && strcmp(name, s->asked) == 0;
		if (questions_to(l, name) != is_asked)
			fail_msg("%s: %zu questions to %s", s->file, questions_to(l, name), name);
	}
	if (s->asked && !says(the_question_to(l, s->asked), s->question))
		fail_msg("%s: %s", s->file, the_question_to(l, s->asked)->words);
	/* 08:00 UTC, on the clock of whoever is asked: Homer lives six hours behind. */
	if (s->asked && strcmp(s->asked, "homer.simpson") == 0)
		assert_true(says(the_question_to(l, s->asked), "It happened at 02:00, your time."));
}

static void the_channel_reads_why(struct lab *l, const struct shelved *s)
{
	const size_t n = s->why ? messages_with(l, CHANNEL, s->why) : 0;
	const int64_t unasked = s->cases - (s->asked ? 1 : 0);
	if ((int64_t)n != unasked)
		fail_msg("%s: \"%s\" stands there %zu times", s->file, s->why ? s->why : "", n);
}

static void every_alert_of_the_shelf_reaches_its_owner_or_says_why_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHELF_N; i++) {
		const struct shelved *s = &shelf[i];
		struct lab *l = story_begin(&(struct lab_options){ .seed = 7 });
		from_shelf(l, s->file);
		assert_int_equal(cases(l), s->cases);
		only_the_right_person_is_asked(l, s);
		the_channel_reads_why(l, s);
		if (s->reason)
			expect_incident(l, 1, s->reason);
		assert_int_equal(number_in(l, "SELECT COUNT(*) FROM casefile WHERE held <> ''"), 0);
		story_end(l);
	}
}

static void every_file_of_the_shelf_is_told_of_here(void **state)
{
	struct dirent **found = NULL;
	(void)state;
	const int n = scandir(SHELF, &found, NULL, alphasort);
	assert_int_equal(n, SHELF_N + 2); /* . and .. */
	for (int i = 0; i < n; i++) {
		if (i >= 2)
			assert_string_equal(found[i]->d_name, shelf[i - 2].file);
		free(found[i]);
	}
	free(found);
}

/* Two of one body: each with a card of its own, and a "no" to the one does not touch the other. */
static void two_alerts_of_one_body_are_two_cases(void **state)
{
	struct lab *l = *state;
	from_shelf(l, "8-crowdstrike-two-alerts.json");
	press(l, "bob", "no");
	expect_incident(l, 1, "answered-no");
	assert_int_equal(incidents(l, 2, "answered-no"), 0);
	assert_int_equal(cards_of(l, 1), 1);
	assert_int_equal(cards_of(l, 2), 1);
	assert_true(says(the_card_of(l, 2), "Nobody could be asked. The alert names nobody."));
}

/* GuardDuty sends a finding again while it goes on: the same is counted, something else is asked.
 */
static void a_finding_that_goes_on_is_asked_about_once(void **state)
{
	static const char finding[] =
		"{\"detail-type\":\"GuardDuty Finding\",\"detail\":{\"id\":\"f1\",\"severity\":5,"
		"\"type\":\"Discovery:IAMUser/AnomalousBehavior\",\"resource\":{"
		"\"accessKeyDetails\":{\"userType\":\"IAMUser\",\"userName\":\"alice\"}},"
		"\"service\":{\"count\":%d,\"action\":{\"awsApiCallAction\":{\"api\":\"%s\"}}}}}";
	static const struct {
		int count;
		const char *api;
		size_t questions;
	} comes[] = { { 1, "ListUsers", 1 }, { 2, "ListUsers", 1 }, { 3, "CreateUser", 2 } };
	struct lab *l = *state;
	for (size_t i = 0; i < sizeof(comes) / sizeof(comes[0]); i++) {
		struct lab_post post;
		char body[600];
		(void)snprintf(body, sizeof(body), finding, comes[i].count, comes[i].api);
		lab_post(l, "guardduty", body, &post);
		lab_pass(l, MINUTE_MS);
		assert_int_equal(post.status, 202);
		assert_int_equal(questions_to(l, "alice"), comes[i].questions);
	}
	assert_true(says(the_card_of(l, 1), "Seen 2 times."));
}

/* What somebody had made up asks nobody and opens no case, but is on record. */
static void a_sample_finding_is_recorded_and_ignored(void **state)
{
	struct lab *l = *state;
	struct lab_post post;
	lab_post(l, "guardduty",
		 "{\"detail-type\":\"GuardDuty Finding\",\"detail\":{\"id\":\"f1\",\"severity\":8,"
		 "\"type\":\"Discovery:IAMUser/AnomalousBehavior\",\"resource\":{"
		 "\"accessKeyDetails\":{\"userType\":\"IAMUser\",\"userName\":\"alice\"}},"
		 "\"service\":{\"additionalInfo\":{\"sample\":true}}}}",
		 &post);
	lab_pass(l, MINUTE_MS);
	assert_int_equal(post.status, 202);
	assert_int_equal(look_alert(lab_look(l), post.alert_id)->state, ALERT_BENIGN);
	assert_int_equal(cases(l), 0);
	assert_int_equal(questions_to(l, "alice"), 0);
	assert_int_equal(audits(l, "alert.benign", ""), 1);
}

static void nowhere(void *self, const char *line)
{
	(void)self;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_alert_of_the_shelf_reaches_its_owner_or_says_why_not),
		cmocka_unit_test(every_file_of_the_shelf_is_told_of_here),
		STORY(two_alerts_of_one_body_are_two_cases),
		STORY(a_finding_that_goes_on_is_asked_about_once),
		STORY(a_sample_finding_is_recorded_and_ignored),
	};
	if (!getenv("LAB_TELL")) /* banned: a developer's switch */
		log_sink(nowhere, NULL);
	lab_configure("tests/lib/lab-real.yaml");
	const int failed = cmocka_run_group_tests_name("playbooks", tests, NULL, NULL);
	lab_done();
	return failed;
}
