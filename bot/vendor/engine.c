/* engine: builds requests from a connector document and reads their answers. jq makes bodies, so
 * alert text can't break out of the JSON; secrets are merged after it. */
#include "vendor/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "lang/jq.h"
#include "vendor/inside.h"

enum { URL_MAX = 4096, REQUEST_MAX = 512 * 1024, REPLY_MAX = 256 * 1024 };

const struct cJSON *engine_operation(const struct connector *c, const char *op)
{
	return json_key(json_get(c->doc, "operations"), op);
}

size_t engine_pager(const struct policy *p, const char *gate)
{
	for (size_t i = 0; i < p->pagers_n; i++)
		if (strcmp(p->pagers[i].name, gate) == 0)
			return i;
	return 0;
}

struct connector engine_connector(const struct policy *p, size_t pager)
{
	const struct pager *at = &p->pagers[pager];
	return (struct connector){ at->doc, at->jq, at->config, at->secrets, at->secrets_n };
}

/* What an expression sees: of a request {input, config}, of an answer {status, body}, of a
 * revert {input, output}; $ctx is {input, config} always. */
struct scene {
	struct cJSON *doc, *ctx;
};

static void scene_done(struct scene *s)
{
	json_free(s->doc);
	json_free(s->ctx);
}

static struct scene scene_of(const struct connector *c, const struct cJSON *input)
{
	struct scene s = { json_object(), json_object() };
	json_put(s.ctx, "input", json_copy(input));
	json_put(s.ctx, "config", json_copy(c->config));
	return s;
}

/* An expression of ours by its number; NULL node = no such expression: RC_ABSENT. */
static enum rc run(const struct connector *c, const struct cJSON *number, const struct scene *s,
		   struct cJSON **out, struct fail *fail)
{
	int64_t n;
	if (!json_int(number, &n))
		return FAIL(fail, RC_ABSENT, "no expression");
	return jq_run(c->jq, (int)n, s->doc, s->ctx, out, fail);
}

/* --- input --- */

static bool has_type(const struct cJSON *v, const char *type)
{
	return (strcmp(type, "string") == 0 && json_is_string(v)) ||
	       (strcmp(type, "object") == 0 && json_is_object(v)) ||
	       (strcmp(type, "array") == 0 && json_is_array(v)) ||
	       (strcmp(type, "number") == 0 && json_is_number(v)) ||
	       (strcmp(type, "boolean") == 0 && json_is_bool(v));
}

static enum rc check_input(const struct connector *c, const char *op, const struct cJSON *input,
			   struct fail *fail)
{
	const struct cJSON *spec = json_key(engine_operation(c, op), "input");
	for (const struct cJSON *f = json_first(spec); f; f = json_next(f)) {
		const struct cJSON *v = json_key(input, json_name(f));
		if (json_is_null(v)) {
			if (json_true(json_key(f, "required")))
				return FAIL(fail, RC_MALFORMED, "%s: input.%s is missing", op,
					    json_name(f));
			continue;
		}
		if (!has_type(v, json_text_at(f, "type")))
			return FAIL(fail, RC_MALFORMED, "%s: input.%s: wanted a %s", op,
				    json_name(f), json_text_at(f, "type"));
	}
	for (const struct cJSON *v = json_first(input); v; v = json_next(v))
		if (!json_key(spec, json_name(v)))
			return FAIL(fail, RC_MALFORMED,
				    "%s: input.%s: the operation has no such field", op,
				    json_name(v));
	return RC_OK;
}

/* --- substitution: ${config.x} and ${secret:NAME} in a few named places, nothing else --- */

static const struct secret *find_secret(const struct connector *c, struct str name)
{
	for (size_t i = 0; i < c->secrets_n; i++)
		if (str_is(name, c->secrets[i].name))
			return &c->secrets[i].value;
	return NULL;
}

