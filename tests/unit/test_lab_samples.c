/* Real alerts of nine vendors (../shared/alerts; skipped where that is not there) through the whole
 * program with its own playbooks. Delete a test and an alert of a known sender can be lost, or
 * killed by its own words. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lib/story.h"

#define SAMPLES "../shared/alerts"
enum { SAMPLES_N = 13, SAMPLE_BYTES_MAX = 256 * 1024 };

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

/* Taken by a playbook or shown as it is; with its card where the analysts are; held by nobody. */
static bool ended_well(struct lab *l, const struct sample *s)
{
	const struct alert *found = look_alert(lab_look(l), s->post.alert_id);
	if (!found || strcmp(found->source, s->source) != 0)
		return false;
	const struct alert a = *found; /* the next look borrows its texts' place */
	const struct casefile *k = case_of(l, a.case_id);
	const bool has_playbook = k->playbook[0] != '\0';
	print_message("%-58s %s%s\n", s->name, has_playbook ? "mapped by " : "shown unmapped",
		      k->playbook);
	return a.state == (has_playbook ? ALERT_MAPPED : ALERT_UNMAPPED) && !k->held[0] &&
	       cards_of(l, a.case_id) == 1;
}

static void every_sample_is_mapped_or_shown(void **state)
{
	struct lab *l = *state;
	struct samples all;
	size_t mapped = 0;
	read_samples(&all);
	if (!all.n)
		skip();
	assert_int_equal(all.n, SAMPLES_N);
	send_all(l, &all);
	for (size_t i = 0; i < all.n; i++) {
		assert_int_equal(all.at[i].post.status, 202);
		assert_true(ended_well(l, &all.at[i]));
		mapped += look_alert(lab_look(l), all.at[i].post.alert_id)->state == ALERT_MAPPED;
	}
	assert_true(mapped >= 1);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM casefile WHERE playbook = "
				      "'okta-admin-console-new-device'"),
			 1);
	assert_int_equal(cases(l), SAMPLES_N);
	assert_int_equal(lab_deaths(l), 0);
	/* Slack took every card as it came: nothing in an alert breaks a message. */
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	assert_int_equal(json_count(json_key(ledger, "refusals")), 0);
	free_samples(&all);
}

/* All at once, all once more, and a death in between: every body is one alert with one card. */
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
	for (size_t i = 0; i < all.n; i++) {
		assert_true(all.at[i].post.status == 200 || all.at[i].post.status == 202);
		assert_true(ended_well(l, &all.at[i]));
	}
	assert_int_equal(cases(l), SAMPLES_N);
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
