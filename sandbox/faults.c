/* faults: armed failures, each with a place, a kind, how many times it bites and how often it lets
 * by first. Asked by api.c, pagerduty.c, hooks.c and socket.c; never touches their state. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <string.h>

/* The table of kinds: where each may be armed and whether the call is done before it fails. */
static const struct fault_kind {
	const char *name;
	bool on_socket, is_before;
	const char *told; /* what the ledger's `error` says; NULL: the call's own outcome */
} kinds[] = {
	{ "429", false, true, "ratelimited" },
	{ "429_bare", false, true, "ratelimited" },
	{ "400", false, true, "http_400" },
	{ "401", false, true, "http_401" },
	{ "500", false, true, "http_500" },
	{ "html", false, true, "http_503" },
	{ "refuse", false, true, "refused" },
	{ "error:", false, true, NULL },
	{ "slow", false, false, NULL },
	{ "timeout", false, false, "timeout" },
	{ "internal_error_done", false, false, "internal_error" },
	{ "truncated", false, false, "truncated" },
	{ "not_utf8", false, false, "not_utf8" },
	{ "html_ok", false, false, "html" },
	{ "lag", false, false, NULL },
	{ "accepted_no_incident", false, false, NULL },
	{ "no_hello", true, false, NULL },
	{ "silent", true, false, NULL },
	{ "half_open", true, false, NULL },
	{ "duplicate", true, false, NULL },
	{ "garbage", true, false, NULL },
	{ "large", true, false, NULL },
	{ "stay", true, false, NULL },
	{ "ghosts", true, false, NULL },
	{ "lost", true, false, NULL },
};

static const struct fault_kind *kind_of(const char *kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t n = strlen(kinds[i].name);
		if (strcmp(kinds[i].name, kind) == 0 ||
		    (kinds[i].name[n - 1] == ':' && strncmp(kind, kinds[i].name, n) == 0))
			return &kinds[i];
	}
	return NULL;
}

/* Methods of the Web API, and nothing else, have a dot in their name. */
static bool is_here(const struct fault *f, const char *where)
{
	return strcmp(f->where, where) == 0 ||
	       (strcmp(f->where, "api") == 0 && strchr(where, '.')) ||
	       (strcmp(f->where, "*") == 0 && strcmp(where, "socket") != 0);
}

static bool is_over(const struct world *w, const struct fault *f)
{
	return f->count <= 0 || (f->until_ms && f->until_ms <= w->now_ms);
}

const struct fault *fault_take_kind(struct world *w, const char *where, const char *kind,
				    struct fault *out)
{
	struct fault *f = w->faults.at;
	for (size_t i = 0; i < w->faults.n; i++) {
		if (is_over(w, &f[i]) || !is_here(&f[i], where) ||
		    (kind && strcmp(f[i].kind, kind) != 0))
			continue;
		if (f[i].after > 0) {
			f[i].after--;
			continue;
		}
		f[i].count -= f[i].until_ms ? 0 : 1;
		bitten(w, f[i].name);
		*out = f[i];
		return out;
	}
	return NULL;
}

const struct fault *fault_take(struct world *w, const char *where, struct fault *out)
{
	return w->faults.n ? fault_take_kind(w, where, NULL, out) : NULL;
}

bool fault_is_before(const struct fault *f)
{
	const struct fault_kind *k = kind_of(f->kind);
	return k && k->is_before;
}

static void body_is(struct world_reply *out, int status, const char *content_type, const char *body)
{
	out->status = status;
	if (content_type)
		out->content_type = content_type;
	buf_clear(&out->body);
	buf_addz(&out->body, body);
}

/* Answers that are the same whatever was asked. 400 as PagerDuty's Events word it, 401 as its REST
 * does. */
