/* Real alerts of nine vendors (../shared/alerts; skipped where that is not there) through the whole
 * program with its own playbooks. Delete a test and an alert of a known sender can be lost, or
 * killed by its own words. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lib/story.h"

#define SAMPLES "../shared/alerts"
enum { SAMPLE_BYTES_MAX = 256 * 1024 };

/* How each alert of a body ends. */
struct ending {
	const char *file; /* how its name begins */
	enum alert_state state;
	const char *playbook;
	int64_t alerts; /* in that body */
};
static const struct ending endings[] = {
	{ "crowdstrike-alerts-v2", ALERT_MAPPED, "crowdstrike-detection", 2 },
	{ "crowdstrike-eventstream", ALERT_UNMAPPED, "", 1 },
	{ "github-", ALERT_UNMAPPED, "", 1 },
	{ "google-", ALERT_UNMAPPED, "", 1 },
	{ "guardduty-eventbridge", ALERT_BENIGN, "",
	  1 }, /* made up by GuardDuty itself: it says so */
	{ "guardduty-finding-critical", ALERT_MAPPED, "guardduty-iam-finding", 1 },
	{ "ms-defender-xdr-alertevidence", ALERT_UNMAPPED, "", 1 },
	{ "ms-defender-xdr-alertinfo", ALERT_UNMAPPED, "", 1 },
	{ "okta-new-behavior", ALERT_MAPPED, "okta-admin-console-new-device", 1 },
	{ "okta-user-reported", ALERT_UNMAPPED, "", 1 },
	{ "push-", ALERT_UNMAPPED, "", 1 },
	{ "splunk-", ALERT_MAPPED, "splunk-saved-search", 1 },
	{ "sublime-", ALERT_UNMAPPED, "", 1 },
};
enum { SAMPLES_N = sizeof(endings) / sizeof(endings[0]), ALERTS_N = SAMPLES_N + 1 };

struct sample {
	char name[256], source[32];
	char *body;
	struct lab_post post;
};
struct samples {
	struct sample at[32];
	size_t n;
};

static int is_json(const struct dirent *d)
{
	const struct str name = str_z(d->d_name), tail = STR(".json");
	return name.n > tail.n && str_eq((struct str){ name.at + name.n - tail.n, tail.n }, tail);
}

static char *body_of(const char *name)
{
	char path[288];
	(void)snprintf(path, sizeof(path), "%s/%s", SAMPLES, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	char *body = mem_new(SAMPLE_BYTES_MAX + 1);
	const size_t n = fread(body, 1, SAMPLE_BYTES_MAX, f);
	assert_true(n > 0 && n < SAMPLE_BYTES_MAX);
	(void)fclose(f);
	return body;
}

/* In the order of their names; the first word of a name is the source. */
static void read_samples(struct samples *s)
{
	struct dirent **found = NULL;
	const int n = scandir(SAMPLES, &found, is_json, alphasort);
	s->n = 0;
	if (n < 0)
		return;
	assert_true((size_t)n < sizeof(s->at) / sizeof(s->at[0]));
	for (int i = 0; i < n; i++) {
		struct sample *at = &s->at[s->n++];
		struct str word, rest;
		(void)snprintf(at->name, sizeof(at->name), "%s", found[i]->d_name);
		(void)str_cut(str_z(at->name), '-', &word, &rest);
		(void)snprintf(at->source, sizeof(at->source), "%.*s", STR_ARG(word));
		at->body = body_of(at->name);
		free(found[i]);
	}
	free(found);
}

static void free_samples(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->at[i].body);
}

static void send_all(struct lab *l, struct samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		lab_post(l, s->at[i].source, s->at[i].body, &s->at[i].post);
	lab_pass(l, 2 * MINUTE_MS);
}

/* Taken by a playbook, or shown as it is, with its card where the analysts are; or known as benign,
 * which is on record and opens no case. Held by nobody. */
static bool ended_as(struct lab *l, const struct ending *e, int64_t alert_id, const char *source)
{
	const struct alert *found = look_alert(lab_look(l), alert_id);
	if (!found || strcmp(found->source, source) != 0 || found->state != e->state)
		return false;
	if (e->state == ALERT_BENIGN)
		return found->case_id == 0;
	const struct casefile *k = case_of(l, found->case_id);
	return !k->held[0] && strcmp(k->playbook, e->playbook) == 0 && cards_of(l, k->id) == 1;
}

/* The alerts of a body have ids that follow each other. */
static void expect_endings(struct lab *l, const struct samples *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ending *e = &endings[i];
		if (!str_starts(str_z(s->at[i].name), str_z(e->file)))
			fail_msg("%s is no %s", s->at[i].name, e->file);
		for (int64_t n = 0; n < e->alerts; n++)
			if (!ended_as(l, e, s->at[i].post.alert_id + n, s->at[i].source))
				fail_msg("%s: alert %" PRId64 " of it ended otherwise",
					 s->at[i].name, n + 1);
	}
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM alert"), ALERTS_N);
	assert_int_equal(cases(l), ALERTS_N - 1);
	assert_int_equal(audits(l, "alert.benign", ""), 1);
}

static void every_sample_is_mapped_or_shown(void **state)
{
	struct lab *l = *state;
	struct samples all;
	read_samples(&all);
	if (!all.n)
		skip();
	assert_int_equal(all.n, SAMPLES_N);
	send_all(l, &all);
	for (size_t i = 0; i < all.n; i++)
		assert_int_equal(all.at[i].post.status, 202);
	expect_endings(l, &all);
	assert_int_equal(lab_deaths(l), 0);
	/* Slack took every card as it came: nothing in an alert breaks a message. */
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	assert_int_equal(json_count(json_key(ledger, "refusals")), 0);
	free_samples(&all);
}

/* All at once, all once more, and a death in between: every body is there once. */
static void none_is_lost_or_doubled_by_a_death_and_a_repeat(void **state)
{
	struct lab *l = *state;
	struct samples all;
	read_samples(&all);
	if (!all.n)
		skip();
	for (size_t i = 0; i < all.n; i++)
		lab_post(l, all.at[i].source, all.at[i].body, &all.at[i].post);
	lab_doom(l, "commit after", 1, SECOND_MS);
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(lab_deaths(l), 1);
	send_all(l, &all);
	for (size_t i = 0; i < all.n; i++)
		assert_true(all.at[i].post.status == 200 || all.at[i].post.status == 202);
	expect_endings(l, &all);
	free_samples(&all);
}

static void nowhere(void *self, const char *line)
{
	(void)self;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(every_sample_is_mapped_or_shown),
		STORY(none_is_lost_or_doubled_by_a_death_and_a_repeat),
	};
	if (!getenv("LAB_TELL")) /* banned: a developer's switch */
		log_sink(nowhere, NULL);
	lab_configure("tests/lib/lab-real.yaml");
	const int failed = cmocka_run_group_tests_name("samples", tests, NULL, NULL);
	lab_done();
	return failed;
}
