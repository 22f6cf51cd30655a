/* Alerts: stored before anybody looks at them, matched, evaluated into a plan, held when that
 * fails; and whom an alert means. */
#include "handlers_world.h"

static const struct change *audit_of(const struct world *w, const char *action)
{
	for (const struct change *c = w->last.first; c; c = c->next)
		if (c->kind == CHANGE_AUDIT && strcmp(c->as.audit.action, action) == 0)
			return c;
	fail_msg("no audit row %s", action);
	return NULL;
}

static void an_alert_is_stored_before_it_is_understood(void **state)
{
	struct world *w = *state;
	struct reply r = alert_in(w, "okta", "{\"type\":\"login\"}");
	assert_int_equal(r.kind, REPLY_HTTP);
	assert_int_equal(r.status, 202);
	assert_int_equal(r.alert_id, 1);
	assert_int_equal(the_alert(w, 1)->state, ALERT_RECEIVED);
	assert_string_equal(the_alert(w, 1)->body, "{\"type\":\"login\"}");
	assert_string_equal(audit_of(w, "alert.received")->as.audit.actor, "source:okta");
	assert_null(the_case(w, 1));
}

static void the_same_body_again_is_counted(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"who\":\"ana\"}");
	pass(w, MINUTE_MS);
	struct reply r = alert_in(w, "okta", "{\"type\":\"login\",\"who\":\"ana\"}");
	due(w);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.alert_id, 1);
	assert_int_equal(the_alert(w, 1)->seen, 2);
	assert_int_equal(the_alert(w, 1)->last_ms, T0 + MINUTE_MS);
	assert_int_equal(the_alert(w, 1)->first_ms, T0);
	assert_int_equal(the_alert(w, 1)->state, ALERT_MAPPED);
	assert_string_not_equal(the_alert(w, 1)->body, "");
	assert_null(the_case(w, 2));
	/* another source may say the same: that is another alert */
	assert_int_equal(alert_in(w, "edr", "{\"type\":\"login\",\"who\":\"ana\"}").status, 202);
}

static void without_a_playbook_it_is_shown_and_nobody_is_asked(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"unheard of\"}");
	assert_int_equal(the_alert(w, 1)->state, ALERT_UNMAPPED);
	assert_int_equal(the_alert(w, 1)->case_id, 1);
	const struct casefile *k = the_case(w, 1);
	assert_int_equal(k->priority, 4);
	assert_string_equal(k->playbook, "");
	assert_string_equal(k->held, "");
	assert_non_null(strstr(k->plan, "\"title\":\"Alert without a playbook from okta\""));
	assert_non_null(out(w, "case 1, card"));
	assert_null(inquiry_of(w, 1));
	assert_false(paged(w, 1, "opened"));
	/* a source no playbook names is no error either */
	alert_in(w, "edr", "{\"type\":\"login\"}");
	due(w);
	assert_int_equal(the_alert(w, 2)->state, ALERT_UNMAPPED);
}

