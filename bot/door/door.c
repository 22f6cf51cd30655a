/* door: HTTP requests that came in become facts or problems. Called by the turn only; it never
 * answers anybody itself and never logs. Whoever is not authenticated learns nothing: not which
 * sources there are, nor what was wrong with the body. */
#include "door/door.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/status.h"
#include "base/when.h"
#include "door/inside.h"

enum {
	DOOR_SOURCE_BYTES_MAX = 40,
	DOOR_BUSY_WAIT_S = 10, /* Retry-After of 429 and 503 */
};
#define DEAF_MS        MINUTE_MS
#define ALERT_WAITS_MS MINUTE_MS
#define PAGE_WAITS_MS  (5 * MINUTE_MS)
#define ALERTS         "/v1/alerts/"
#define BACKUP         "/v1/local/backup"
#define RESTORE        "/v1/local/accept-restore"

const char *door_problem(struct arena *arena, int status, const char *detail)
{
	struct cJSON CLEANUP(json_done) *j = json_object();

	json_put_text(j, "type", "about:blank");
	json_put_text(j, "title", status_words(status));
	json_put_num(j, "status", status);
	json_put_text(j, "detail", detail);
	return json_print_arena(j, arena);
}

const char *door_accepted(struct arena *arena, const int64_t *ids, size_t n, bool is_new)
{
	struct buf b CLEANUP(buf_free) = BUF(64 + DOOR_EACH_MAX * 32);

	buf_addf(&b, "{\"id\":\"alert-%" PRId64 "\",\"ids\":[", ids[0]);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s\"alert-%" PRId64 "\"", i > 0 ? "," : "", ids[i]);
	buf_addf(&b, "],\"status\":\"%s\"}", is_new ? "accepted" : "duplicate");
	assert(!b.broken);
	return arena_str(arena, buf_str(&b));
}

static void refuse(struct door *out, struct arena *arena, int status, const char *detail)
{
	*out = (struct door){ .kind = DOOR_PROBLEM,
			      .status = status,
			      .body = door_problem(arena, status, detail) };
	if (status == 429 || status == 503)
		out->retry_after_s = DOOR_BUSY_WAIT_S;
}

static const char *refused_detail(int status)
{
	switch (status) {
	case 408: return "the request took longer than its limit";
	case 411: return "send a Content-Length: bodies in chunks are not read";
	case 413: return "the body is over its limit of 262144 bytes";
	case 431: return "the headers are over their limit";
	case 503: return "too much at once; try again";
	default: return "the request was refused";
	}
}

static const struct source *source_of(const struct policy *p, struct str name)
{
	for (size_t i = 0; i < p->sources_n; i++) {
		if (str_is(name, p->sources[i].name))
			return &p->sources[i];
	}
	return NULL;
}

static bool is_source_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		const char c = name.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return name.n >= 1 && name.n <= DOOR_SOURCE_BYTES_MAX;
}

static bool same_word(struct str s, const char *word)
{
	return s.n == str_z(word).n && strncasecmp(s.at, word, s.n) == 0;
}

/* application/json, text/json, application/….+json, or not told. */
static bool is_json_type(const char *content_type)
{
	static const struct str tail = STR_INIT("+json");
	struct str type, parameters;

	(void)str_cut(str_z(content_type), ';', &type, &parameters);
	type = str_trim(type);
	if (type.n == 0 || same_word(type, "application/json") || same_word(type, "text/json"))
		return true;
	return type.n > tail.n && strncasecmp(type.at + type.n - tail.n, tail.at, tail.n) == 0;
}

static bool is_plain(const char *content_encoding)
{
	const struct str s = str_trim(str_z(content_encoding));

	return s.n == 0 || same_word(s, "identity");
}

/* --- an alert --- */

struct visitor {
	const struct arrival *a;
	const struct source *source;
	struct proven proven;
};

static void fill_fact(const struct visitor *v, struct str text, struct arena *arena,
		      struct fact *out)
{
	uint8_t digest[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];

