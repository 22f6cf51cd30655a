/* playbook: match and evaluation. Called by intake only. Everything that comes out of an expression
 * has its type checked, is cleaned and cut here: no alert decides what our rows look like. */
#include "handlers/playbook.h"

#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/when.h"
#include "base/words.h"
#include "handlers/decide.h"
#include "handlers/plan.h"
#include "lang/jq.h"

/* The expressions of a playbook that give the plan its values. */
enum field {
	FIELD_KEY,
	FIELD_AT,
	FIELD_SUBJECT,
	FIELD_SUMMARY,
	FIELD_FACTS,
	FIELD_PRIORITY,
	FIELD_QUESTION,
	FIELD_NOTIFY,
	FIELDS_N
};
enum {
	UTF8_BYTES_MAX = 4, /* of one code point */
	BENIGN_MAX = sizeof(((struct playbook *)0)->known_benign) /
		     sizeof(((struct playbook *)0)->known_benign[0])
};

struct evaluation {
	const struct playbook *pb;
	struct cJSON *results;                  /* owns all values */
	const struct cJSON *values[FIELDS_N];   /* NULL = not given */
	const char *names[FIELDS_N];            /* as the file has it: "alert.subject" */
	const struct cJSON *benign[BENIGN_MAX]; /* NULL = expired */
};

/* Points of time that calendars can show: the years 1970..9999. */
#define AT_S_MAX 253402300799.0

/* --- which --- */

static bool has_source(const struct playbook *pb, const char *source)
{
	for (size_t i = 0; i < pb->sources_n; i++)
		if (strcmp(pb->sources[i], source) == 0)
			return true;
	return false;
}

/* All match expressions of the source run in one go; the first that is true, in file-name order. */
static enum rc match(const struct act *a, const char *source, const struct cJSON *doc,
		     const struct playbook **out, struct fail *fail)
{
	const struct policy *p = a->policy;
	int *indexes = arena_many(a->arena, int, p->playbooks_n + 1);
	const struct playbook **asked =
		arena_many(a->arena, const struct playbook *, p->playbooks_n + 1);
	CLEANUP(json_done) struct cJSON *results = NULL;
	size_t n = 0;
	*out = NULL;
	for (size_t i = 0; i < p->playbooks_n; i++)
		if (has_source(&p->playbooks[i], source)) {
			asked[n] = &p->playbooks[i];
			indexes[n++] = p->playbooks[i].match;
		}
	if (!n)
		return RC_OK;
	enum rc rc =
		jq_run_each(p->matches, (struct jq_pick){ indexes, n }, doc, NULL, &results, fail);
	if (rc != RC_OK)
		return rc;
	const struct cJSON *member = json_first(results);
	for (size_t i = 0; i < n; i++, member = json_next(member)) {
		const struct cJSON *v = jq_value(member);
		if (!v)
			return FAIL(fail, RC_MALFORMED, "playbook %s: %s", asked[i]->name,
				    jq_why(member));
		if (!json_is_bool(v) && !json_is_null(v))
			return FAIL(fail, RC_MALFORMED, "playbook %s: match: wanted true or false",
				    asked[i]->name);
		if (json_true(v)) {
			*out = asked[i];
			return RC_OK;
		}
	}
	return RC_OK;
}

/* --- its expressions --- */

static enum rc evaluate(const struct act *a, const struct cJSON *doc, struct evaluation *e,
			struct fail *fail)
{
	const struct playbook *pb = e->pb;
	const int fields[FIELDS_N] = {
		[FIELD_KEY] = pb->x_key,
		[FIELD_AT] = pb->x_at,
		[FIELD_SUBJECT] = pb->x_subject,
		[FIELD_SUMMARY] = pb->x_summary,
		[FIELD_FACTS] = pb->x_facts,
		[FIELD_PRIORITY] = pb->x_priority,
		[FIELD_QUESTION] = pb->x_question,
		[FIELD_NOTIFY] = pb->notifies ? pb->x_notify : -1,
	};
	int indexes[FIELDS_N + BENIGN_MAX];
	const struct cJSON **places[FIELDS_N + BENIGN_MAX];
	size_t n = 0;
	for (size_t i = 0; i < FIELDS_N; i++)
		if (fields[i] >= 0) {
			e->names[i] = jq_set_name(pb->jq, fields[i]);
			places[n] = &e->values[i];
			indexes[n++] = fields[i];
		}
	for (size_t i = 0; i < pb->known_benign_n; i++)
		if (pb->known_benign[i].expires_ms > a->at.now_ms) {
			places[n] = &e->benign[i];
			indexes[n++] = pb->known_benign[i].when;
		}
	if (!n)
		return RC_OK;
	enum rc rc =
		jq_run_each(pb->jq, (struct jq_pick){ indexes, n }, doc, NULL, &e->results, fail);
	const struct cJSON *member = json_first(e->results);
	for (size_t i = 0; rc == RC_OK && i < n; i++, member = json_next(member)) {
		*places[i] = jq_value(member);
		if (!*places[i])
			rc = FAIL(fail, RC_MALFORMED, "%s", jq_why(member));
	}
	return rc;
}