static void a_match_opens_a_case_with_its_plan(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"id\":\"a1\",\"who\":\" ana@duff.example "
		     "\",\"at\":1764060000.5,"
		     "\"summary\":\"A login\",\"facts\":[{\"k\":\"Where\",\"v\":\"Springfield\"},"
		     "{\"k\":\"Port\",\"v\":22},{\"k\":\"Gone\",\"v\":null},{\"k\":\"Mfa\",\"v\":"
		     "false}]}");
	const struct casefile *k = the_case(w, 1);
	assert_int_equal(the_alert(w, 1)->state, ALERT_MAPPED);
	assert_int_equal(the_alert(w, 1)->case_id, 1);
	assert_string_equal(the_alert(w, 1)->key, "a1");
	assert_int_equal(k->state, CASE_OPEN);
	assert_int_equal(k->priority, 3);
	assert_int_equal(k->alerts, 1);
	assert_int_equal(k->opened_ms, T0);
	assert_string_equal(k->playbook, "login");
	assert_string_equal(k->source, "okta");
	assert_string_equal(k->subject, "ana@duff.example");
	assert_string_equal(
		k->plan,
		"{\"title\":\"Somebody logged in\",\"summary\":\"A login\",\"facts\":[{\"k\":"
		"\"Where\",\"v\":\"Springfield\"},{\"k\":\"Port\",\"v\":\"22\"},{\"k\":\"Mfa\","
		"\"v\":"
		"\"false\"}],\"question\":\"Was it "
		"you?\",\"wait_ms\":1800000,\"at_ms\":1764060000500,"
		"\"response\":\"Lock the account\",\"playbook\":\"login\",\"goal\":\"See thieves\","
		"\"attack\":[\"T1078.004\"],\"on\":{\"yes\":[\"close\"],\"no\":[\"page\"],"
		"\"silence\":"
		"[\"page\"],\"undeliverable\":[\"page\"]}}");
	assert_int_equal(out(w, "case 1, card")->rank, RANK_CARD);
	assert_string_equal(out(w, "case 1, card")->gate, "slack:" CHANNEL);
	assert_string_equal(out(w, "case 1, card")->channel, CHANNEL);
	const struct outgoing *lookup = out(w, "case 1, lookup, ana@duff.example");
	assert_int_equal(lookup->kind, OUT_LOOKUP_EMAIL);
	assert_string_equal(lookup->gate, "slack:users.lookupByEmail");
	assert_int_equal(lookup->rank, RANK_PERSON);
	assert_int_equal(lookup->inquiry_id, 1);
	assert_false(paged(w, 1, "opened"));
}

/* A changed playbook cannot change a running case: the answer reads the plan. */
static void a_running_case_keeps_its_plan(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	playbooks[0].on[ANSWER_YES] = SETS_OFF_PAGE;
	click(w, CLICK_YES);
	playbooks[0].on[ANSWER_YES] = SETS_OFF_CLOSE;
	assert_int_equal(the_case(w, 1)->state, CASE_CLOSED);
	assert_false(paged(w, 1, "answered-yes"));
}

static void high_priorities_page_before_anybody_is_asked(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"p\":\"P2\",\"who\":\"ana@duff.example\"}");
	const struct outgoing *page = out(w, "case 1, page, opened");
	assert_int_equal(page->kind, OUT_PAGE);
	assert_int_equal(page->rank, RANK_PAGE);
	assert_string_equal(page->gate, "pagerduty");
	assert_string_equal(page->target, "opened");
	assert_int_equal(page->due_ms, T0);
	assert_int_equal(page->deadline_ms, T0 + 5 * MINUTE_MS);
	assert_int_equal(inquiry_of(w, 1)->state, INQUIRY_OPEN);
	alert_due(w, "{\"type\":\"note\",\"p\":\"P1\",\"who\":\"ana\"}");
	assert_true(paged(w, 2, "opened"));
	assert_null(inquiry_of(w, 2)); /* this playbook does not ask */
}

/* E20: the same rule for two people is two questions. */
static void two_people_are_both_asked(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"id\":\"a1\",\"who\":\"ana@duff.example\"}");
	begin(w);
	keep(w, handle_alert_due(&w->act, 1)); /* once */
	assert_int_equal(changes(w), 0);
	alert_due(w, "{\"type\":\"login\",\"id\":\"a2\",\"who\":\"bob@duff.example\"}");
	assert_int_equal(inquiry_of(w, 1)->state, INQUIRY_OPEN);
	assert_int_equal(inquiry_of(w, 2)->state, INQUIRY_OPEN);
}