	sha256(text, digest);
	hex_encode(digest, sizeof(digest), hex);
	*out = (struct fact){ .kind = FACT_ALERT };
	out->key = arena_f(arena, "alert:%s:%s", v->source->name, hex);
	out->as.alert.source = arena_z(arena, v->source->name);
	out->as.alert.digest = arena_z(arena, hex);
	out->as.alert.body = arena_str(arena, text);
	out->as.alert.delivery = v->proven.delivery;
	out->as.alert.doubt = v->proven.doubt;
}

static void fill_facts(const struct visitor *v, const struct str *texts, size_t n,
		       struct arena *arena, struct door *out)
{
	struct fact *facts = arena_many(arena, struct fact, n);
	uint8_t digest[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];

	sha256(v->a->asked.body, digest);
	hex_encode(digest, sizeof(digest), hex);
	for (size_t i = 0; i < n; i++) {
		fill_fact(v, texts[i], arena, &facts[i]);
		facts[i].as.alert.delivery_digest = arena_z(arena, hex);
		facts[i].as.alert.is_last = i + 1 == n;
	}
	*out = (struct door){ .kind = DOOR_FACT, .facts = facts, .facts_n = n };
	out->source = v->source->name;
	out->can_wait = v->source->can_wait;
	out->odd = v->proven.doubt;
}

/* The array that `each` names is cut; a body without it, or with nothing in it, is one alert: what
 * was not understood is shown, not dropped. */
static void read_body(const struct visitor *v, struct arena *arena, struct door *out)
{
	struct fail fail = { .rc = RC_OK };
	const struct str body = v->a->asked.body;
	const char *each = v->source->each != NULL ? v->source->each : "";
	struct cJSON CLEANUP(json_done) *j = json_parse(body, &fail);
	struct str texts[DOOR_EACH_MAX] = { body };
	size_t n = 0;

	if (j == NULL) {
		fail_wrap(&fail, "the body is not strict JSON");
		refuse(out, arena, 400, fail.why);
		return;
	}
	if (!json_is_object(j)) {
		refuse(out, arena, 400, "the body has to be a JSON object");
		return;
	}
	if (each[0] != '\0')
		n = split_each(body, each, texts, DOOR_EACH_MAX);
	if (n > DOOR_EACH_MAX) {
		refuse(out, arena, 413,
		       arena_f(arena, "%s: %zu alerts, and one body may have %d", each, n,
			       DOOR_EACH_MAX));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (texts[i].at[0] == '{')
			continue;
		refuse(out, arena, 400,
		       arena_f(arena, "byte %td: %s[%zu] has to be a JSON object",
			       texts[i].at - body.at, each, i));
		return;
	}
	fill_facts(v, texts, n > 0 ? n : 1, arena, out);
}

static const char stale_detail[] =
	"the signature is right, but its timestamp is too far from our clock";

/* Who it is comes first, then what it is. rest: what follows /v1/alerts/ in the path. */
static void read_alert(const struct arrival *a, const struct policy *policy,
		       const struct door_clock *clock, struct arena *arena, struct door *out)
{
	const struct str path = str_z(a->asked.path);
	struct str name, secret;
	(void)str_cut((struct str){ path.at + strlen(ALERTS), path.n - strlen(ALERTS) }, '/', &name,
		      &secret);
	struct visitor v = { .a = a,
			     .source = is_source_name(name) ? source_of(policy, name) : NULL };

	if (a->asked.is_local)
		v.proven.proof = PROOF_RIGHT;
	else
		v.proven = proof_of(a, v.source, secret, clock, arena);
	if (v.proven.proof == PROOF_WRONG)
		refuse(out, arena, 401, "wrong or missing credentials for this source");
	else if (v.source == NULL)
		refuse(out, arena, 404, "no source of that name is configured");
	else if (v.proven.proof == PROOF_STALE) {
		refuse(out, arena, 401, stale_detail);
		out->source = v.source->name;
		out->odd = stale_detail;
	} else if (!is_plain(header_of(a, "content-encoding")))
		refuse(out, arena, 415, "compressed bodies are not read");
	else if (!is_json_type(header_of(a, "content-type")))
		refuse(out, arena, 415, "the Content-Type has to be application/json");
	else if (a->asked.body.n > DOOR_BODY_MAX)
		refuse(out, arena, 413, refused_detail(413));
	else
		read_body(&v, arena, out);
}