static enum rc wrong(const struct evaluation *e, enum field f, const char *wanted,
		     struct fail *fail)
{
	return FAIL(fail, RC_MALFORMED, "%s: wanted %s", e->names[f], wanted);
}

/* What an alert says, as it may be shown. Of a text over its own limit jq saw only the beginning.
 */
static const char *shown(const struct act *a, struct plan *plan, const char *said, size_t points)
{
	if (str_z(said).n > JQ_STRING_BYTES_MAX - UTF8_BYTES_MAX)
		plan->is_cut = true;
	return words_clean(a->arena, str_z(said), points, &plan->is_cut);
}

/* A text or null (""), uncut. */
static enum rc text_of(const struct evaluation *e, enum field f, const char **out,
		       struct fail *fail)
{
	const struct cJSON *v = e->values[f];
	if (!json_is_string(v) && !json_is_null(v))
		return wrong(e, f, "a string or null", fail);
	*out = json_text(v);
	return RC_OK;
}

/* A text, or a number or truth value as JSON writes it; NULL for anything else. */
static const char *scalar(const struct cJSON *v, struct arena *arena)
{
	if (json_is_string(v))
		return arena_z(arena, json_text(v));
	if (json_is_number(v) || json_is_bool(v))
		return json_print_arena(v, arena);
	return NULL;
}

/* Cutting would make one of two keys that differ late, and a fresh alert a duplicate: what does not
 * fit is stood in for by its hash. */
static enum rc key_of(const struct act *a, const struct evaluation *e, struct mapping *out,
		      struct fail *fail)
{
	const struct cJSON *v = e->values[FIELD_KEY];
	const char *key = json_is_null(v) ? "" : scalar(v, a->arena);
	if (!key || json_is_bool(v))
		return wrong(e, FIELD_KEY, "a string, a number or null", fail);
	out->key = key;
	if (utf8_points(str_z(key)) <= ALERT_KEY_MAX)
		return RC_OK;
	uint8_t digest[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];
	sha256(str_z(key), digest);
	hex_encode(digest, MAC_BYTES, hex);
	struct str head = utf8_clip(str_z(key), ALERT_KEY_MAX - 2 * MAC_BYTES - 1);
	out->key = arena_f(a->arena, "%.*s~%s", STR_ARG(head), hex);
	return RC_OK;
}

static enum rc at_of(const struct evaluation *e, struct plan *plan, struct fail *fail)
{
	const struct cJSON *v = e->values[FIELD_AT];
	if (json_is_null(v))
		return RC_OK;
	double s = json_number(v);
	if (!json_is_number(v) || !(s >= 0 && s <= AT_S_MAX))
		return wrong(e, FIELD_AT, "seconds since 1970 or null", fail);
	plan->has_at = true;
	plan->at_ms = (int64_t)(s * (double)SECOND_MS);
	return RC_OK;
}

static enum rc priority_of(const struct evaluation *e, int *out, struct fail *fail)
{
	const struct cJSON *v = e->values[FIELD_PRIORITY];
	const char *text = json_text(v);
	*out = e->pb->priority;
	if (!v)
		return RC_OK;
	if (text[0] != 'P' || text[1] < '1' || text[1] > '5' || text[2])
		return wrong(e, FIELD_PRIORITY, "\"P1\" to \"P5\"", fail);
	*out = text[1] - '0';
	return RC_OK;
}

