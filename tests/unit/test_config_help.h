/* test_config_help: a folder with a configuration that is right, which a test spoils in one place.
 * Included by tests/unit/test_config_*.c only. */
#ifndef TEST_CONFIG_HELP_H
#define TEST_CONFIG_HELP_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/config.h"

#define GOOD_SETTINGS                                                                              \
	"listen: 127.0.0.1:0\n"                                                                    \
	"slack:\n"                                                                                 \
	"  api_url: http://127.0.0.1:1/api/\n"                                                     \
	"  channel: C0SECALRT\n"                                                                   \
	"sources:\n"                                                                               \
	"  edr: {bearer: \"${secret:TEST_SOURCE}\"}\n"                                             \
	"people: {domain: duff.example, boss: U0BOSS001, admin: root@duff.example}\n"              \
	"pager:\n"                                                                                 \
	"  connector: pager\n"                                                                     \
	"  base_url: http://127.0.0.1:1/pager\n"

#define GOOD_PLAYBOOK                                                                              \
	"playbook: one\n"                                                                          \
	"version: 1\n"                                                                             \
	"title: A program was started\n"                                                           \
	"goal: Notice when somebody else uses a laptop of ours.\n"                                 \
	"attack: [T1059]\n"                                                                        \
	"technical_context: The agent reports every program that was never seen before.\n"         \
	"blind_spots: Programs that were seen before are not reported at all.\n"                   \
	"false_positives: A new version of a known program looks like a new one.\n"                \
	"validation: Start a program that nobody ever started, and answer the question.\n"         \
	"response: Look at the process tree, and contain the laptop if in doubt.\n"                \
	"priority: P3\n"                                                                           \
	"sources: [edr]\n"                                                                         \
	"match: '.type == \"process\"'\n"                                                          \
	"alert:\n"                                                                                 \
	"  key: .id\n"                                                                             \
	"  subject: .user\n"                                                                       \
	"  summary: '\"Somebody started \" + .what'\n"                                             \
	"  facts: '[{k: \"Program\", v: .what}]'\n"                                                \
	"known_benign:\n"                                                                          \
	"  - when: .what == \"backup\"\n"                                                          \
	"    reason: the nightly backup\n"                                                         \
	"    expires: 2030-01-31\n"                                                                \
	"ask: {question: '\"Was it you?\"', wait: 30m}\n"                                          \
	"on: {yes: [close], no: [page], silence: [review]}\n"                                      \
	"tests:\n"                                                                                 \
	"  - input: {type: process, id: 17, user: bob, what: nc}\n"                                \
	"    expect: {match: true, subject: bob, key: 17, priority: P3, facts: [{k: Program, v: "  \
	"nc}]}\n"                                                                                  \
	"  - input: {type: process, what: backup}\n"                                               \
	"    expect: {match: true, benign: true, subject: null}\n"                                 \
	"  - input: {type: network}\n"                                                             \
	"    expect: {match: false}\n"

#define GOOD_CONNECTOR                                                                             \
	"connector: pager\n"                                                                       \
	"version: 1\n"                                                                             \
	"base_url: ${config.base_url}\n"                                                           \
	"auth: {kind: header, name: Authorization, value: \"GenieKey ${secret:TEST_PAGER}\"}\n"    \
	"defaults:\n"                                                                              \
	"  timeout: 10s\n"                                                                         \
	"  errors:\n"                                                                              \
	"    - {when: .status >= 500, is: transient}\n"                                            \
	"operations:\n"                                                                            \
	"  trigger:\n"                                                                             \
	"    kind: page\n"                                                                         \
	"    input: {key: {type: string, required: true}, summary: {type: string}, "               \
	"source: {type: string}, severity: {type: string}, details: {type: object}, "              \
	"links: {type: array}}\n"                                                                  \
	"    idempotency: {kind: server_key}\n"                                                    \
	"    body_secrets: {token: \"${secret:TEST_BODY}\"}\n"                                     \
	"    request: {method: POST, path: /alerts, body: '{alias: .input.key, note: \"new\"}'}\n" \
	"    outcome: [{when: .status == 202, is: done}]\n"                                        \
	"    output: '{key: $doc.body.alias}'\n"                                                   \
	"    revert: {op: close, input: '{key: .output.key}'}\n"                                   \
	"  close:\n"                                                                               \
	"    like: trigger\n"                                                                      \
	"    input: {key: {type: string, required: true}}\n"                                       \
	"    request: {body: '{close: .input.key}'}\n"                                             \
	"    revert: null\n"                                                                       \
	"tests:\n"                                                                                 \
	"  - op: trigger\n"                                                                        \
	"    input: {key: k}\n"                                                                    \
	"    expect_request: {method: POST, path: /alerts, body: {alias: k, note: new, token: "    \
	"\"***\"}}\n"