static bool is_canned(const char *kind, struct world_reply *out)
{
	static const struct {
		const char *kind;
		int status;
		const char *content_type, *body;
	} rows[] = {
		{ "400", 400, NULL,
		  "{\"status\":\"invalid event\",\"message\":\"Event object is invalid\","
		  "\"errors\":[\"Invalid routing key\"]}" },
		{ "401", 401, NULL, "{\"error\":{\"message\":\"Unauthorized\"}}" },
		{ "500", 500, NULL, "" },
		{ "html", 503, "text/html; charset=utf-8",
		  "<!DOCTYPE html>\n<html><head><title>Server "
		  "Error</title></head><body><h1>Server Error</h1></body></html>\n" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].kind, kind) == 0) {
			body_is(out, rows[i].status, rows[i].content_type, rows[i].body);
			return true;
		}
	return false;
}

const char *fault_spoil(const struct fault *f, struct world_reply *out)
{
	const struct fault_kind *k = kind_of(f->kind);
	if (!k)
		return NULL;
	if (is_canned(f->kind, out))
		return k->told;
	if (strncmp(f->kind, "429", 3) == 0) {
		body_is(out, 429, NULL, "{\"ok\":false,\"error\":\"ratelimited\"}");
		out->retry_after_s = f->kind[3] ? 0 : f->ms > 1000 ? f->ms / 1000 : 1;
	} else if (strcmp(f->kind, "refuse") == 0) {
		out->status = 0;
		out->delay_ms = -1;
	} else if (strcmp(f->kind, "timeout") == 0) {
		out->status = 0;
		out->delay_ms = f->ms > 0 ? f->ms : -1;
	} else if (strcmp(f->kind, "slow") == 0) {
		out->delay_ms = f->ms;
	} else if (strcmp(f->kind, "internal_error_done") == 0) {
		body_is(out, 200, NULL, "{\"ok\":false,\"error\":\"internal_error\"}");
	} else if (strcmp(f->kind, "truncated") == 0) {
		out->body.n /= 2;
	} else if (strcmp(f->kind, "not_utf8") == 0) {
		body_is(out, 200, NULL,
			"{\"ok\":true,\"channel\":\"\xff\xfe\",\"ts\":\"\xc0\x80\"}");
	} else if (strcmp(f->kind, "html_ok") == 0) {
		body_is(out, 200, "text/html; charset=utf-8", "<html>Please sign in</html>");
	} else if (strncmp(f->kind, "error:", 6) == 0) {
		struct cJSON *j = said_no(f->kind + 6);
		buf_clear(&out->body);
		json_print(j, &out->body);
		json_free(j);
		return f->kind + 6;
	}
	return k->told;
}

struct cJSON *control_fault(struct world *w, const struct cJSON *args)
{
	struct fault f = { .count = 1 };
	TEXT_SET(f.where, json_text_at(args, "where"));
	TEXT_SET(f.kind, json_text_at(args, "kind"));
	TEXT_SET(f.name, *json_text_at(args, "name") ? json_text_at(args, "name") : f.kind);
	(void)json_int(json_get(args, "count"), &f.count);
	(void)json_int(json_get(args, "after"), &f.after);
	(void)json_int(json_get(args, "ms"), &f.ms);
	(void)json_int(json_get(args, "for_ms"), &f.until_ms);
	const struct fault_kind *k = kind_of(f.kind);
	if (!k)
		return said_no("no such kind of fault");
	if (!*f.where || k->on_socket != (strcmp(f.where, "socket") == 0))
		return said_no("that kind does not go with that place");
	if (f.count < 1 || f.after < 0 || f.ms < 0 || f.ms > HOUR_MS || f.until_ms < 0 ||
	    f.until_ms > DAY_MS)
		return said_no("count, after, ms or for_ms out of range");
	f.until_ms += f.until_ms ? w->now_ms : 0;
	struct fault *all = w->faults.at;
	for (size_t i = 0; i < w->faults.n; i++)
		if (is_over(w, &all[i])) {
			all[i] = f;
			return said_yes();
		}
	if (w->faults.n >= FAULTS_MAX)
		return said_no("too many faults are armed");
	*(struct fault *)list_add(&w->faults, sizeof f) = f;
	return said_yes();
}

/* How often faults of each name bit. */
struct cJSON *control_bites(struct world *w, const struct cJSON *args)
{
	struct cJSON *out = said_yes();
	(void)args;
	json_put(out, "bites", counts_json(w->bites, BITES_MAX));
	return out;
}
