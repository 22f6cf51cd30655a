/* pagerduty: Events API v2 as the vendor answers it, the REST API's list of incidents, and the
 * pager's own buttons: two accounts that
 * know nothing of each other, so that one can fail and the other be called. Called by world_http
 * and world_control. Rules: developer.pagerduty.com. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMMARY_MAX = 1024, KEY_MAX = 255, EVENT_BYTES_MAX = 512 * 1024 };

static const struct account {
	const char *name, *path, *routing_key; /* name: also the place of faults and the ledger's */
	const char *rest_name, *rest_path, *rest_token;
} accounts[] = {
	{ "pagerduty", "/pagerduty/v2/enqueue", ROUTING_KEY, "pagerduty-rest",
	  "/pagerduty/rest/incidents", REST_TOKEN },
	{ "pagerduty-eu", "/pagerduty-eu/v2/enqueue", ROUTING_KEY_EU, "pagerduty-eu-rest",
	  "/pagerduty-eu/rest/incidents", REST_TOKEN_EU },
};

static const struct account *account_at(struct str path, bool is_rest)
{
	for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++)
		if (str_is(path, is_rest ? accounts[i].rest_path : accounts[i].path))
			return &accounts[i];
	return NULL;
}

/* pager "" = of any. */
static struct incident *open_one(const struct world *w, const char *pager, const char *key)
{
	struct incident *i = w->incidents.at;
	for (size_t k = w->incidents.n; k-- > 0;)
		if ((!*pager || strcmp(i[k].pager, pager) == 0) && strcmp(i[k].key, key) == 0 &&
		    strcmp(i[k].status, "resolved") != 0)
			return &i[k];
	return NULL;
}

static void incident_wipe(struct incident *i)
{
	free(i->summary);
	json_free(i->details);
	json_free(i->links);
	i->summary = NULL;
	i->details = i->links = NULL;
}

void pager_free(struct world *w)
{
	struct incident *i = w->incidents.at;
	for (size_t k = 0; k < w->incidents.n; k++)
		incident_wipe(&i[k]);
	free(w->incidents.at);
}

static struct incident *incident_new(struct world *w, const char *pager, const char *key)
{
	if (w->incidents.n >= INCIDENTS_MAX) {
		struct incident *old = w->incidents.at;
		for (size_t k = 0; k < INCIDENTS_MAX / 4; k++)
			incident_wipe(&old[k]);
		list_cut(&w->incidents, sizeof *old, INCIDENTS_MAX / 4);
	}
	struct incident *i = list_add(&w->incidents, sizeof *i);
	i->number = ++w->ids;
	i->first_ms = w->now_ms;
	i->pager = pager;
	TEXT_SET(i->key, key);
	TEXT_SET(i->status, "triggered");
	return i;
}

static bool is_word_of(const char *z, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], z) == 0)
			return true;
	return false;
}

static void problem(struct world *w, struct cJSON *errors, const char *text, const char *rule)
{
	json_push(errors, json_string(text));
	refused(w, rule);
}

static void links_check(struct world *w, const struct cJSON *links, struct cJSON *errors)
{
	if (links && !json_is_array(links))
		problem(w, errors, "'links' is not an array", "pagerduty_links");
	for (const struct cJSON *l = json_first(links); l; l = json_next(l))
		if (!json_is_string(json_key(l, "href")))
			problem(w, errors, "'href' is missing or blank", "pagerduty_links");
}

static void payload_check(struct world *w, const struct cJSON *p, struct cJSON *errors)
{
	static const char *const severities[] = { "critical", "error", "warning", "info" };
	const char *summary = json_text_at(p, "summary");
	if (!json_is_object(p)) {
		problem(w, errors, "'payload' is missing or blank", "pagerduty_payload");
		return;
	}
	if (!*summary)
		problem(w, errors, "'summary' is missing or blank", "pagerduty_summary");
	if (utf8_points(str_z(summary)) > SUMMARY_MAX) /* spelt as PagerDuty spells it */
		problem(w, errors, "'summary' is too long (maiximum is 1024 characters)",
			"pagerduty_summary");
	if (!*json_text_at(p, "source"))
		problem(w, errors, "'source' is missing or blank", "pagerduty_source");
	if (!*json_text_at(p, "severity"))
		problem(w, errors, "'severity' is missing or blank", "pagerduty_severity");
	else if (!is_word_of(json_text_at(p, "severity"), severities, 4))
		problem(w, errors,
			"'severity' is invalid (must be one of the following: 'critical', "
			"'warning', 'error' or 'info')",
			"pagerduty_severity");
	if (json_key(p, "custom_details") && !json_is_object(json_key(p, "custom_details")) &&
	    !json_is_string(json_key(p, "custom_details")))
		problem(w, errors, "'custom_details' is not an object", "pagerduty_details");
}

