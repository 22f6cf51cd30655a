/* Every payload sample under ../shared/slack/payloads, as Slack and its official clients have them:
 * none crashes us, each gives a frame that can be used. Skipped where the samples are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "slack/read.h"
#include "slack/write.h"

#define SAMPLES "../shared/slack/payloads"

static struct arena arena = { .limit = 8 << 20 };
static unsigned samples, facts, odd;

static void assert_sane(const struct frame *f)
{
	const char *texts[] = { f->reason, f->envelope_id, f->trigger_id, f->response_url, f->odd };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(texts[i]);
	assert_true(!f->has_fact || (f->kind == FRAME_ENVELOPE && f->odd[0] == '\0'));
	assert_true(f->kind != FRAME_OTHER || f->odd[0] != '\0');
	if (!f->has_fact)
		return;
	if (f->fact.kind == FACT_MESSAGE)
		assert_int_equal(strncmp(f->fact.key, "event:", 6), 0);
	else
		assert_string_equal(f->fact.key, "envelope:sample");
	switch (f->fact.kind) {
	case FACT_ALERT: fail_msg("an alert from Slack"); break;
	case FACT_CLICK:
		assert_true(f->fact.as.click.user[0] && f->fact.as.click.channel[0] &&
			    f->fact.as.click.ts[0]);
		assert_int_equal(f->fact.as.click.inquiry_id, 0); /* no token of ours in there */
		break;
	case FACT_COMMENT:
		assert_true(f->fact.as.comment.user[0] && f->fact.as.comment.text);
		break;
	case FACT_COMMAND:
		assert_true(f->fact.as.command.user[0] && f->fact.as.command.channel[0]);
		break;
	case FACT_MESSAGE:
		assert_true(f->fact.as.message.user[0] && f->fact.as.message.channel[0] &&
			    f->fact.as.message.ts[0]);
		break;
	}
}

static void read_both(struct str text)
{
	static const char *const types[] = { "interactive", "slash_commands", "events_api" };
	const struct slack_self self = { "", "", STR("key"), "" };
	struct frame f;

	slack_read(text, &self, &arena, &f);
	assert_true(f.odd != NULL && f.envelope_id != NULL);
	for (size_t i = 0; i < 3; i++) {
		slack_read(str_z(arena_f(&arena,
					 "{\"envelope_id\":\"sample\",\"type\":\"%s\","
					 "\"payload\":%.*s}",
					 types[i], STR_ARG(text))),
			   &self, &arena, &f);
		assert_sane(&f);
		facts += f.has_fact ? 1 : 0;
		odd += f.odd[0] != '\0' ? 1 : 0;
	}
}

/* Whatever comes as an answer has an outcome; only ok:true is DONE. */
static void answer_all(struct str text)
{
	static const enum out_kind kinds[] = { OUT_QUESTION, OUT_LOOKUP_EMAIL, OUT_LOOKUP_USER,
					       OUT_OPEN_DM };
	const struct wire_reply reply = { 200, false, -1, text, "" };

	for (size_t i = 0; i < 5; i++) {
		const struct slack_asked asked = { kinds[i % 4], i < 4 ? PHASE_SEND : PHASE_FIND,
						   false, "out:1:00" };
		struct result r;
		slack_answer(&asked, &reply, &arena, &r);
		assert_non_null(r.channel);
		if (r.outcome == OUTCOME_DONE)
			assert_true(str_z(r.ref).n > 0 || str_z(r.dm).n > 0 || r.person != NULL);
		else
			assert_true(str_z(r.error).n > 0 || r.outcome == OUTCOME_NOT_FOUND);
	}
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static char text[1 << 19];

	(void)st;
	if (type != FTW_F || ftw->level < 2) /* the index lies at the top */
		return 0;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	const size_t n = fread(text, 1, sizeof(text), file);
	assert_int_equal(fclose(file), 0);
	read_both((struct str){ text, n });
	answer_all((struct str){ text, n });
	arena_clear(&arena);
	samples++;
	return 0;
}

static void every_sample_gives_a_sane_frame(void **state)
{
	(void)state;
	if (nftw(SAMPLES, visit, 8, FTW_PHYS) != 0 || samples == 0) {
		print_message("SKIP: no samples at " SAMPLES "\n");
		skip();
	}
	print_message("%u samples, %u facts, %u odd\n", samples, facts, odd);
	assert_true(samples > 300 && facts > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_sample_gives_a_sane_frame) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