struct room {
	char folder[48];
	const char *settings, *playbook, *connector;
	char first[700]; /* the first complaint, without the folder's name */
	size_t complaints;
	struct config_report report;
	char made[8][40]; /* files, to be removed */
	size_t made_n;
};

static inline void hear(void *self, const char *line)
{
	struct room *r = self;
	size_t n = strlen(r->folder) + 1;
	if (r->complaints++)
		return;
	const char *at = strstr(line, r->folder);
	if (at)
		(void)snprintf(r->first, sizeof(r->first), "%.*s%s", (int)(at - line), line,
			       at + n);
	else
		(void)snprintf(r->first, sizeof(r->first), "%s", line);
}

static inline void room_write(struct room *r, const char *name, const char *text)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "%s/%s", r->folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < r->made_n; i++)
		if (strcmp(r->made[i], name) == 0)
			return;
	assert_true(r->made_n < 8);
	(void)snprintf(r->made[r->made_n++], 40, "%s", name);
}

static inline void room_folder(const struct room *r, const char *name)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "%s/%s", r->folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static inline int room_set_up(void **state)
{
	static const char *const secrets[][2] = {
		{ "SLACK_APP_TOKEN", "xapp-1" },
		{ "SLACK_BOT_TOKEN", "xoxb-1" },
		{ "MAC_KEY", "0123456789abcdef0123456789abcdef" },
		{ "AUDIT_KEY", "0123456789abcdef0123456789abcdef" },
		{ "TEST_SOURCE", "source-secret" },
		{ "TEST_PAGER", "pager-secret" },
		{ "TEST_BODY", "body-secret" },
	};
	struct room *r = mem_new(sizeof(*r));
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		assert_int_equal(setenv(secrets[i][0], secrets[i][1], 1), 0);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("SLACK_API_URL");
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/config-test-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	room_folder(r, "playbooks");
	room_folder(r, "connectors");
	r->settings = GOOD_SETTINGS;
	r->playbook = GOOD_PLAYBOOK;
	r->connector = GOOD_CONNECTOR;
	*state = r;
	return 0;
}

static inline int room_tear_down(void **state)
{
	struct room *r = *state;
	char path[160];
	for (size_t i = 0; i < r->made_n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->folder, r->made[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/playbooks", r->folder);
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(path, sizeof(path), "%s/connectors", r->folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(r->folder), 0);
	free(r);
	return 0;
}

static inline struct config *room_load_as(struct room *r, bool needs_secrets)
{
	char path[96];
	r->complaints = 0;
	r->first[0] = '\0';
	r->report = (struct config_report){ .say = hear, .self = r };
	room_write(r, "securitybot.yaml", r->settings);
	room_write(r, "playbooks/one.yaml", r->playbook);
	room_write(r, "connectors/pager.yaml", r->connector);
	(void)snprintf(path, sizeof(path), "%s/securitybot.yaml", r->folder);
	return config_load(path, needs_secrets, &r->report);
}

static inline struct config *room_load(struct room *r) { return room_load_as(r, true); }

/* text with the first `old` replaced; free() it. */
static inline char *spoil(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	if (!at)
		fail_msg("the good file does not hold \"%s\"", old);
	size_t n = strlen(text) + strlen(new) + 1;
	char *made = mem_new(n);
	(void)snprintf(made, n, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	return made;
}

/* A replacement in one of the good files, and what the first complaint says. */
struct spoiled {
	const char *old, *new, *says;
};

static inline void expect_complaints(struct room *r, const char **file, const struct spoiled *table,
				     size_t n)
{
	const char *good = *file;
	for (size_t i = 0; i < n; i++) {
		char *text = spoil(good, table[i].old, table[i].new);
		*file = text;
		struct config *c = room_load(r);
		if (c || !strstr(r->first, table[i].says))
			fail_msg("\"%s\" for \"%s\": wanted \"%s\", heard \"%s\"", table[i].new,
				 table[i].old, table[i].says, r->first);
		assert_int_equal(r->complaints, r->report.errors);
		free(text);
	}
	*file = good;
}
#endif