static enum rc substitute(const struct connector *c, const char *text, struct buf *out,
			  struct fail *fail)
{
	for (struct str s = str_z(text), before, inside; s.n;) {
		if (!str_cut(s, '$', &before, &s)) {
			buf_add(out, before);
			break;
		}
		buf_add(out, before);
		struct str rest;
		if (!str_starts(s, STR("{")) ||
		    !str_cut((struct str){ s.at + 1, s.n - 1 }, '}', &inside, &rest))
			return FAIL(fail, RC_MALFORMED,
				    "%s: wanted ${config.NAME} or ${secret:NAME}", text);
		s = rest;
		if (str_starts(inside, STR("config."))) {
			char name[64];
			snprintf(name, sizeof(name), "%.*s", (int)(inside.n - 7), inside.at + 7);
			const struct cJSON *v = json_key(c->config, name);
			if (!json_is_string(v))
				return FAIL(fail, RC_ABSENT, "%s: the configuration has no %s",
					    text, name);
			buf_addz(out, json_text(v));
			continue;
		}
		const struct secret *secret =
			str_starts(inside, STR("secret:"))
				? find_secret(c, (struct str){ inside.at + 7, inside.n - 7 })
				: NULL;
		if (!secret)
			return FAIL(fail, RC_ABSENT, "%.*s: no such secret", STR_ARG(inside));
		buf_add(out, secret_str(secret));
	}
	return out->broken ? FAIL(fail, RC_TOO_BIG, "%s: too long", text) : RC_OK;
}

/* --- request --- */

static void add_query(struct buf *url, const char *name, const struct cJSON *v, char *sep)
{
	CLEANUP(buf_free) struct buf value = BUF(URL_MAX);
	if (json_is_null(v))
		return;
	buf_addf(url, "%c", *sep);
	*sep = '&';
	buf_add_url(url, str_z(name));
	buf_addz(url, "=");
	if (json_is_string(v))
		buf_addz(&value, json_text(v));
	else
		json_print(v, &value);
	buf_add_url(url, buf_str(&value));
	url->broken = url->broken || value.broken;
}

/* "/a/{x}" with params encoded; what would climb ("." and "..") is refused. */
static enum rc add_path(struct buf *url, struct str path, const struct cJSON *params,
			struct fail *fail)
{
	struct str before, name;
	while (str_cut(path, '{', &before, &path)) {
		char key[64];
		buf_add(url, before);
		if (!str_cut(path, '}', &name, &path))
			return FAIL(fail, RC_MALFORMED, "path: { without }");
		snprintf(key, sizeof(key), "%.*s", STR_ARG(name));
		const char *v = json_text(json_key(params, key));
		if (!v[0] || strcmp(v, ".") == 0 || strcmp(v, "..") == 0)
			return FAIL(fail, RC_MALFORMED, "path: params gave no text for {%s}", key);
		buf_add_url(url, str_z(v));
	}
	buf_add(url, before);
	return RC_OK;
}

/* base_url and auth: of the operation, else of the whole connector. */
static const struct cJSON *own_or_all(const struct connector *c, const char *op, const char *key)
{
	const struct cJSON *own = json_key(engine_operation(c, op), key);
	return own ? own : json_key(c->doc, key);
}

/* The path, then the query object: arrays repeat, null drops. */
static enum rc build_url(const struct connector *c, const char *op, const struct scene *s,
			 struct buf *url, struct fail *fail)
{
	const struct cJSON *rq = json_key(engine_operation(c, op), "request");
	CLEANUP(json_done) struct cJSON *params = NULL, *query = NULL;
	enum rc rc = substitute(c, json_text(own_or_all(c, op, "base_url")), url, fail);
	if (rc == RC_OK && json_key(rq, "params"))
		rc = run(c, json_key(rq, "params"), s, &params, fail);
	if (rc == RC_OK && json_key(rq, "query"))
		rc = run(c, json_key(rq, "query"), s, &query, fail);
	if (rc == RC_OK)
		rc = add_path(url, str_z(json_text_at(rq, "path")), params, fail);
	if (rc != RC_OK)
		return rc;
	char sep = '?';
	for (const struct cJSON *q = json_first(query); q; q = json_next(q)) {
		if (!json_is_array(q))
			add_query(url, json_name(q), q, &sep);
		for (const struct cJSON *v = json_is_array(q) ? json_first(q) : NULL; v;
		     v = json_next(v))
			add_query(url, json_name(q), v, &sep);
	}
	return url->broken ? FAIL(fail, RC_TOO_BIG, "URL over %d bytes", URL_MAX) : RC_OK;
}

/* Three at most: of the body, of the answer, of who asks. */
static const char **free_header(struct request *out)
{
	size_t n = 0;
	while (out->headers[n])
		n++;
	return &out->headers[n];
}