/* /v1/alerts/NAME and /v1/alerts/NAME/SECRET, whatever stands there. */
static bool is_alerts(struct str path)
{
	struct str name, secret;

	if (!str_starts(path, STR(ALERTS)))
		return false;
	path = (struct str){ path.at + strlen(ALERTS), path.n - strlen(ALERTS) };
	const bool has_secret = str_cut(path, '/', &name, &secret);
	return name.n > 0 && (!has_secret || (secret.n > 0 && !str_has(secret, '/')));
}

static enum door_kind route_of(const struct arrival *a)
{
	const struct str path = str_z(a->asked.path);

	if (str_is(path, "/healthz"))
		return DOOR_HEALTH;
	if (str_is(path, "/readyz"))
		return DOOR_READY;
	if (a->asked.is_local && str_is(path, BACKUP))
		return DOOR_BACKUP;
	if (a->asked.is_local && str_is(path, RESTORE))
		return DOOR_RESTORE;
	return is_alerts(path) ? DOOR_FACT : DOOR_PROBLEM;
}

void door_read(const struct arrival *a, const struct policy *policy, const struct door_clock *clock,
	       struct arena *arena, struct door *out)
{
	const enum door_kind route = route_of(a);
	const bool is_post = route == DOOR_FACT || route == DOOR_BACKUP || route == DOOR_RESTORE;

	*out = (struct door){ .kind = route };
	if (a->asked.refused != 0)
		refuse(out, arena, a->asked.refused, refused_detail(a->asked.refused));
	else if (route == DOOR_PROBLEM)
		refuse(out, arena, 404, "there is nothing at this path");
	else if (!str_is(str_z(a->asked.method), is_post ? "POST" : "GET"))
		refuse(out, arena, 405, is_post ? "this path takes POST" : "this path takes GET");
	else if (route == DOOR_FACT)
		read_alert(a, policy, clock, arena, out);
	else if (route == DOOR_BACKUP)
		backup_read(a, arena, out);
}

/* --- what main and the turn ask --- */

static size_t add_name(const char *names[DOOR_HEADERS_MAX], size_t n, const char *name)
{
	if (name == NULL || name[0] == '\0')
		return n;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return n;
	}
	assert(n + 1 < DOOR_HEADERS_MAX); /* config reads at most 64 sources */
	names[n] = name;
	return n + 1;
}

void door_headers(const struct policy *policy, const char *names[DOOR_HEADERS_MAX])
{
	size_t n = add_name(names, 0, "authorization");

	n = add_name(names, n, "content-type");
	n = add_name(names, n, "content-encoding");
	for (size_t i = 0; i < policy->sources_n; i++) {
		const struct hmac_rule *rule = &policy->sources[i].hmac;
		n = add_name(names, n, rule->header);
		n = add_name(names, n, rule->timestamp);
		n = add_name(names, n, rule->id);
	}
	names[n] = NULL;
}

const char *door_unready(const struct door_signs *s)
{
	if (s->down_ms != 0 && s->now_ms - s->down_ms > DEAF_MS)
		return "deaf: no live socket to Slack for over a minute";
	if (s->down_ms == 0 && s->now_ms - s->heard_ms > DEAF_MS)
		return "deaf: no sign of life from Slack for over a minute";
	if (s->is_full)
		return "stuck: the newest commit failed, the disk is full";
	if (s->alert_ms < s->now_ms - ALERT_WAITS_MS)
		return "stuck: an alert has been waiting for over a minute";
	if (s->page_ms < s->now_ms - PAGE_WAITS_MS)
		return "stuck: a page has not been confirmed for over five minutes";
	return NULL;
}