static void the_same_key_is_folded_into_its_case(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"id\":\"a1\",\"who\":\"ana@duff.example\"}");
	int64_t wanted = out(w, "case 1, card")->wanted;
	pass(w, MINUTE_MS);
	alert_due(w, "{\"type\":\"login\",\"id\":\"a1\",\"who\":\"ana@duff.example\",\"n\":2}");
	assert_int_equal(the_alert(w, 2)->state, ALERT_DUPLICATE);
	assert_int_equal(the_alert(w, 2)->case_id, 1);
	assert_int_equal(the_alert(w, 1)->seen, 2);
	assert_int_equal(the_alert(w, 1)->last_ms, T0 + MINUTE_MS);
	assert_non_null(strstr(the_alert(w, 1)->body, "\"n\":2"));
	assert_int_equal(the_case(w, 1)->alerts, 2);
	assert_int_equal(out(w, "case 1, card")->wanted, wanted + 1);
	assert_null(the_case(w, 2));
	assert_null(the_inquiry(w, 2));
}

/* E19: nothing but a key of its own makes an alert a duplicate. */
static void no_key_matches_nothing(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"id\":null,\"n\":1}");
	alert_due(w, "{\"type\":\"login\",\"id\":\"\",\"n\":2}");
	alert_due(w, "{\"type\":\"login\",\"n\":3}");
	assert_non_null(the_case(w, 3));
	alert_due(w, "{\"type\":\"login\",\"id\":17,\"n\":4}");
	alert_due(w, "{\"type\":\"login\",\"id\":17,\"n\":5}");
	assert_int_equal(the_alert(w, 5)->state, ALERT_DUPLICATE);
	assert_int_equal(the_alert(w, 5)->case_id, 4);
}

static void long_keys_that_differ_late_stay_apart(void **state)
{
	struct world *w = *state;
	char key[401];
	memset(key, 'k', 400);
	key[400] = '\0';
	alert_due(w, arena_f(&w->arena, "{\"type\":\"login\",\"id\":\"%s1\"}", key));
	alert_due(w, arena_f(&w->arena, "{\"type\":\"login\",\"id\":\"%s2\"}", key));
	assert_int_equal(the_alert(w, 2)->state, ALERT_MAPPED);
	assert_int_equal(utf8_points(str_z(the_alert(w, 2)->key)), 300);
	alert_due(w, arena_f(&w->arena, "{\"type\":\"login\",\"id\":\"%s2\",\"n\":3}", key));
	assert_int_equal(the_alert(w, 3)->state, ALERT_DUPLICATE);
}

static void a_known_benign_rule_ends_it_until_it_expires(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"id\":\"a1\",\"office\":true,\"p\":\"P1\"}");
	assert_int_equal(the_alert(w, 1)->state, ALERT_BENIGN);
	assert_non_null(
		strstr(audit_of(w, "alert.benign")->as.audit.detail, "the office in Springfield"));
	assert_null(the_case(w, 1));
	pass(w, 30 * DAY_MS);
	alert_due(w, "{\"type\":\"login\",\"id\":\"a1\",\"office\":true,\"p\":\"P1\",\"n\":2}");
	assert_int_equal(the_alert(w, 2)->state, ALERT_MAPPED); /* and no duplicate of the first */
	assert_true(paged(w, 1, "opened"));
}