static enum rc build_body(const struct connector *c, const char *op, const struct scene *scene,
			  struct arena *a, struct request *out, struct fail *fail)
{
	const struct cJSON *o = engine_operation(c, op), *expression = json_get(o, "request.body");
	CLEANUP(json_done) struct cJSON *body = NULL;
	if (!expression)
		return RC_OK;
	enum rc rc = run(c, expression, scene, &body, fail);
	if (rc == RC_OK && !json_is_object(body))
		rc = FAIL(fail, RC_MALFORMED, "%s: request.body: wanted an object", op);
	if (rc != RC_OK)
		return rc;
	for (const struct cJSON *s = json_first(json_key(o, "body_secrets")); s; s = json_next(s)) {
		CLEANUP(buf_free) struct buf value = BUF(SECRET_MAX);
		rc = substitute(c, json_text(s), &value, fail);
		if (rc != RC_OK)
			return rc;
		json_put(body, json_name(s), json_string_s(buf_str(&value)));
	}
	CLEANUP(buf_free) struct buf text = BUF(REQUEST_MAX);
	json_print(body, &text);
	if (text.broken)
		return FAIL(fail, RC_TOO_BIG, "%s: body over %d bytes", op, REQUEST_MAX);
	out->body = (struct str){ arena_str(a, buf_str(&text)), text.n };
	*free_header(out) = "Content-Type: application/json";
	return RC_OK;
}

/* A GET may say which version of the answer it wants. */
static enum rc add_accept(const struct cJSON *rq, struct arena *a, struct request *out,
			  struct fail *fail)
{
	const char *accept = json_text_at(rq, "accept");
	if (strpbrk(accept, "\r\n"))
		return FAIL(fail, RC_MALFORMED, "request.accept: a line break in a header");
	if (accept[0])
		*free_header(out) = arena_f(a, "Accept: %s", accept);
	return RC_OK;
}

static enum rc add_auth(const struct connector *c, const char *op, struct arena *a,
			struct request *out, struct fail *fail)
{
	const struct cJSON *auth = own_or_all(c, op, "auth");
	const char *kind = json_text_at(auth, "kind");
	CLEANUP(buf_free) struct buf header = BUF(SECRET_MAX + 64);
	if (!kind[0] || strcmp(kind, "none") == 0)
		return RC_OK;
	if (strcmp(kind, "bearer") == 0)
		buf_addz(&header, "Authorization: Bearer ");
	else if (strcmp(kind, "header") == 0)
		buf_addf(&header, "%s: ", json_text_at(auth, "name"));
	else
		return FAIL(fail, RC_MALFORMED,
			    "auth.kind %s: this program knows none, header and bearer", kind);
	enum rc rc = substitute(c, json_text_at(auth, "value"), &header, fail);
	if (rc == RC_OK && (str_has(buf_str(&header), '\r') || str_has(buf_str(&header), '\n')))
		rc = FAIL(fail, RC_MALFORMED, "auth: a line break in a header");
	if (rc == RC_OK)
		*free_header(out) = arena_str(a, buf_str(&header));
	return rc;
}

enum rc engine_request(const struct connector *c, const char *op, const struct cJSON *input,
		       struct arena *a, struct request *out, struct fail *fail)
{
	const struct cJSON *rq = json_key(engine_operation(c, op), "request");
	CLEANUP(buf_free) struct buf url = BUF(URL_MAX);
	CLEANUP(scene_done) struct scene s = scene_of(c, input);
	int64_t timeout_ms = 10 * SECOND_MS;
	*out = (struct request){ 0 };
	if (!rq)
		return FAIL(fail, RC_ABSENT, "the connector %s has no operation %s",
			    json_text_at(c->doc, "connector"), op);
	json_put(s.doc, "input", json_copy(input));
	json_put(s.doc, "config", json_copy(c->config));
	enum rc rc = check_input(c, op, input, fail);
	if (rc == RC_OK)
		rc = build_url(c, op, &s, &url, fail);
	if (rc == RC_OK)
		rc = build_body(c, op, &s, a, out, fail);
	if (rc == RC_OK)
		rc = add_accept(rq, a, out, fail);
	if (rc == RC_OK)
		rc = add_auth(c, op, a, out, fail);
	if (rc != RC_OK)
		return rc;
	when_parse_span(str_z(json_text_at(c->doc, "defaults.timeout")), &timeout_ms);
	out->method = arena_z(a, json_text_at(rq, "method"));
	out->url = arena_str(a, buf_str(&url));
	out->timeout_ms = timeout_ms;
	out->reply_bytes_max = REPLY_MAX;
	return RC_OK;
}

