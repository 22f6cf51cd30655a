/* Every error code of Slack's that the program knows, with its class: a code that is lost from the
 * table becomes "try again", for ever. What a class means for a row is in test_slack_answer.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "slack/codes.h"

struct of_class {
	enum code_class is;
	const char *codes; /* with a space between */
	bool has_fix;      /* somebody is told what to do */
};
static const struct of_class classes[] = {
	{ CODE_TOKEN,
	  "invalid_auth not_authed account_inactive token_revoked token_expired org_login_required "
	  "user_removed_from_team team_disabled",
	  true },
	{ CODE_SETUP,
	  "missing_scope not_allowed_token_type no_permission team_access_not_granted "
	  "ekm_access_denied enterprise_is_restricted access_denied forbidden_team "
	  "two_factor_setup_required app_access_restricted metadata_must_be_sent_from_app",
	  true },
	{ CODE_LIMITED,
	  "ratelimited rate_limited team_added_to_org accesslimited update_failed "
	  "fetch_members_failed",
	  false },
	{ CODE_AMBIGUOUS, "internal_error fatal_error service_unavailable request_timeout", false },
	{ CODE_GONE, "message_not_found thread_not_found duplicate_message_not_found", false },
	{ CODE_FIXED, "cant_update_message edit_window_closed is_inactive", false },
	{ CODE_WORDS,
	  "invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long no_text "
	  "invalid_attachments too_many_attachments markdown_text_conflict block_mismatch",
	  false },
	{ CODE_PERSON,
	  "user_not_found users_not_found user_not_visible user_disabled cannot_dm_bot "
	  "messages_tab_disabled invalid_user_combination user_not_in_channel",
	  false },
	{ CODE_PLACE,
	  "channel_not_found not_in_channel is_archived restricted_action "
	  "restricted_action_read_only_channel posting_to_channel_denied "
	  "slack_connect_file_link_sharing_blocked message_limit_exceeded",
	  true },
	/* A channel that allows no threads is no fault of the setup: the card says it all. */
	{ CODE_NEVER,
	  "restricted_action_non_threadable_channel restricted_action_thread_locked "
	  "cannot_reply_to_message invalid_arguments json_not_object missing_post_type "
	  "metadata_too_large view_too_large duplicate_external_id expired_trigger_id "
	  "exchanged_trigger_id unknown_method",
	  false },
	{ CODE_OTHER, "an_error_of_next_year is_archived_too", false },
};

static void every_code_has_its_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct str rest = str_z(classes[i].codes), one;
		while (rest.n) {
			char code[64];
			str_cut(rest, ' ', &one, &rest);
			assert_true(one.n < sizeof(code));
			memcpy(code, one.at, one.n);
			code[one.n] = '\0';
			if (code_class(code) != classes[i].is)
				fail_msg("%s is of class %d", code, (int)code_class(code));
			if ((code_fix(code)[0] != '\0') != classes[i].has_fix)
				fail_msg("%s: \"%s\"", code, code_fix(code));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