/* Doubt goes towards a human. */
static void an_alert_that_cannot_be_evaluated_is_held(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"type\":\"touchy\"}", "playbook touchy: test.yaml:6: match: ouch" },
		{ "{\"type\":\"login\",\"summary\":7}", "alert.summary: wanted a string" },
		{ "{\"type\":\"login\",\"id\":[1]}", "alert.key: wanted a string" },
		{ "{\"type\":\"login\",\"id\":true}", "alert.key: wanted a string" },
		{ "{\"type\":\"login\",\"who\":{\"a\":1}}", "alert.subject: wanted a string" },
		{ "{\"type\":\"login\",\"at\":\"today\"}", "alert.at: wanted seconds" },
		{ "{\"type\":\"login\",\"at\":-1}", "alert.at: wanted seconds" },
		{ "{\"type\":\"login\",\"at\":1e15}", "alert.at: wanted seconds" },
		{ "{\"type\":\"login\",\"p\":\"P6\"}", "alert.priority: wanted" },
		{ "{\"type\":\"login\",\"p\":3}", "alert.priority: wanted" },
		{ "{\"type\":\"login\",\"p\":\"P3x\"}", "alert.priority: wanted" },
		{ "{\"type\":\"login\",\"facts\":\"x\"}", "alert.facts: wanted an array" },
		{ "{\"type\":\"login\",\"facts\":[1]}", "alert.facts: wanted objects" },
		{ "{\"type\":\"login\",\"facts\":[{\"k\":\"\",\"v\":\"x\"}]}",
		  "alert.facts: wanted objects" },
		{ "{\"type\":\"login\",\"facts\":[{\"k\":\"K\",\"v\":[]}]}",
		  "alert.facts: wanted v" },
		{ "{\"type\":\"login\",\"question\":\"\"}", "ask.question: wanted a question" },
		{ "{\"type\":\"login\",\"question\":null}", "ask.question: wanted a question" },
		{ "{\"type\":\"login\",\"office\":1}", "known_benign.when: wanted true or false" },
		{ "[1,2]", "playbook login" },
		{ "{\"type\":", "the alert's body: " },
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t id = (int64_t)i + 1;
		alert_due(w, bad[i][0]);
		assert_int_equal(the_alert(w, id)->state, ALERT_HELD);
		assert_int_equal(the_alert(w, id)->case_id, id);
		const struct casefile *k = the_case(w, id);
		assert_int_equal(k->priority, 2);
		if (!strstr(k->held, bad[i][1]))
			fail_msg("%s: held with: %s", bad[i][0], k->held);
		if (i < 1 || i > 17)
			continue;
		assert_non_null(strstr(k->held, "playbook login"));
		assert_non_null(strstr(k->plan, "An alert could not be handled"));
		assert_true(paged(w, id, "held"));
		assert_non_null(out(w, arena_f(&w->arena, "case %lld, card", (long long)id)));
	}
}

static void texts_are_cut_by_code_point(void **state)
{
	struct world *w = *state;
	char long_text[2 * 700 + 1], *facts;
	for (size_t i = 0; i < 700; i++)
		memcpy(long_text + 2 * i, "é", 2);
	long_text[1400] = '\0';
	facts = (char *)(uintptr_t)arena_f(
		&w->arena,
		"[{\"k\":\"%.300s\",\"v\":\"%s\"},{\"k\":\"2\",\"v\":\"2\"},"
		"{\"k\":\"3\",\"v\":\"3\"},{\"k\":\"4\",\"v\":\"4\"},"
		"{\"k\":\"5\",\"v\":\"5\"},{\"k\":\"6\",\"v\":\"6\"}]",
		long_text, long_text);
	alert_due(
		w,
		arena_f(&w->arena,
			"{\"type\":\"login\",\"summary\":\"%s\",\"question\":\"%s\",\"who\":\"%s\","
			"\"facts\":%s}",
			long_text, long_text, long_text, facts));
	struct fail fail;
	CLEANUP(json_done) struct cJSON *plan = json_parse(str_z(the_case(w, 1)->plan), &fail);
	assert_int_equal(utf8_points(str_z(json_text_at(plan, "summary"))), 300);
	assert_int_equal(utf8_points(str_z(json_text_at(plan, "question"))), 300);
	assert_int_equal(utf8_points(str_z(the_case(w, 1)->subject)), 320);
	const struct cJSON *list = json_get(plan, "facts");
	assert_int_equal(json_count(list), 5);
	assert_int_equal(utf8_points(str_z(json_text_at(json_at(list, 0), "k"))), 60);
	assert_int_equal(utf8_points(str_z(json_text_at(json_at(list, 0), "v"))), 500);
	assert_string_equal(json_text_at(json_at(list, 4), "k"), "5");
}