static void event_check(struct world *w, const struct account *at, const struct cJSON *e,
			struct cJSON *errors)
{
	static const char *const actions[] = { "trigger", "acknowledge", "resolve" };
	const char *action = json_text_at(e, "event_action");
	if (strcmp(json_text_at(e, "routing_key"), at->routing_key) != 0)
		problem(w, errors, "Invalid routing key", "pagerduty_routing_key");
	if (!is_word_of(action, actions, 3))
		problem(w, errors, "'event_action' is missing or invalid",
			"pagerduty_event_action");
	else if (strcmp(action, "trigger") == 0)
		payload_check(w, json_key(e, "payload"), errors);
	else if (!*json_text_at(e, "dedup_key"))
		problem(w, errors, "'dedup_key' is missing or blank", "pagerduty_dedup_key");
	if (utf8_points(str_z(json_text_at(e, "dedup_key"))) > KEY_MAX)
		problem(w, errors, "'dedup_key' is too long (maximum is 255 characters)",
			"pagerduty_dedup_key");
	links_check(w, json_key(e, "links"), errors);
}

static void swap(struct cJSON **at, const struct cJSON *with)
{
	json_free(*at);
	*at = with ? json_copy(with) : NULL;
}

/* True if an incident with that key was open already. A new trigger updates it; it wakes nobody
 * once acknowledged. */
static bool trigger(struct world *w, const struct account *at, const struct cJSON *e,
		    const char *key)
{
	const struct cJSON *p = json_key(e, "payload");
	struct incident *i = open_one(w, at->name, key);
	bool was_open = i != NULL;
	if (!i)
		i = incident_new(w, at->name, key);
	free(i->summary);
	i->summary = mem_str(str_z(json_text_at(p, "summary")));
	TEXT_SET(i->severity, json_text_at(p, "severity"));
	TEXT_SET(i->source, json_text_at(p, "source"));
	swap(&i->details, json_key(p, "custom_details"));
	swap(&i->links, json_key(e, "links"));
	i->triggers++;
	i->notified += !was_open; /* one incident notifies once; more triggers only add to it */
	i->last_ms = w->now_ms;
	return was_open;
}

static bool settle(struct world *w, const char *pager, const char *key, const char *status)
{
	struct incident *i = open_one(w, pager, key);
	if (!i)
		return false; /* accepted and dropped */
	TEXT_SET(i->status, status);
	i->last_ms = w->now_ms;
	return true;
}

static bool event_do(struct world *w, const struct account *at, const struct cJSON *e,
		     char key[256])
{
	const char *action = json_text_at(e, "event_action");
	text_set(key, 256, json_text_at(e, "dedup_key"));
	if (strcmp(action, "trigger") != 0) {
		settle(w, at->name, key, action[0] == 'a' ? "acknowledged" : "resolved");
		return false;
	}
	if (!*key) {
		char uuid[40];
		world_uuid(w, uuid);
		text_set(key, 256, uuid);
	}
	return trigger(w, at, e, key);
}

static void answer(struct world_reply *out, int status, const char *key, const struct cJSON *errors)
{
	struct cJSON *j = json_object();
	out->status = status;
	json_put_text(j, "status", errors ? "invalid event" : "success");
	json_put_text(j, "message", errors ? "Event object is invalid" : "Event processed");
	if (errors)
		json_put(j, "errors", json_copy(errors));
	else
		json_put_text(j, "dedup_key", key);
	json_print(j, &out->body);
	json_free(j);
}

static void run(struct world *w, const struct account *at, const struct world_request *rq,
		const struct cJSON *e, struct world_reply *out, struct call_row *row)
{
	struct cJSON *errors = json_array();
	char key[256] = "";
	if (rq->body.n > EVENT_BYTES_MAX)
		problem(w, errors, "Event size exceeds size limit of 512.0 KB", "pagerduty_size");
	else if (!json_is_object(e))
		problem(w, errors, "JSON parse error", "pagerduty_json");
	else
		event_check(w, at, e, errors);
	if (json_count(errors)) {
		answer(out, 400, NULL, errors);
		TEXT_SET(row->error, json_text(json_first(errors)));
	} else {
		row->dup = event_do(w, at, e, key);
		TEXT_SET(row->ts, "done");
		TEXT_SET(row->marker, key);
		answer(out, 202, key, NULL);
	}
	json_free(errors);
}

/* Taken, and nothing comes of it: the service is off or in maintenance, or a rule drops it. */
static void take_in_vain(const struct cJSON *e, struct world_reply *out)
{
	answer(out, 202, json_text_at(e, "dedup_key"), NULL);
}

/* --- REST: the incidents that have a key, the newest first --- */

static void put_incidents(const struct world *w, const struct account *at, const char *key,
			  struct world_reply *out)
{
	const struct incident *i = w->incidents.at;
	struct cJSON *j = json_object(), *found = json_array();
	for (size_t k = w->incidents.n; k-- > 0;) {
		if (strcmp(i[k].pager, at->name) != 0 || strcmp(i[k].key, key) != 0)
			continue;
		struct cJSON *one = json_object();
		json_put_text(one, "type", "incident");
		json_put_num(one, "incident_number", (double)i[k].number);
		json_put_text(one, "incident_key", i[k].key);
		json_put_text(one, "status", i[k].status);
		json_put_text(one, "title", i[k].summary);
		json_push(found, one);
	}
	json_put(j, "incidents", found);
	json_put_num(j, "offset", 0);
	json_put_bool(j, "more", false);
	json_print(j, &out->body);
	json_free(j);
}

