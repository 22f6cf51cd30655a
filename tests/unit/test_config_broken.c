/* broken: the mistakes a stranger makes in the three kinds of file, and the whole first line that
 * `securitybot check` answers with: which file, which line, what was wanted. Delete one and that
 * line can stop helping. */
#include "test_config_help.h"

enum which { SETTINGS, PLAYBOOK, CONNECTOR };

#define ONE_PAGER "pager:\n  connector: pager\n  base_url: http://127.0.0.1:1/pager\n"
#define TWO_PAGERS(more)                                                                           \
	"pager:\n  - connector: pager\n    base_url: http://127.0.0.1:1/\n"                        \
	"  - connector: pager\n" more "    base_url: http://127.0.0.1:2/\n"

struct broken {
	enum which which;
	const char *old, *new, *first; /* old "": the whole file */
};

static const struct broken table[] = {
	/* --- not YAML, or not ours --- */
	{ SETTINGS, "", "", "securitybot.yaml:1: nothing in it: wanted keys and values" },
	{ SETTINGS, "slack:\n", "slack\n",
	  "securitybot.yaml:3: could not find expected ':' (while scanning a simple key from line "
	  "2 on): wanted KEY: VALUE in the line above" },
	{ SETTINGS, "  channel:", "\tchannel:",
	  "securitybot.yaml:4: found a tab character that violates indentation (while scanning a "
	  "plain scalar from line 3 on)" },
	{ SETTINGS, "${secret:TEST_SOURCE}\"}", "${secret:TEST_SOURCE}}",
	  "securitybot.yaml:11: found unexpected end of stream (while scanning a quoted scalar "
	  "from line 6 on)" },
	{ SETTINGS, "pager:\n  conn", "slack: {}\npager:\n  conn",
	  "securitybot.yaml:8: the key \"slack\" stands here twice (also line 2)" },
	{ PLAYBOOK, "goal: Notice when", "goal: Notice: when",
	  "playbooks/one.yaml:4: mapping values are not allowed in this context: a text with \": "
	  "\" in it wants quotes around it" },
	{ PLAYBOOK, "summary: '\"Somebody", "summary: \"Somebody",
	  "playbooks/one.yaml:17: did not find expected key (while parsing a block mapping from "
	  "line 15 on): wanted KEY: VALUE; is there a quote or a blank too many?" },
	/* --- settings --- */
	{ SETTINGS, "channel: C0SECALRT", "channel: '#security'",
	  "securitybot.yaml:4: channel: wanted the id of the analysts' channel, such as "
	  "C0123456789 (at the bottom of the channel's details)" },
	{ SETTINGS, "  channel: C0SECALRT\n", "",
	  "securitybot.yaml:3: channel is missing: wanted a single value" },
	{ SETTINGS, "127.0.0.1:0\n", "localhost\n",
	  "securitybot.yaml:1: listen: wanted ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080" },
	{ SETTINGS, "bearer: \"${secret:TEST_SOURCE}\"", "bearer: s3cret",
	  "securitybot.yaml:6: bearer: wanted ${secret:NAME}: a secret itself never stands in this "
	  "file" },
	{ SETTINGS, "TEST_SOURCE", "TEST_NOWHERE",
	  "securitybot.yaml:6: bearer: the secret TEST_NOWHERE is missing, empty or over 255 "
	  "bytes: wanted a file of that name in $CREDENTIALS_DIRECTORY, or the variable "
	  "TEST_NOWHERE" },
	{ SETTINGS, "${secret:TEST_SOURCE}\"}", "${secret:TEST_SOURCE}\", each: \"events[]\"}",
	  "securitybot.yaml:6: each: wanted the keys to an array with dots between, such as "
	  "data.events" },
	{ SETTINGS, "connector: pager", "connector: opsgenie",
	  "securitybot.yaml:9: connector: there is no connectors/opsgenie.yaml that can be used" },
	{ SETTINGS, "  base_url: http://127.0.0.1:1/pager\n", "",
	  "securitybot.yaml:9: base_url is missing: wanted a text, for connectors/pager.yaml:3 "
	  "says ${config.base_url}" },
	/* --- several pagers --- */
	{ SETTINGS, ONE_PAGER, "pager: []\n",
	  "securitybot.yaml:8: pager: the list is empty: nobody could be woken" },
	{ SETTINGS, ONE_PAGER, "pager: pager\n",
	  "securitybot.yaml:8: pager: wanted keys and values, found a single value" },
	{ SETTINGS, ONE_PAGER, "pager: [pager]\n",
	  "securitybot.yaml:8: pager: wanted keys and values: connector: NAME, …" },
	{ SETTINGS, ONE_PAGER, TWO_PAGERS(""),
	  "securitybot.yaml:11: there is a pager pager already: wanted a name: of its own" },
	{ SETTINGS, ONE_PAGER, TWO_PAGERS("    name: Pager EU\n"),
	  "securitybot.yaml:12: name: wanted at most 40 of a-z, 0-9, - and _" },
	{ SETTINGS, ONE_PAGER, TWO_PAGERS("    name: two\n    secrets: {TEST_PAGR: x}\n"),
	  "securitybot.yaml:13: unknown key \"TEST_PAGR\": did you mean \"TEST_PAGER\"?" },
	{ SETTINGS, ONE_PAGER, TWO_PAGERS("    name: two\n    secrets: {TEST_PAGER: s3cret}\n"),
	  "securitybot.yaml:13: TEST_PAGER: wanted ${secret:NAME}: a secret itself never stands in "
	  "this file" },
	{ SETTINGS, ONE_PAGER,
	  TWO_PAGERS("    name: two\n    secrets: {TEST_PAGER: \"${secret:TEST_EU}\"}\n"),
	  "securitybot.yaml:13: the secret TEST_EU is missing, empty or over 255 bytes: wanted a "
	  "file of that name in $CREDENTIALS_DIRECTORY, or the variable TEST_EU" },
	{ SETTINGS, ONE_PAGER,
	  "pager:\n  - connector: pager\n    base_url: http://127.0.0.1:1/\n"
	  "  - {connector: pagr, base_url: http://127.0.0.1:1/}\n",
	  "securitybot.yaml:11: connector: there is no connectors/pagr.yaml that can be used: did "
	  "you mean pager" },
	{ SETTINGS, ONE_PAGER,
	  "pager:\n  - {connector: a}\n  - {connector: b}\n  - {connector: c}\n"
	  "  - {connector: d}\n  - {connector: e}\n",
	  "securitybot.yaml:13: pager: more than 4" },
	/* --- a playbook --- */
	{ PLAYBOOK, "playbook: one", "playbook: two",
	  "playbooks/one.yaml:1: playbook: wanted one, as the file is called" },
	{ PLAYBOOK, "goal: Notice when somebody else uses a laptop of ours.", "goal: tbd",
	  "playbooks/one.yaml:4: goal says too little: wanted a sentence or two (40 characters or "
	  "more) that somebody new to this alert can use" },
	{ PLAYBOOK, "subject: .user", "subject: .user |",
	  "playbooks/one.yaml:16: alert.subject: syntax error, unexpected ')'" },
	{ PLAYBOOK, "priority: P3\n", "priority: high\n",
	  "playbooks/one.yaml:11: priority: wanted P1 (critical) to P5 (information)" },
	{ PLAYBOOK, "wait: 30m", "wait: 30 minutes",
	  "playbooks/one.yaml:23: wait: wanted a span of a second or more such as 30m, 2h or 1d" },
	{ PLAYBOOK, "no: [page]", "no: [close]",
	  "playbooks/one.yaml:24: no: close is for yes only" },
	{ PLAYBOOK, "expires: 2030-01-31", "expires: never",
	  "playbooks/one.yaml:22: expires: wanted a date such as 2027-01-31" },
	{ PLAYBOOK, "known_benign", "known_bening",
	  "playbooks/one.yaml:19: unknown key \"known_bening\": did you mean \"known_benign\"?" },
	/* --- a connector --- */
	{ CONNECTOR, "method: POST", "method: post",
	  "connectors/pager.yaml:15: method: unknown word \"post\": wanted one of GET, POST, PUT, "
	  "PATCH, DELETE" },
	{ CONNECTOR, "is: transient", "is: retry",
	  "connectors/pager.yaml:8: is: unknown word \"retry\": wanted one of done, already, "
	  "not_found, ambiguous, pending, conflict, reauth, transient, permanent, unknown" },
	{ CONNECTOR, "like: trigger", "like: triger",
	  "connectors/pager.yaml:20: like: triger is no operation of its own in this file" },
	{ CONNECTOR, "${config.base_url}", "${config.url}",
	  "securitybot.yaml:9: url is missing: wanted a text, for connectors/pager.yaml:3 says "
	  "${config.url}" },
	{ CONNECTOR, "    revert: {op: close, input", "    revert: {op: resolve, input",
	  "connectors/pager.yaml:18: op: this file has no operation resolve" },
};

/* The folder has another name each time. */
static void drop_folder(struct room *r)
{
	const size_t n = strlen(r->folder) + 1;
	for (char *at; (at = strstr(r->first, r->folder));)
		memmove(at, at + n, strlen(at + n) + 1);
}

static void the_first_line_helps_a_stranger(void **state)
{
	struct room *r = *state;
	const char **const files[] = { &r->settings, &r->playbook, &r->connector };
	const char *const good[] = { r->settings, r->playbook, r->connector };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct broken *b = &table[i];
		char *text = b->old[0] ? spoil(good[b->which], b->old, b->new) : NULL;
		*files[b->which] = text ? text : b->new;
		struct config *c = room_load(r);
		drop_folder(r);
		if (c || strcmp(r->first, b->first) != 0)
			fail_msg("%zu, \"%s\": wanted\n%s\nheard\n%s", i, b->new, b->first,
				 r->first);
		*files[b->which] = good[b->which];
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_line_helps_a_stranger, room_set_up,
						room_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
