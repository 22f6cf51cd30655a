/* test_view_messages: what people read, in every state of a case: who may see what, the words, the
 * limits of Block Kit, and what is sent when a template fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "check.h"
#include "lang/jq.h"
#include "view/view.h"

static struct config *config;
static struct gallery *gallery;
static const struct policy *policy;
static struct arena arena;

enum { HEARD_MAX = 8192 };

static void say(void *self, const char *line)
{
	char *heard = self;
	size_t n = strlen(heard);
	(void)snprintf(heard + n, HEARD_MAX - n, "%s\n", line);
}

static int open_all(void **state)
{
	static const char *const secrets[] = { "SLACK_APP_TOKEN", "SLACK_BOT_TOKEN",
					       "PAGERDUTY_ROUTING_KEY", "LAB_SOURCE_TOKEN",
					       "MAC_KEY" };
	static char heard[HEARD_MAX];
	struct config_report report = { .say = say, .self = heard };
	struct fail fail;
	(void)state;
	arena = ARENA((size_t)64 << 20);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		assert_int_equal(setenv(secrets[i], "0123456789abcdef0123456789abcdef", 1), 0);
	config = config_load("tests/lib/lab.yaml", false, &report);
	if (!config)
		fail_msg("%s", heard);
	policy = config_policy(config);
	gallery = gallery_open(NULL, &fail);
	if (!gallery)
		fail_msg("%s", fail.why);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	gallery_close(gallery);
	config_free(config);
	arena_clear(&arena);
	return 0;
}

/* --- looking --- */

static struct cJSON *render(const struct policy *p, const struct exhibit *e, enum out_kind kind,
			    struct fail *fail)
{
	struct outgoing row = { .key = arena_f(&arena, "outgoing %lld, alarm",
					       (long long)e->page_id),
				.kind = kind,
				.case_id = e->case_id,
				.inquiry_id = e->inquiry_id,
				.target = "",
				.channel = "",
				.ref = "" };
	struct cJSON *made = NULL;
	fail->rc = RC_OK;
	assert_int_equal(view_message(gallery_look(gallery), p, &row, GALLERY_NOW_MS, &made, fail),
			 RC_OK);
	return made;
}

/* All texts of a message, the notification first, one behind another. */
static void add_words(const struct cJSON *j, struct buf *out)
{
	for (const struct cJSON *m = json_first(j); m; m = json_next(m)) {
		if (json_is_string(m) && json_is_object(j) && strcmp(json_name(m), "text") == 0)
			buf_addf(out, "%s\n", json_text(m));
		add_words(m, out);
	}
}

static const char *words_of(const struct exhibit *e, enum out_kind kind)
{
	struct fail fail;
	CLEANUP(buf_free) struct buf out = BUF(1 << 16);
	CLEANUP(json_done) struct cJSON *made = render(policy, e, kind, &fail);
	if (fail.rc != RC_OK)
		fail_msg("%s: %s", e->name, fail.why);
	add_words(made, &out);
	return arena_str(&arena, buf_str(&out));
}

static const struct exhibit *the(const char *name)
{
	const struct exhibit *e;
	size_t n = gallery_exhibits(gallery, &e);
	for (; n; n--, e++)
		if (strncmp(e->name, name, strlen(name)) == 0)
			return e;
	fail_msg("no exhibit %s", name);
	return NULL;
}

/* --- the stories --- */

static void an_employees_document_holds_nothing_of_the_analysts(void **state)
{
	static const char *const never[] = {
		"homer.simpson@", "Simpson",     "U0HOMER01",    "users_not_found", "Revoke the",
		"invalid event",  "match: ouch", "\"source\":",  "\"playbook\":",   "\"title\":",
		"\"held\":",      "\"tried\":",  "\"subject\":", "\"error\":",      "\"response\":"
	};
	const struct exhibit *e;
	(void)state;
	for (size_t n = gallery_exhibits(gallery, &e); n; n--, e++) {
		struct view_of of = { READER_EMPLOYEE, e->case_id, GALLERY_NOW_MS };
		CLEANUP(json_done)
		struct cJSON *doc = view_document(gallery_look(gallery), policy, &of);
		const char *text = json_print_arena(doc, &arena);
		for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			if (strstr(text, never[i]))
				fail_msg("%s: %s in %s", e->name, never[i], text);
	}
	assert_int_equal(gallery_exhibits(gallery, &e), 480);
}