/* The card says so where the alert says more than it shows; nothing is cut without that. */
static void what_is_not_all_says_so(void **state)
{
	static const struct {
		const char *before, *brick, *after;
		size_t bricks;
		bool is_cut;
	} table[] = {
		{ "\"summary\":\"", "x", "\"", 300, false },
		{ "\"summary\":\"", "x", "\"", 301, true },
		{ "\"question\":\"", "x", "\"", 301, true },
		{ "\"facts\":[{\"k\":\"a\",\"v\":\"", "x", "\"}]", 500, false },
		{ "\"facts\":[{\"k\":\"a\",\"v\":\"", "x", "\"}]", 501, true },
		{ "\"facts\":[{\"v\":\"a\",\"k\":\"", "x", "\"}]", 61, true },
		{ "\"facts\":[", "{\"k\":\"a\",\"v\":\"b\"},", "{\"k\":\"a\",\"v\":\"b\"}]", 4,
		  false },
		{ "\"facts\":[", "{\"k\":\"a\",\"v\":\"b\"},", "{\"k\":\"a\",\"v\":\"b\"}]", 5,
		  true },
		/* jq never saw what stands behind 4 KiB of nothing */
		{ "\"summary\":\"", "\xe2\x80\x8b", "nc -e\"", 1400, true },
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf b = BUF(1 << 16);
		buf_addf(&b, "{\"type\":\"login\",\"n\":%zu,%s", i, table[i].before);
		for (size_t n = 0; n < table[i].bricks; n++)
			buf_addz(&b, table[i].brick);
		buf_addf(&b, "%s}", table[i].after);
		alert_due(w, buf_z(&b));
		if ((strstr(the_case(w, (long)i + 1)->plan, "\"cut\":true") != NULL) !=
		    table[i].is_cut)
			fail_msg("%zu: %s", i, the_case(w, (long)i + 1)->plan);
		buf_free(&b);
	}
}

/* --- whom it means -----------------------------------------------------------------------------
 */

static void a_subject_is_an_address_an_id_or_a_known_name(void **state)
{
	static const struct {
		const char *who, *key, *tried;
	} table[] = {
		{ "\"ana@duff.example\"", "lookup, ana@duff.example", NULL },
		{ "\"U0ANA1\"", "lookup, U0ANA1", NULL },
		{ "\"WABCDEF\"", "lookup, WABCDEF", NULL },
		{ "\"U0AN\"", "lookup, U0AN@duff.example", NULL },
		{ "\"ana\"", "lookup, ana@duff.example", NULL },
		{ "\"bob\"", "lookup, U0BOB1", NULL },
		{ "\"homer.simpson\"", "lookup, homer.simpson@duff.example", NULL },
		{ "\"tom\"", NULL, "\"tom\" stands under people: 2 times." },
		{ "\"Homer Simpson\"", NULL, "no address" },
		{ "\"<!channel>\"", NULL, "no address" },
		{ "null", NULL, "The alert names nobody." },
		{ "\" \"", NULL, "The alert names nobody." },
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		long long id = (long long)i + 1;
		alert_due(w, arena_f(&w->arena, "{\"type\":\"login\",\"who\":%s,\"n\":%lld}",
				     table[i].who, id));
		const struct inquiry *q = inquiry_of(w, id);
		if (table[i].key) {
			assert_int_equal(q->state, INQUIRY_OPEN);
			assert_string_equal(q->person, "");
			const struct outgoing *row =
				out(w, arena_f(&w->arena, "case %lld, %s", id, table[i].key));
			if (!row) {
				fail_msg("no row: %s", table[i].key);
				return;
			}
			assert_int_equal(row->kind, strchr(row->target, '@') ? OUT_LOOKUP_EMAIL
									     : OUT_LOOKUP_USER);
			assert_false(paged(w, id, "owner-unknown"));
		} else {
			assert_int_equal(q->state, INQUIRY_UNREACHABLE);
			assert_true(q->due_ms == NEVER_MS);
			if (!strstr(q->tried, table[i].tried))
				fail_msg("tried: %s", q->tried);
			assert_true(paged(w, id, "owner-unknown"));
		}
	}
}