/* --- answer --- */

static enum outcome outcome_named(const char *word)
{
	static const char *const names[] = {
#define X(n) #n,
		OUTCOMES(X)
#undef X
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i], word) == 0)
			return (enum outcome)i;
	return OUTCOME_PERMANENT;
}

/* The first rule of the list whose `when` is true. A rule that fails is passed over: the list ends
 * in permanent anyway. */
static bool first_hit(const struct connector *c, const struct cJSON *rules, const struct scene *s,
		      enum outcome *out)
{
	for (const struct cJSON *rule = json_first(rules); rule; rule = json_next(rule)) {
		CLEANUP(json_done) struct cJSON *hit = NULL;
		struct fail fail;
		if (run(c, json_key(rule, "when"), s, &hit, &fail) == RC_OK && json_true(hit)) {
			*out = outcome_named(json_text_at(rule, "is"));
			return true;
		}
	}
	return false;
}

static struct scene reply_scene(const struct connector *c, const struct engine_reply *reply,
				const struct cJSON *input)
{
	struct scene s = scene_of(c, input);
	struct cJSON *body = json_parse(reply->body, NULL);
	json_put_num(s.doc, "status", reply->status);
	json_put(s.doc, "body", body ? body : json_null());
	return s;
}

struct cJSON *engine_read(const struct connector *c, const char *op, const struct cJSON *input,
			  const struct engine_reply *reply, enum outcome *outcome)
{
	const struct cJSON *o = engine_operation(c, op);
	CLEANUP(scene_done) struct scene s = reply_scene(c, reply, input);
	struct cJSON *output = NULL;
	struct fail fail;
	if (!first_hit(c, json_key(o, "outcome"), &s, outcome) &&
	    !first_hit(c, json_get(c->doc, "defaults.errors"), &s, outcome))
		*outcome = OUTCOME_PERMANENT;
	if ((*outcome == OUTCOME_DONE || *outcome == OUTCOME_ALREADY) &&
	    run(c, json_key(o, "output"), &s, &output, &fail) != RC_OK)
		output = NULL;
	return output;
}

struct cJSON *engine_revert(const struct connector *c, const char *op, const struct cJSON *input,
			    const struct cJSON *output)
{
	const struct cJSON *revert = json_key(engine_operation(c, op), "revert");
	CLEANUP(scene_done) struct scene s = scene_of(c, input);
	struct cJSON *made = NULL, *out;
	struct fail fail;
	json_put(s.doc, "input", json_copy(input));
	json_put(s.doc, "output", json_copy(output));
	if (!json_is_object(revert) || run(c, json_key(revert, "input"), &s, &made, &fail) != RC_OK)
		return NULL;
	out = json_object();
	json_put_text(out, "op", json_text_at(revert, "op"));
	json_put(out, "input", made);
	return out;
}

void engine_answer(const struct connector *c, const char *op, const struct cJSON *input,
		   const struct engine_reply *reply, struct arena *a, struct result *out)
{
	out->error = out->channel = out->ref = "";
	out->retry_after_ms = reply->retry_after_s > 0 ? reply->retry_after_s * SECOND_MS : 0;
	if (out->retry_after_ms > HOUR_MS)
		out->retry_after_ms = HOUR_MS;
	if (reply->status == 0) {
		out->outcome = reply->may_have_happened ? OUTCOME_UNKNOWN : OUTCOME_TRANSIENT;
		out->error = arena_z(a, reply->error);
		return;
	}
	CLEANUP(json_done) struct cJSON *output = engine_read(c, op, input, reply, &out->outcome);
	if (out->outcome == OUTCOME_DONE || out->outcome == OUTCOME_ALREADY)
		out->ref = arena_z(a, json_text_at(output, "key"));
	else
		out->error = arena_f(
			a, "HTTP %d %.*s", reply->status,
			STR_ARG(utf8_valid(reply->body) ? utf8_clip(reply->body, 200) : STR("")));
}
