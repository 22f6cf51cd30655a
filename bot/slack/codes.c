/* slack/codes: see codes.h. Called by answer.c only; it judges no outcome. */
#include "slack/codes.h"

#define FIX_TOKEN    "Put a valid SLACK_BOT_TOKEN (and SLACK_APP_TOKEN) in place and restart"
#define FIX_RULE     "A rule of the workspace forbids it: its owners have to allow it"
#define FIX_INVITE   "Invite the bot to the channel, or correct slack.channel"
#define FIX_ORG      "The owners of the Slack organisation have to allow the app"
#define FIX_ARCHIVED "Bring the channel back, or name another as slack.channel"
#define FIX_SCOPE    "Add the scope to the app as in deploy/manifest.json and install it again"
#define FIX_KIND                                                                                   \
	"SLACK_BOT_TOKEN must be the bot's (xoxb-...), SLACK_APP_TOKEN the app's (xapp-...)"

/* A '*' at the end stands for any tail. First match wins. */
/* clang-format off */
static const struct {
	const char *code;
	enum code_class is;
	const char *fix;
} codes[] = {
	/* the token */
	{ "invalid_auth", CODE_TOKEN, FIX_TOKEN },
	{ "not_authed", CODE_TOKEN, FIX_TOKEN },
	{ "account_inactive", CODE_TOKEN, FIX_TOKEN },
	{ "token_revoked", CODE_TOKEN, FIX_TOKEN },
	{ "token_expired", CODE_TOKEN, FIX_TOKEN },
	{ "org_login_required", CODE_TOKEN, FIX_ORG },
	{ "user_removed_from_team", CODE_TOKEN, FIX_TOKEN },
	{ "team_disabled", CODE_TOKEN, FIX_ORG },
	/* what the app may do */
	{ "missing_scope", CODE_SETUP, FIX_SCOPE },
	{ "not_allowed_token_type", CODE_SETUP, FIX_KIND },
	{ "no_permission", CODE_SETUP, FIX_SCOPE },
	{ "team_access_not_granted", CODE_SETUP, FIX_ORG },
	{ "ekm_access_denied", CODE_SETUP, FIX_ORG },
	{ "enterprise_is_restricted", CODE_SETUP, FIX_ORG },
	{ "access_denied", CODE_SETUP, FIX_ORG },
	{ "forbidden_team", CODE_SETUP, FIX_ORG },
	{ "two_factor_setup_required", CODE_SETUP, FIX_ORG },
	{ "app_access_restricted", CODE_SETUP, FIX_ORG },
	{ "metadata_must_be_sent_from_app", CODE_SETUP, FIX_KIND },
	/* later */
	{ "ratelimited", CODE_LIMITED, "" },
	{ "rate_limited", CODE_LIMITED, "" },
	{ "team_added_to_org", CODE_LIMITED, "" },
	{ "accesslimited", CODE_LIMITED, "" },
	{ "update_failed", CODE_LIMITED, "" },
	{ "fetch_members_failed", CODE_LIMITED, "" },
	/* who knows */
	{ "internal_error", CODE_AMBIGUOUS, "" },
	{ "fatal_error", CODE_AMBIGUOUS, "" },
	{ "service_unavailable", CODE_AMBIGUOUS, "" },
	{ "request_timeout", CODE_AMBIGUOUS, "" },
	/* the state of the message; the last: what we repeat was deleted meanwhile (slack.md 2.6) */
	{ "message_not_found", CODE_GONE, "" },
	{ "cant_update_message", CODE_FIXED, "" },
	{ "edit_window_closed", CODE_FIXED, "" },
	{ "is_inactive", CODE_FIXED, "" },
	{ "thread_not_found", CODE_GONE, "" }, /* the message it should stand under */
	{ "duplicate_message_not_found", CODE_GONE, "" },
	/* its words */
	{ "invalid_blocks*", CODE_WORDS, "" },
	{ "msg_blocks_too_long", CODE_WORDS, "" },
	{ "msg_too_long", CODE_WORDS, "" },
	{ "no_text", CODE_WORDS, "" },
	{ "invalid_attachments", CODE_WORDS, "" },
	{ "too_many_attachments", CODE_WORDS, "" },
	{ "markdown_text_conflict", CODE_WORDS, "" },
	{ "block_mismatch", CODE_WORDS, "" },
	/* this person */
	{ "user_not_found", CODE_PERSON, "" },
	{ "users_not_found", CODE_PERSON, "" },
	{ "user_not_visible", CODE_PERSON, "" },
	{ "user_disabled", CODE_PERSON, "" },
	{ "cannot_dm_bot", CODE_PERSON, "" },
	{ "messages_tab_disabled", CODE_PERSON, "" },
	{ "invalid_user_combination", CODE_PERSON, "" },
	{ "user_not_in_channel", CODE_PERSON, "" },
	/* this channel */
	{ "channel_not_found", CODE_PLACE, FIX_INVITE },
	{ "not_in_channel", CODE_PLACE, FIX_INVITE },
	{ "is_archived", CODE_PLACE, FIX_ARCHIVED },
	{ "restricted_action_non_threadable_channel", CODE_NEVER, "" }, /* the card says it all */
	{ "restricted_action_thread_locked", CODE_NEVER, "" },
	{ "cannot_reply_to_message", CODE_NEVER, "" },
	{ "restricted_action*", CODE_PLACE, FIX_RULE },
	{ "posting_to_channel_denied", CODE_PLACE, FIX_RULE },
	{ "slack_connect_*", CODE_PLACE, FIX_RULE },
	{ "message_limit_exceeded", CODE_PLACE, FIX_RULE },
	/* this call */
	{ "invalid_*", CODE_NEVER, "" },
	{ "json_not_object", CODE_NEVER, "" },
	{ "missing_post_type", CODE_NEVER, "" },
	{ "metadata_*", CODE_NEVER, "" },
	{ "view_too_large", CODE_NEVER, "" },
	{ "duplicate_*", CODE_NEVER, "" },
	{ "expired_trigger_id", CODE_NEVER, "" },
	{ "exchanged_trigger_id", CODE_NEVER, "" },
	{ "unknown_method", CODE_NEVER, "" },
};
/* clang-format on */
enum { CODES_N = sizeof(codes) / sizeof(codes[0]) };

static size_t index_of(const char *error)
{
	struct str have, rest;

	(void)str_cut(str_z(error), ' ', &have, &rest);
	for (size_t i = 0; i < CODES_N; i++) {
		struct str want = str_z(codes[i].code);
		if (want.at[want.n - 1] == '*' ? str_starts(have, (struct str){ want.at, --want.n })
					       : str_eq(have, want))
			return i;
	}
	return CODES_N;
}

enum code_class code_class(const char *error)
{
	const size_t i = index_of(error);

	return i < CODES_N ? codes[i].is : CODE_OTHER;
}

const char *code_fix(const char *error)
{
	const size_t i = index_of(error);

	return i < CODES_N ? codes[i].fix : "";
}