static void an_analysts_document_holds_no_buttons(void **state)
{
	const struct exhibit *e = the("no, P2, page failed");
	struct view_of of = { READER_ANALYST, e->case_id, GALLERY_NOW_MS };
	CLEANUP(json_done) struct cJSON *doc = view_document(gallery_look(gallery), policy, &of);
	(void)state;
	assert_null(json_get(doc, "inquiry.token"));
	assert_string_equal(json_text_at(doc, "inquiry.user"), "U0HOMER01");
	assert_string_equal(json_text_at(doc, "case.opened"), "15 Jan 07:00 UTC");
	assert_string_equal(json_text_at(json_first(json_get(doc, "pages")), "error"),
			    "HTTP 400 invalid event");
	of.case_id = 100000;
	assert_null(view_document(gallery_look(gallery), policy, &of));
}

#define YES    "\nYes, it was me\n"
#define NO     "\nNo, it wasn't me\n"
#define NOT_ME "\nThat wasn't me\n"
#define CALL   "The person on call was paged at"

static void the_employee_reads_what_is_so(void **state)
{
	static const struct {
		const char *name;
		const char *says[5], *says_not[5];
	} table[] = {
		{ "sending, P3, no page",
		  { "Hi Homer, a quick", "Did you open the Okta", YES, NO, "by 09:00. If we hear" },
		  { NOT_ME, CALL } },
		{ "asking, P3, no page",
		  { "A security question for you", YES, NO, "by 08:20",
		    "we wake the person on call" },
		  { NOT_ME, "Thank you" } },
		{ "asking, P5, page confirmed",
		  { YES, NO, "by 08:20. If we hear nothing by then, the security team looks" },
		  { "we wake" } },
		{ "yes, P3, no page",
		  { "Thank you. Your answer is recorded.", "You answered: Yes, it was me (07:59)",
		    "we can't prove", NOT_ME, "Case SB-" },
		  { YES, NO, "closed", "What we saw" } },
		{ "yes, P4, no page",
		  { "the case is closed on your word", NOT_ME,
		    "Your note: \nThat was my new laptop." },
		  { YES, NO, "we can't prove" } },
		{ "yes, P1, no page", { "goes to the person on call in any case" }, { "closed" } },
		{ "yes, long ago, P3, no page", { "You answered: Yes" }, { NOT_ME, YES, NO } },
		{ "no, P3, page waits",
		  { "Thank you. We are on it.", "You answered: No, it wasn't me (07:59)",
		    "We are paging the person on call now." },
		  { YES, NO, NOT_ME, CALL } },
		{ "no, P3, page late", { "has not confirmed it yet. We keep trying." }, { CALL } },
		{ "no, P3, page failing", { "We are alerting the security channel" }, { CALL } },
		{ "no, P3, page failed", { "security channel has been alerted" }, { CALL } },
		{ "no, P3, page confirmed", { CALL " 07:55" }, { "paging the person" } },
		{ "silent, P3, no page",
		  { "We did not hear from you", "We had no answer by 07:50.", YES, NO,
		    "You can still answer" },
		  { CALL, NOT_ME } },
		{ "silent, late yes, P3, no page",
		  { "Thank you. Your answer is recorded.", "Yes, it was me (07:59). It is recorded",
		    NOT_ME },
		  { YES, NO, "can still answer", "person on call" } },
		{ "unreachable, P3, no page",
		  { "could not be delivered in time", YES, NO, "You can still answer" },
		  { NOT_ME, "If we hear nothing" } },
		{ "unreachable, late yes, P3, no page",
		  { "Thank you. Your answer is recorded.", "Yes, it was me (07:59)", NOT_ME },
		  { YES, NO, "ten seconds" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *words = words_of(the(table[i].name), OUT_QUESTION);
		for (size_t k = 0; k < 5 && table[i].says[k]; k++)
			if (!strstr(words, table[i].says[k]))
				fail_msg("%s does not say \"%s\":\n%s", table[i].name,
					 table[i].says[k], words);
		for (size_t k = 0; k < 5 && table[i].says_not[k]; k++)
			if (strstr(words, table[i].says_not[k]))
				fail_msg("%s says \"%s\":\n%s", table[i].name, table[i].says_not[k],
					 words);
	}
}

static void the_analysts_read_what_is_so(void **state)
{
	static const struct {
		const char *name, *says[3];
	} table[] = {
		{ "nobody asked, P2, no page", { "On hold: match: ouch", "Nobody is asked" } },
		{ "nobody asked, P1, page confirmed",
		  { "Page (", "): confirmed 15 Jan 07:55 UTC" } },
		{ "looking, P3", { "Looking for homer.simpson@duff.example", "asking the owner" } },
		{ "sending, P3", { "Sending the question to Homer Simpson." } },
		{ "asking, P3, no page",
		  { "Asking Homer Simpson (sent 15 Jan 07:20 UTC, answer due 15 Jan 08:20 UTC)",
		    "Device: \nunnamed", "What to do: \nRevoke" } },
		{ "yes, P3, no page", { "answered Yes at 15 Jan 07:59 UTC: claimed, unproven" } },
		{ "yes, P4, no page",
		  { "Closed 15 Jan 08:00 UTC: benign, on the owner's unproven word", "P4: closed",
		    "Note from Homer Simpson: \nThat was my new laptop." } },
		{ "no, P3, page late",
		  { "P3: the owner says no", "answered No", "not confirmed yet" } },
		{ "no, P3, page failed", { "): FAILED, HTTP 400 invalid event" } },
		{ "silent, P3", { "P3: no answer", "did not answer by 15 Jan 07:50 UTC" } },
		{ "silent, late yes, P3", { "after the deadline: unproven, yours to decide" } },
		{ "no owner, P3",
		  { "Nobody could be asked. users.lookupByEmail: users_not_found" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *words = words_of(the(table[i].name), OUT_CARD);
		for (size_t k = 0; k < 3 && table[i].says[k]; k++)
			if (!strstr(words, table[i].says[k]))
				fail_msg("%s does not say \"%s\":\n%s", table[i].name,
					 table[i].says[k], words);
	}
}

static void an_alarm_is_shouted_until_the_page_is_confirmed(void **state)
{
	const char *loud = words_of(the("no, P3, page failed"), OUT_ALARM);
	const char *quiet = words_of(the("no, P3, page confirmed"), OUT_ALARM);
	const char *lost = words_of(the("no, P3, page lost"), OUT_QUESTION);
	(void)state;
	assert_non_null(strstr(lost, "woken nobody. The security channel has been alerted"));
	lost = words_of(the("no, P3, page losing"), OUT_QUESTION);
	assert_non_null(strstr(lost, "woken nobody. We are alerting the security channel"));
	assert_non_null(strstr(loud, "<!here> *Page NOT confirmed for SB-"));
	assert_non_null(strstr(loud, "HTTP 400 invalid event"));
	assert_non_null(strstr(quiet, "was confirmed after all, 15 Jan 07:55 UTC."));
	assert_null(strstr(quiet, "<!here>"));
}

/* docs.slack.dev/reference/block-kit: blocks 50, plain_text of a section 3,000, of a button 75, of
 * a context 2,000, value 2,000, elements of actions 25, of a context 10; a message's text 4,000. */
static void check_limits(const struct cJSON *j, const char *parent)
{
	const char *type = json_text(json_key(j, "type"));
	for (const struct cJSON *m = json_first(j); m; m = json_next(m)) {
		size_t n = utf8_points(str_z(json_text(m)));
		if (json_is_string(m) && json_is_object(j) && strcmp(type, "plain_text") == 0 &&
		    strcmp(json_name(m), "text") == 0)
			assert_in_range(n, 1,
					strcmp(parent, "button") == 0    ? 75
					: strcmp(parent, "context") == 0 ? 2000
									 : 3000);
		if (json_is_string(m) && strcmp(type, "text") == 0)
			assert_true(n >= 1);
		if (strcmp(type, "actions") == 0 && json_is_array(m))
			assert_in_range(json_count(m), 1, 25);
		if (strcmp(type, "context") == 0 && json_is_array(m))
			assert_in_range(json_count(m), 1, 10);
		check_limits(m, json_is_array(j) || !type[0] ? parent : type);
	}
}

static void every_message_is_within_slacks_limits(void **state)
{
	static const enum out_kind kinds[] = { OUT_QUESTION, OUT_CARD, OUT_ALARM };
	const struct exhibit *e;
	(void)state;
	for (size_t n = gallery_exhibits(gallery, &e); n; n--, e++)
		for (size_t i = 0; i < 3; i++) {
			struct fail fail;
			if ((kinds[i] == OUT_QUESTION && !e->has_person) ||
			    (kinds[i] == OUT_ALARM && !e->page_id))
				continue;
			CLEANUP(json_done)
			struct cJSON *made = render(policy, e, kinds[i], &fail);
			if (fail.rc != RC_OK)
				fail_msg("%s: %s", e->name, fail.why);
			assert_in_range(utf8_points(str_z(json_text_at(made, "text"))), 1, 4000);
			assert_in_range(json_count(json_get(made, "blocks")), 1, 50);
			check_limits(made, "");
		}
}

static void the_modal_fits_its_answer(void **state)
{
	struct look *l = gallery_look(gallery);
	CLEANUP(json_done)
	struct cJSON *no = view_modal(l, policy, the("no, P3")->inquiry_id, GALLERY_NOW_MS);
	CLEANUP(json_done)
	struct cJSON *yes = view_modal(l, policy, the("yes, P3")->inquiry_id, GALLERY_NOW_MS);
	CLEANUP(buf_free) struct buf says_no = BUF(1 << 14), says_yes = BUF(1 << 14);
	(void)state;
	add_words(no, &says_no);
	add_words(yes, &says_yes);
	assert_non_null(strstr(buf_z(&says_no), "Your No is recorded"));
	assert_non_null(strstr(buf_z(&says_yes), "Your Yes is recorded"));
	assert_in_range(strlen(json_text_at(no, "title.text")), 1, 24);
	assert_in_range(strlen(json_text_at(no, "submit.text")), 1, 24);
	assert_in_range(strlen(json_text_at(no, "close.text")), 1, 24);
	assert_string_not_equal(json_text_at(no, "private_metadata"),
				json_text_at(yes, "private_metadata"));
	assert_null(view_modal(l, policy, 100000, GALLERY_NOW_MS));
}

static void private_words_tell_the_time_the_person_knows(void **state)
{
	CLEANUP(json_done)
	struct cJSON *made =
		view_text(gallery_look(gallery), policy, "already_no", the("no, P3")->inquiry_id,
			  GALLERY_NOW_MS - 60000, GALLERY_NOW_MS);
	(void)state;
	assert_non_null(strstr(json_text_at(made, "text"), "No, it wasn't me, at 07:59."));
}

/* --- when a template fails --- */

static struct policy without_templates(void)
{
	struct policy p = *policy;
	p.template_names_n = 0;
	return p;
}

static void a_message_goes_even_if_its_template_fails(void **state)
{
	struct policy p = without_templates();
	const struct exhibit *e = the("no, P3, page failed");
	struct fail fail;
	CLEANUP(json_done) struct cJSON *question = render(&p, e, OUT_QUESTION, &fail);
	assert_int_equal(fail.rc, RC_ABSENT);
	CLEANUP(json_done) struct cJSON *alarm = render(&p, e, OUT_ALARM, &fail);
	const struct outgoing *row = look_outgoing(gallery_look(gallery), e->page_id);
	CLEANUP(json_done)
	struct cJSON *page = view_page(gallery_look(gallery), &p, row, GALLERY_NOW_MS);
	(void)state;
	CLEANUP(buf_free) struct buf says = BUF(1 << 14);
	add_words(question, &says);
	assert_non_null(strstr(buf_z(&says), "a question from security"));
	assert_non_null(strstr(json_text_at(alarm, "text"), "<!here> SB-"));
	assert_non_null(strstr(json_text_at(page, "key"), "securitybot-"));
	assert_non_null(strstr(json_text_at(page, "summary"), "SB-"));
	assert_string_equal(json_text_at(page, "source"), "SecurityBot");
}

/* --- the pager --- */

static const char *page_key(const struct policy *p, const char *row_key, int64_t now_ms)
{
	const struct exhibit *e = the("no, P3, page waits");
	struct outgoing row = *look_outgoing(gallery_look(gallery), e->page_id);
	row.key = row_key;
	CLEANUP(json_done) struct cJSON *page = view_page(gallery_look(gallery), p, &row, now_ms);
	return arena_z(&arena, json_text_at(page, "key"));
}

static void one_reason_to_wake_somebody_has_one_key(void **state)
{
	struct policy other = *policy;
	other.mac_key = secret_from(STR("another installation's key, 32 bytes"));
	const char *key = page_key(policy, "case 1, page, answered-no", GALLERY_NOW_MS);
	(void)state;
	assert_string_equal(key, page_key(policy, "case 1, page, answered-no", GALLERY_NOW_MS + 1));
	assert_string_not_equal(key, page_key(policy, "case 1, page, silence", GALLERY_NOW_MS));
	assert_string_not_equal(key, page_key(policy, "case 2, page, answered-no", GALLERY_NOW_MS));
	assert_string_not_equal(key, page_key(&other, "case 1, page, answered-no", GALLERY_NOW_MS));
	assert_in_range(strlen(key), 40, 64);
}

static void the_on_call_reads_all_there_is(void **state)
{
	const struct exhibit *e = the("no, P2, page waits");
	const struct outgoing *row = look_outgoing(gallery_look(gallery), e->page_id);
	CLEANUP(json_done)
	struct cJSON *page = view_page(gallery_look(gallery), policy, row, GALLERY_NOW_MS);
	(void)state;
	assert_string_equal(json_text_at(page, "severity"), "high");
	assert_string_equal(json_text_at(page, "source"), "homer.simpson@duff.example");
	assert_string_equal(json_text_at(page, "details.reason"), row->target);
	assert_string_equal(json_text_at(page, "details.Device"), "unnamed");
	assert_non_null(
		strstr(json_text_at(page, "details.answer"), "no (unproven, by Slack button)"));
	assert_string_equal(json_text_at(page, "details.note"), "That was my new laptop.");
	assert_non_null(strstr(json_text_at(page, "details.response"), "Revoke"));
	assert_non_null(strstr(json_text_at(page, "summary"), "P2: Okta admin console"));
}

/* --- the check of the templates itself --- */

static const char *complaint_about(const char *name, const char *program)
{
	struct jq_source at[16], defs = { "defs", STR("def none: null;"), "defs.jq", 1, true };
	struct jq_set *set = NULL;
	struct policy p = *policy;
	struct fail fail;
	char *heard = arena_alloc(&arena, HEARD_MAX);
	struct config_report report = { .say = say, .self = heard };
	size_t run = 0;
	for (size_t i = 0; i < p.template_names_n; i++) {
		bool is_it = strcmp(p.template_names[i], name) == 0;
		at[i] = (struct jq_source){ name,
					    str_z(is_it ? program : "{blocks: [], details: {}}"),
					    "x.jq", 1, true };
	}
	if (jq_set_new(at, p.template_names_n, &defs, &set, &fail) != RC_OK)
		fail_msg("%s", fail.why);
	p.templates = set;
	(void)check_templates(&p, &report, &run);
	jq_set_free(set);
	return heard;
}

#define SECTION(object) "{text: \"x\", blocks: [{type: \"section\", text: " object "}]}"
#define MARKUP(text)    SECTION("{type: \"mrkdwn\", verbatim: true, text: " text "}")
#define PLAIN(text)     SECTION("{type: \"plain_text\", emoji: false, text: " text "}")

static void outside_words_in_markup_are_refused(void **state)
{
	static const struct {
		const char *template, *program, *says;
	} table[] = {
		{ "card", "{text: .case.title, blocks: [{type: \"divider\"}]}",
		  "templates/card.jq: words from outside" },
		{ "card", MARKUP(".case.summary"), "templates/card.jq: words from outside" },
		{ "question", MARKUP(".facts[0].v"), "templates/question.jq: words from outside" },
		{ "card", PLAIN("\"{nobody}\""),
		  "templates/card.jq: a {name} that no value fills in: {nobody}" },
		{ "alarm", "error(\"ouch\")", "templates/alarm.jq: x.jq:1: alarm: ouch" },
		{ "page", "error(\"ouch\")", "templates/page.jq: it fails, and a plainer page" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *heard = complaint_about(table[i].template, table[i].program);
		if (!strstr(heard, table[i].says))
			fail_msg("wanted \"%s\", heard \"%s\"", table[i].says, heard);
	}
}

static void outside_words_in_plain_text_are_fine(void **state)
{
	(void)state;
	const char *heard = complaint_about("card", PLAIN(".case.title"));
	assert_null(strstr(heard, "card.jq"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_employees_document_holds_nothing_of_the_analysts),
		cmocka_unit_test(an_analysts_document_holds_no_buttons),
		cmocka_unit_test(the_employee_reads_what_is_so),
		cmocka_unit_test(the_analysts_read_what_is_so),
		cmocka_unit_test(an_alarm_is_shouted_until_the_page_is_confirmed),
		cmocka_unit_test(every_message_is_within_slacks_limits),
		cmocka_unit_test(the_modal_fits_its_answer),
		cmocka_unit_test(private_words_tell_the_time_the_person_knows),
		cmocka_unit_test(a_message_goes_even_if_its_template_fails),
		cmocka_unit_test(one_reason_to_wake_somebody_has_one_key),
		cmocka_unit_test(the_on_call_reads_all_there_is),
		cmocka_unit_test(outside_words_in_markup_are_refused),
		cmocka_unit_test(outside_words_in_plain_text_are_fine),
	};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