static void without_a_domain_an_unknown_name_is_nobody(void **state)
{
	struct world *w = *state;
	struct policy lonely = world_policy;
	lonely.people_domain = "";
	w->act.policy = &lonely;
	alert_due(w, "{\"type\":\"login\",\"who\":\"homer\"}");
	assert_int_equal(inquiry_of(w, 1)->state, INQUIRY_UNREACHABLE);
	assert_non_null(strstr(inquiry_of(w, 1)->tried, "no people.domain"));
}

/* The second alert about Ana asks at once; a day later Slack's directory is asked again. */
static void a_person_is_remembered_for_a_day(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	assert_string_equal(the_inquiry(w, 1)->person, ANA);
	assert_string_equal(the_person(w, ANA)->dm, ANA_DM);
	pass(w, DAY_MS - 1);
	alert_due(w, "{\"type\":\"login\",\"who\":\"ANA@duff.example\",\"n\":2}");
	assert_string_equal(the_inquiry(w, 2)->person, ANA);
	const struct outgoing *row = out(w, "inquiry 2, question");
	assert_string_equal(row->channel, ANA_DM);
	assert_string_equal(row->gate, "slack:" ANA_DM);
	assert_int_equal(row->rank, RANK_PERSON);
	assert_int_equal(row->inquiry_id, 2);
	alert_due(w, "{\"type\":\"login\",\"who\":\"" ANA "1\",\"n\":3}");
	assert_null(out(w, "inquiry 3, question")); /* somebody else's id */
	pass(w, 1);
	alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\",\"n\":4}");
	assert_string_equal(the_inquiry(w, 4)->person, "");
	/* found again: the direct message is open already */
	found(w, "case 4, lookup, ana@duff.example", ana());
	assert_string_equal(the_person(w, ANA)->dm, ANA_DM);
	assert_int_equal(the_person(w, ANA)->fetched_ms, T0 + DAY_MS);
	assert_non_null(out(w, "inquiry 4, question"));
	assert_null(out(w, "case 4, open dm, " ANA));
}

static void bots_guests_and_leavers_are_nobody(void **state)
{
	static const char *const whys[] = { "a bot", "a deactivated account", "a guest" };
	for (size_t i = 0; i < 3; i++) {
		struct world *w = *state;
		struct person p = ana();
		p.is_bot = i == 0;
		p.is_deleted = i == 1;
		p.is_guest = i == 2;
		alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\"}");
		found(w, "case 1, lookup, ana@duff.example", p);
		assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_UNREACHABLE);
		assert_non_null(strstr(the_inquiry(w, 1)->tried, whys[i]));
		assert_string_equal(the_inquiry(w, 1)->person, "");
		assert_true(paged(w, 1, "owner-unknown"));
		assert_null(out(w, "case 1, open dm, " ANA));
		/* from the cache, the next time; but whoever left may have a successor */
		alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\",\"n\":2}");
		assert_int_equal(the_inquiry(w, 2)->state,
				 p.is_deleted ? INQUIRY_OPEN : INQUIRY_UNREACHABLE);
		world_down(state);
		world_up(state);
	}
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_alert_is_stored_before_it_is_understood),
		STORY(the_same_body_again_is_counted),
		STORY(without_a_playbook_it_is_shown_and_nobody_is_asked),
		STORY(a_match_opens_a_case_with_its_plan),
		STORY(a_running_case_keeps_its_plan),
		STORY(high_priorities_page_before_anybody_is_asked),
		STORY(two_people_are_both_asked),
		STORY(the_same_key_is_folded_into_its_case),
		STORY(no_key_matches_nothing),
		STORY(long_keys_that_differ_late_stay_apart),
		STORY(a_known_benign_rule_ends_it_until_it_expires),
		STORY(an_alert_that_cannot_be_evaluated_is_held),
		STORY(texts_are_cut_by_code_point),
		STORY(what_is_not_all_says_so),
		STORY(a_subject_is_an_address_an_id_or_a_known_name),
		STORY(without_a_domain_an_unknown_name_is_nobody),
		STORY(a_person_is_remembered_for_a_day),
		STORY(bots_guests_and_leavers_are_nobody),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