/* At most five; one without a value is left out: not every alert has every field. */
static enum rc facts_of(const struct act *a, const struct evaluation *e, struct plan *plan,
			struct cJSON *facts, struct fail *fail)
{
	const struct cJSON *list = e->values[FIELD_FACTS];
	if (!json_is_array(list) && !json_is_null(list))
		return wrong(e, FIELD_FACTS, "an array or null", fail);
	for (const struct cJSON *f = json_first(list); f; f = json_next(f)) {
		const struct cJSON *k = json_key(f, "k"), *v = json_key(f, "v");
		const char *value = scalar(v, a->arena);
		if (!json_is_object(f) || !json_is_string(k) || !json_text(k)[0])
			return wrong(e, FIELD_FACTS, "objects {k: a name, v: a value}", fail);
		if (!value && !json_is_null(v))
			return wrong(e, FIELD_FACTS, "v to be a string, a number or null", fail);
		if (!value || !value[0])
			continue;
		if (json_count(facts) >= PLAN_FACTS_MAX) {
			plan->is_cut = true;
			continue;
		}
		struct cJSON *fact = json_object();
		json_put_text(fact, "k", shown(a, plan, json_text(k), PLAN_FACT_KEY_MAX));
		json_put_text(fact, "v", shown(a, plan, value, PLAN_FACT_MAX));
		json_push(facts, fact);
	}
	return RC_OK;
}

static enum rc question_of(const struct act *a, const struct evaluation *e, struct plan *plan,
			   struct fail *fail)
{
	plan->question = "";
	if (!e->pb->asks)
		return RC_OK;
	if (!e->names[FIELD_QUESTION])
		return FAIL(fail, RC_MALFORMED, "ask: it has no question");
	enum rc rc = text_of(e, FIELD_QUESTION, &plan->question, fail);
	plan->question = shown(a, plan, plan->question, PLAN_TEXT_MAX);
	if (rc == RC_OK && !plan->question[0])
		return wrong(e, FIELD_QUESTION, "a question", fail);
	return rc;
}

static enum rc benign_of(const struct evaluation *e, struct mapping *out, struct fail *fail)
{
	out->benign = "";
	for (size_t i = 0; i < e->pb->known_benign_n; i++) {
		const struct cJSON *v = e->benign[i];
		if (v && !json_is_bool(v))
			return FAIL(fail, RC_MALFORMED, "%s: wanted true or false",
				    jq_set_name(e->pb->jq, e->pb->known_benign[i].when));
		if (json_true(v) && !out->benign[0])
			out->benign = e->pb->known_benign[i].reason;
	}
	return RC_OK;
}

static enum rc read_out(const struct act *a, const struct evaluation *e, struct mapping *out,
			struct fail *fail)
{
	CLEANUP(json_done) struct cJSON *facts = json_array();
	struct plan plan = { .playbook = e->pb, .title = e->pb->title, .facts = facts };
	const char *subject = "";
	enum rc rc = benign_of(e, out, fail);
	if (rc == RC_OK)
		rc = key_of(a, e, out, fail);
	if (rc == RC_OK)
		rc = priority_of(e, &out->priority, fail);
	if (rc == RC_OK)
		rc = at_of(e, &plan, fail);
	if (rc == RC_OK)
		rc = text_of(e, FIELD_SUBJECT, &subject, fail);
	if (rc == RC_OK)
		rc = text_of(e, FIELD_SUMMARY, &plan.summary, fail);
	if (rc == RC_OK)
		rc = question_of(a, e, &plan, fail);
	if (rc == RC_OK)
		rc = text_of(e, FIELD_NOTIFY, &plan.notify, fail);
	if (rc == RC_OK)
		rc = facts_of(a, e, &plan, facts, fail);
	if (rc != RC_OK)
		return rc;
	out->playbook = e->pb;
	out->subject = words_name(a->arena, str_z(subject), PLAN_SUBJECT_MAX);
	plan.summary = shown(a, &plan, plan.summary, PLAN_TEXT_MAX);
	out->plan = plan_text(a->arena, &plan);
	return RC_OK;
}

enum rc playbook_map(const struct act *a, const struct alert *alert, struct mapping *out,
		     struct fail *fail)
{
	struct evaluation e = { 0 };
	*out = (struct mapping){ .benign = "", .key = "", .subject = "", .plan = "" };
	CLEANUP(json_done) struct cJSON *doc = json_parse(str_z(alert->body), fail);
	if (!doc) {
		fail_wrap(fail, "the alert's body");
		return RC_MALFORMED;
	}
	enum rc rc = match(a, alert->source, doc, &e.pb, fail);
	if (rc != RC_OK || !e.pb)
		return rc;
	rc = evaluate(a, doc, &e, fail);
	if (rc == RC_OK)
		rc = read_out(a, &e, out, fail);
	json_free(e.results);
	if (rc != RC_OK)
		fail_wrap(fail, "playbook %s", e.pb->name);
	return rc;
}
