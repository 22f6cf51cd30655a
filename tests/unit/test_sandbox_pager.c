/* The sandbox's pager (PagerDuty Events v2), and that the whole model repeats itself byte for byte.
 */
#include "test_sandbox_help.h"

static int page(struct lab *l, const char *body)
{
	struct world_request rq = { STR("POST"), STR("/pagerduty/v2/enqueue"), STR(""),
				    STR(""),     STR("application/json"),      str_z(body) };
	http(l, &rq);
	return l->last.status;
}

#define EVENT(action, rest) "{\"routing_key\":\"" KEY "\",\"event_action\":\"" action "\"" rest "}"
#define TRIGGER(summary, severity, key)                                                            \
	EVENT("trigger", ",\"dedup_key\":\"" key "\",\"payload\":{\"summary\":\"" summary          \
			 "\",\"source\":\"securitybot\",\"severity\":\"" severity "\"}")

static void events_are_judged(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *body;
		int status;
		const char *error;
	} rows[] = {
		{ TRIGGER("Alice said no", "critical", "k"), 202, "" },
		{ EVENT("trigger", ",\"payload\":{\"summary\":\"a\",\"source\":\"b\",\"severity\":\"info\"}"), 202, "" },
		{ EVENT("resolve", ",\"dedup_key\":\"never seen\""), 202, "" },
		{ TRIGGER("a", "high", "k"), 400, "'severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')" },
		{ EVENT("trigger", ""), 400, "'payload' is missing or blank" },
		{ EVENT("trigger", ",\"payload\":{\"source\":\"b\",\"severity\":\"info\"}"), 400, "'summary' is missing or blank" },
		{ EVENT("trigger", ",\"payload\":{\"summary\":\"a\",\"severity\":\"info\"}"), 400, "'source' is missing or blank" },
		{ EVENT("resolve", ""), 400, "'dedup_key' is missing or blank" },
		{ EVENT("explode", ""), 400, "'event_action' is missing or invalid" },
		{ "{\"routing_key\":\"R0WRONG\",\"event_action\":\"resolve\",\"dedup_key\":\"k\"}", 400, "Invalid routing key" },
		{ "{", 400, "JSON parse error" },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l = lab_new(false);
		assert_int_equal(page(&l, rows[i].body), rows[i].status);
		assert_string_equal(json_text(json_at(json_get(l.json, "errors"), 0)),
				    rows[i].error);
		assert_string_equal(json_text_at(l.json, "status"),
				    rows[i].status == 202 ? "success" : "invalid event");
		assert_int_equal(refusals_all(&l), rows[i].status == 400);
		lab_free(&l);
	}
}

static void a_long_summary_loses_the_page(void **state)
{
	struct lab l = lab_new(false);
	char body[1500];
	(void)state;
	for (int n = 1024; n <= 1025; n++) {
		(void)snprintf(body, sizeof body,
			       EVENT("trigger", ",\"dedup_key\":\"k\",\"payload\":{\"summary\":\"%*"
						"s\",\"source\":\"b\",\"severity\":"
						"\"error\"}"),
			       n, "x");
		assert_int_equal(page(&l, body), n == 1024 ? 202 : 400);
	}
	assert_string_equal(json_text(json_at(json_get(l.json, "errors"), 0)),
			    "'summary' is too long (maiximum is 1024 characters)");
	lab_free(&l);
}

static void assert_incident(struct lab *l, size_t at, const char *status, int triggers,
			    int notified)
{
	struct cJSON *st = verb(l, "state", "{}");
	const struct cJSON *i = json_at(json_get(st, "incidents"), at);
	assert_string_equal(json_text_at(i, "status"), status);
	assert_int_equal((int)json_number(json_get(i, "triggers")), triggers);
	assert_int_equal((int)json_number(json_get(i, "notified")), notified);
	json_free(st);
}

