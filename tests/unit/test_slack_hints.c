/* Events that store nothing but change what the bot believes: that its token may be dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slack/read.h"

static struct arena arena = { .limit = 1 << 20 };

static bool doubts(const char *team, const char *event)
{
	static const struct slack_self self = { .team_id = "T1", .app_id = "A1", .user_id = "U1" };
	struct frame f;

	slack_read(str_z(arena_f(
			   &arena,
			   "{\"envelope_id\":\"e1\",\"type\":\"events_api\",\"payload\":{"
			   "\"type\":\"event_callback\",\"team_id\":\"%s\",\"api_app_id\":\"A1\","
			   "\"event_id\":\"Ev1\",\"event\":%s}}",
			   team, event)),
		   &self, &arena, &f);
	assert_int_equal(f.kind, FRAME_ENVELOPE);
	assert_string_equal(f.envelope_id, "e1");
	assert_false(f.has_fact);
	return f.doubts_token;
}

static void a_removed_app_doubts_its_token(void **state)
{
	(void)state;
	assert_true(doubts("T1", "{\"type\":\"app_uninstalled\"}"));
	assert_true(doubts(
		"T1", "{\"type\":\"tokens_revoked\",\"tokens\":{\"oauth\":[],\"bot\":[\"U1\"]}}"));
	/* People's own tokens are none of ours, and no other team speaks for ours. */
	assert_false(doubts(
		"T1", "{\"type\":\"tokens_revoked\",\"tokens\":{\"oauth\":[\"U2\"],\"bot\":[]}}"));
	assert_false(doubts("T1", "{\"type\":\"tokens_revoked\"}"));
	assert_false(doubts("T1", "{\"type\":\"tokens_revoked\",\"tokens\":{\"bot\":\"U1\"}}"));
	assert_false(doubts("T2", "{\"type\":\"app_uninstalled\"}"));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_removed_app_doubts_its_token) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