static void rest_error(struct world_reply *out, int status, const char *message)
{
	struct cJSON *j = json_object(), *error = json_object();
	out->status = status;
	json_put_text(error, "message", message);
	json_put(j, "error", error);
	json_print(j, &out->body);
	json_free(j);
}

static void rest_http(struct world *w, const struct account *at, const struct world_request *rq,
		      struct world_reply *out)
{
	struct fault kept;
	const struct fault *f = fault_take(w, at->rest_name, &kept);
	struct cJSON *query = json_object();
	struct str scheme = STR("Token token="), token = rq->authorization;
	bool is_fine = form_read(rq->query, query) && *json_text_at(query, "incident_key");
	if (str_starts(token, scheme))
		token = (struct str){ token.at + scheme.n, token.n - scheme.n };
	if (!str_is(token, at->rest_token)) {
		refused(w, "pagerduty_rest_token");
		rest_error(out, 401, "Unauthorized");
	} else if (!is_fine) {
		refused(w, "pagerduty_rest_query");
		rest_error(out, 400, "Invalid Input Provided");
	} else
		put_incidents(w, at, json_text_at(query, "incident_key"), out);
	const char *told = f ? fault_spoil(f, out) : NULL;
	struct call_row *r = ledger_call(w, at->rest_name, out->status, told);
	r->wait_s = out->retry_after_s;
	TEXT_SET(r->marker, json_text_at(query, "incident_key"));
	wire_note(w, at->rest_name, json_text_at(query, "incident_key"));
	json_free(query);
}

void pager_http(struct world *w, const struct world_request *rq, struct world_reply *out)
{
	struct fault kept;
	const struct account *asked = str_is(rq->method, "GET") ? account_at(rq->path, true) : NULL;
	if (asked) {
		rest_http(w, asked, rq, out);
		return;
	}
	const struct account *at = str_is(rq->method, "POST") ? account_at(rq->path, false) : NULL;
	const char *name = at ? at->name : accounts[0].name;
	const struct fault *f = at ? fault_take(w, name, &kept) : NULL;
	struct cJSON *e = json_parse(rq->body, NULL);
	struct call_row row = { .status = 404 };
	if (!at)
		answer(out, 404, "", NULL);
	else if (f && strcmp(f->kind, "accepted_no_incident") == 0)
		take_in_vain(e, out);
	else if (!f || !fault_is_before(f))
		run(w, at, rq, e, out, &row);
	const char *told = f ? fault_spoil(f, out) : NULL;
	if (f && strcmp(f->kind, "internal_error_done") == 0)
		out->status = 500;
	struct call_row *r = ledger_call(w, name, out->status, told ? told : row.error);
	r->wait_s = out->retry_after_s;
	TEXT_SET(r->marker, *row.marker ? row.marker : json_text_at(e, "dedup_key"));
	TEXT_SET(r->channel, json_text_at(e, "event_action"));
	TEXT_SET(r->ts, row.ts);
	r->dup = row.dup;
	char what[64];
	(void)snprintf(what, sizeof what, "%s %.20s %d", name, json_text_at(e, "event_action"),
		       out->status);
	wire_note(w, what, json_text_at(e, "payload.summary"));
	json_free(e);
}

struct cJSON *control_pager(struct world *w, const struct cJSON *args)
{
	const char *act = json_text_at(args, "do");
	if (strcmp(act, "acknowledge") != 0 && strcmp(act, "resolve") != 0)
		return said_no("do must be acknowledge or resolve");
	bool done = settle(w, json_text_at(args, "pager"), json_text_at(args, "key"),
			   act[0] == 'a' ? "acknowledged" : "resolved");
	return done ? said_yes() : said_no("no open incident has that key");
}

struct cJSON *incidents_json(const struct world *w, int64_t since_ms)
{
	struct cJSON *all = json_array();
	const struct incident *i = w->incidents.at;
	for (size_t k = 0; k < w->incidents.n; k++) {
		if (i[k].last_ms < since_ms)
			continue;
		struct cJSON *j = json_object();
		json_put_num(j, "number", (double)i[k].number);
		json_put_text(j, "pager", i[k].pager);
		json_put_text(j, "key", i[k].key);
		json_put_text(j, "status", i[k].status);
		json_put_text(j, "summary", i[k].summary);
		json_put_text(j, "severity", i[k].severity);
		json_put_text(j, "source", i[k].source);
		json_put(j, "details", i[k].details ? json_copy(i[k].details) : json_null());
		json_put(j, "links", i[k].links ? json_copy(i[k].links) : json_array());
		json_put_num(j, "triggers", i[k].triggers);
		json_put_num(j, "notified", i[k].notified);
		json_put_num(j, "first_ms", (double)i[k].first_ms);
		json_put_num(j, "last_ms", (double)i[k].last_ms);
		json_push(all, j);
	}
	return all;
}