static void one_key_is_one_incident_until_it_is_resolved(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	page(&l, TRIGGER("first", "error", "case/1"));
	page(&l, TRIGGER("worse", "critical", "case/1"));
	assert_incident(&l, 0, "triggered", 2, 1);
	page(&l, EVENT("acknowledge", ",\"dedup_key\":\"case/1\""));
	page(&l, TRIGGER("again", "critical", "case/1"));
	assert_incident(&l, 0, "acknowledged", 3, 1);
	verb_ok(&l, "pager", "{\"key\":\"case/1\",\"do\":\"resolve\"}");
	page(&l, TRIGGER("anew", "critical", "case/1"));
	assert_incident(&l, 0, "resolved", 3, 1);
	assert_incident(&l, 1, "triggered", 1, 1);
	verb_refused(&l, "pager", "{\"key\":\"case/2\",\"do\":\"resolve\"}");
	struct cJSON *ledger = verb(&l, "ledger", "{}");
	const struct cJSON *calls = json_get(ledger, "calls");
	assert_false(json_true(json_get(json_at(calls, 0), "dup")));
	assert_true(json_true(json_get(json_at(calls, 1), "dup")));
	assert_string_equal(json_text_at(json_at(calls, 1), "marker"), "case/1");
	json_free(ledger);
	lab_free(&l);
}

static int incidents_of(struct lab *l, const char *path, const char *token, const char *query)
{
	struct world_request rq = { STR("GET"),   str_z(path), str_z(query),
				    str_z(token), STR(""),     STR("") };
	http(l, &rq);
	return l->last.status;
}

/* The REST API: an account's own incidents, by key, also resolved ones; nothing without its key. */
static void incidents_are_listed_by_their_key(void **state)
{
	static const char ours[] = "/pagerduty/rest/incidents",
			  good[] = "Token token=u+SANDBOX-rest-key";
	struct lab l = lab_new(false);
	(void)state;
	page(&l, TRIGGER("first", "error", "case/1"));
	assert_int_equal(incidents_of(&l, ours, good, "incident_key=case%2F1&limit=1"), 200);
	const struct cJSON *one = json_at(json_get(l.json, "incidents"), 0);
	assert_string_equal(json_text_at(one, "incident_key"), "case/1");
	assert_string_equal(json_text_at(one, "status"), "triggered");
	verb_ok(&l, "pager", "{\"key\":\"case/1\",\"do\":\"resolve\"}");
	assert_int_equal(incidents_of(&l, ours, good, "incident_key=case%2F1"), 200);
	assert_int_equal(json_count(json_get(l.json, "incidents")), 1);
	assert_int_equal(incidents_of(&l, ours, good, "incident_key=other"), 200);
	assert_true(json_is_array(json_get(l.json, "incidents")));
	assert_int_equal(json_count(json_get(l.json, "incidents")), 0);
	assert_int_equal(incidents_of(&l, "/pagerduty-eu/rest/incidents",
				      "Token token=u+SANDBOX-EU-rest-key", "incident_key=case%2F1"),
			 200);
	assert_int_equal(json_count(json_get(l.json, "incidents")), 0);
	verb_ok(&l, "fault", "{\"where\":\"pagerduty\",\"kind\":\"accepted_no_incident\"}");
	assert_int_equal(page(&l, TRIGGER("lost", "error", "case/2")), 202);
	assert_int_equal(incidents_of(&l, ours, good, "incident_key=case/2"), 200);
	assert_int_equal(json_count(json_get(l.json, "incidents")), 0);
	assert_int_equal(refusals_all(&l), 0);
	assert_int_equal(incidents_of(&l, ours, "Token token=x", "incident_key=case/1"), 401);
	assert_int_equal(incidents_of(&l, ours, good, ""), 400);
	assert_int_equal(refusals_all(&l), 2);
	lab_free(&l);
}

static void pager_faults(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *kind;
		int status;
		size_t incidents;
	} rows[] = { { "429", 429, 0 }, { "500", 500, 0 }, { "refuse", 0, 0 }, { "timeout", 0, 1 }, { "internal_error_done", 500, 1 } };
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab l = lab_new(false);
		char args[128];
		(void)snprintf(args, sizeof args, "{\"where\":\"pagerduty\",\"kind\":\"%s\"}",
			       rows[i].kind);
		verb_ok(&l, "fault", args);
		assert_int_equal(page(&l, TRIGGER("a", "error", "k")), rows[i].status);
		struct cJSON *st = verb(&l, "state", "{}");
		assert_int_equal(json_count(json_get(st, "incidents")), rows[i].incidents);
		json_free(st);
		assert_int_equal(page(&l, TRIGGER("a", "error", "k")), 202);
		lab_free(&l);
	}
}

/* A little life: everything it said and is, as one text. */
static void live(struct buf *out)
{
	struct lab l = lab_new(true);
	for (int i = 0; i < 30; i++) {
		if (i % 10 == 0)
			dial(&l);
		assert_api_ok(&l, "chat.postMessage",
			      "{\"channel\":\"U0ALICE01\",\"text\":\"q\",\"blocks\":[{\"type\":"
			      "\"actions\",\"elements\":[{\"type\":"
			      "\"button\",\"action_id\":\"y\",\"text\":{\"type\":\"plain_text\","
			      "\"text\":\"Y\"}}]}]}");
		char args[128];
		(void)snprintf(args, sizeof args,
			       "{\"user\":\"U0ALICE01\",\"channel\":\"D0ALICE01\",\"ts\":\"%.31s\","
			       "\"action_id\":\"y\"}",
			       json_text_at(l.json, "ts"));
		verb_ok(&l, "click", args);
		verb_ok(&l, "home", "{\"user\":\"U0BOB0001\",\"tab\":\"home\"}");
		page(&l, TRIGGER("a", "error", "k"));
		sleep_ms(&l, 1700);
		while (next_frame(&l))
			buf_addf(out, "%d %s\n", l.frame_socket, l.frame);
	}
	struct cJSON *st = verb(&l, "state", "{}"), *ledger = verb(&l, "ledger", "{}");
	json_print(st, out);
	json_print(ledger, out);
	json_free(st);
	json_free(ledger);
	lab_free(&l);
}

static void the_same_calls_give_the_same_bytes(void **state)
{
	struct buf a = BUF(8 << 20), b = BUF(8 << 20);
	(void)state;
	live(&a);
	live(&b);
	assert_true(!a.broken && a.n > 10000 && str_eq(buf_str(&a), buf_str(&b)));
	buf_free(&a);
	buf_free(&b);
}

static void advance_rings_what_comes_due(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	dial_up(&l);
	verb_ok(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"hello\"}");
	assert_true(next_frame(&l));
	verb_ok(&l, "advance", "{\"ms\":600000}");
	int frames = 0;
	while (next_frame(&l))
		frames++;
	assert_int_equal(frames, 3); /* the three retries */
	lab_free(&l);
}

/* Two hundred inquiries, each asked, answered and thanked: no row of the ledger is lost. */
static void two_hundred_inquiries_fit(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	int n = dial_up(&l);
	for (int i = 0; i < 200; i++) {
		char text[256];
		assert_api_ok(&l, "chat.postMessage",
			      "{\"channel\":\"U0ALICE01\",\"text\":\"q\",\"blocks\":[{\"type\":"
			      "\"actions\",\"elements\":[{\"type\":"
			      "\"button\",\"action_id\":\"y\",\"text\":{\"type\":\"plain_text\","
			      "\"text\":\"Y\"}}]}]}");
		(void)snprintf(text, sizeof text,
			       "{\"user\":\"U0ALICE01\",\"channel\":\"D0ALICE01\",\"ts\":\"%.31s\","
			       "\"action_id\":\"y\"}",
			       json_text_at(l.json, "ts"));
		verb_ok(&l, "click", text);
		assert_true(next_frame(&l));
		ack(&l, n, NULL);
		(void)snprintf(text, sizeof text,
			       "{\"channel\":\"D0ALICE01\",\"ts\":\"%.31s\",\"text\":\"thanks\"}",
			       json_text_at(l.json, "ts"));
		assert_api_ok(&l, "chat.update", text);
	}
	struct cJSON *ledger = verb(&l, "ledger", "{}");
	assert_int_equal(json_count(json_get(ledger, "calls")),
			 401); /* and apps.connections.open */
	assert_int_equal(json_count(json_get(ledger, "acks")), 200);
	assert_int_equal(json_count(json_get(ledger, "envelopes")), 200);
	assert_int_equal(json_count(json_get(ledger, "refusals")), 0);
	assert_int_equal((int)json_number(json_get(ledger, "forgotten")), 0);
	json_free(ledger);
	lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_judged),
		cmocka_unit_test(a_long_summary_loses_the_page),
		cmocka_unit_test(one_key_is_one_incident_until_it_is_resolved),
		cmocka_unit_test(incidents_are_listed_by_their_key),
		cmocka_unit_test(pager_faults),
		cmocka_unit_test(the_same_calls_give_the_same_bytes),
		cmocka_unit_test(advance_rings_what_comes_due),
		cmocka_unit_test(two_hundred_inquiries_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
