/* test_sandbox_help: a world in one's hand: calls, verbs and frames in a line each. For
 * tests/unit/test_sandbox_*.c. */
#ifndef TEST_SANDBOX_HELP_H
#define TEST_SANDBOX_HELP_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "sandbox/world.h"

#define BOT  "Bearer xoxb-T0SANDBOX-secret"
#define APP  "Bearer xapp-1-A0SANDBOX-1-secret"
#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json; charset=utf-8"
#define KEY  "R0SANDBOXR0SANDBOXR0SANDBOX00000"
#define T0   INT64_C(1764000000000) /* 2025-11-24T16:00:00Z */

struct lab {
	struct world *w;
	int64_t now_ms;
	struct world_reply last; /* of http(); its body is freed by the next one */
	struct cJSON *json;      /* that body, read */
	char frame[65536];       /* of next_frame() */
	int frame_socket;
};

static inline struct lab lab_new(bool slack_limits)
{
	struct world_options o = { .slack_limits = slack_limits,
				   .seed = 7,
				   .ws_base = "ws://127.0.0.1:1" };
	return (struct lab){ .w = world_new(&o), .now_ms = T0 };
}

static inline void lab_free(struct lab *l)
{
	json_free(l->json);
	buf_free(&l->last.body);
	world_free(l->w);
}

static inline const struct cJSON *http(struct lab *l, const struct world_request *rq)
{
	json_free(l->json);
	buf_free(&l->last.body);
	world_http(l->w, rq, l->now_ms, &l->last);
	l->json = json_parse(buf_str(&l->last.body), NULL);
	return l->json;
}

/* A Web API call by the bot with a JSON body. */
static inline const struct cJSON *api(struct lab *l, const char *method, const char *json)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/api/%s", method);
	struct world_request rq = { STR("POST"), str_z(path), STR(""),
				    STR(BOT),    STR(JSON),   str_z(json) };
	return http(l, &rq);
}

/* The same with a form body. */
static inline const struct cJSON *form(struct lab *l, const char *method, const char *body)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/api/%s", method);
	struct world_request rq = { STR("POST"), str_z(path), STR(""),
				    STR(BOT),    STR(FORM),   str_z(body) };
	return http(l, &rq);
}

static inline void assert_api_ok(struct lab *l, const char *method, const char *json)
{
	if (!json_true(json_get(api(l, method, json), "ok")))
		fail_msg("%s %s: %s", method, json, json_text_at(l->json, "error"));
}

static inline void assert_api_error(struct lab *l, const char *method, const char *json,
				    const char *error)
{
	assert_string_equal(json_text_at(api(l, method, json), "error"), error);
	assert_false(json_true(json_get(l->json, "ok")));
}

/* A verb; json_free() the answer. */
static inline struct cJSON *verb(struct lab *l, const char *name, const char *args)
{
	struct cJSON *a = json_parse(str_z(args), NULL);
	assert_non_null(a);
	struct cJSON *out = world_control(l->w, name, a, l->now_ms);
	json_free(a);
	return out;
}

static inline void verb_ok(struct lab *l, const char *name, const char *args)
{
	struct cJSON *out = verb(l, name, args);
	if (!json_true(json_get(out, "ok")))
		fail_msg("%s %s: %s", name, args, json_text_at(out, "error"));
	json_free(out);
}

static inline void verb_refused(struct lab *l, const char *name, const char *args)
{
	struct cJSON *out = verb(l, name, args);
	assert_false(json_true(json_get(out, "ok")));
	assert_true(*json_text_at(out, "error"));
	json_free(out);
}

/* How often a rule refused something. */
static inline int refusals(struct lab *l, const char *rule)
{
	struct cJSON *ledger = verb(l, "ledger", "{}");
	int n = (int)json_number(json_key(json_get(ledger, "refusals"), rule));
	json_free(ledger);
	return n;
}

static inline size_t refusals_all(struct lab *l)
{
	struct cJSON *ledger = verb(l, "ledger", "{}");
	size_t n = json_count(json_get(ledger, "refusals"));
	json_free(ledger);
	return n;
}

/* The next event; a frame's text is kept in l->frame. False if none waits. */
static inline bool next_event(struct lab *l, struct world_event *ev)
{
	if (!world_event_next(l->w, ev))
		return false;
	(void)snprintf(l->frame, sizeof l->frame, "%.*s", STR_ARG(ev->text));
	l->frame_socket = ev->socket;
	return true;
}

static inline bool next_frame(struct lab *l)
{
	struct world_event ev;
	while (next_event(l, &ev))
		if (ev.kind == WORLD_FRAME)
			return true;
	return false;
}

static inline int dial(struct lab *l) /* a fresh ticket and a socket; its hello is left waiting */
{
	struct world_request rq = { STR("POST"), STR("/api/apps.connections.open"),
				    STR(""),     STR(APP),
				    STR(FORM),   STR("") };
	const char *url = json_text_at(http(l, &rq), "url"), *query = strchr(url, '?');
	assert_non_null(query);
	return world_socket_open(l->w, STR("/link/"), str_z(query + 1), l->now_ms);
}

static inline int dial_up(struct lab *l) /* the same, its hello read */
{
	int n = dial(l);
	assert_true(n > 0 && next_frame(l));
	return n;
}

static inline void ack(struct lab *l, int socket, const char *payload)
{
	struct cJSON *j = json_parse(str_z(l->frame), NULL);
	char text[4096];
	(void)snprintf(text, sizeof text, "{\"envelope_id\":\"%s\"%s%s}",
		       json_text_at(j, "envelope_id"), payload ? ",\"payload\":" : "",
		       payload ? payload : "");
	json_free(j);
	world_socket_text(l->w, socket, str_z(text), l->now_ms);
}

static inline void sleep_ms(struct lab *l, int64_t ms) /* the clock goes on, timers ring */
{
	int64_t end = l->now_ms + ms;
	for (int64_t due; (due = world_due_ms(l->w)) <= end; world_tick(l->w, l->now_ms))
		l->now_ms = due > l->now_ms ? due : l->now_ms;
	l->now_ms = end;
}

/* A member of the newest frame, in a buffer that the next call re-uses. */
static inline const char *framed(struct lab *l, const char *path)
{
	static char text[4096];
	struct cJSON *j = json_parse(str_z(l->frame), NULL);
	(void)snprintf(text, sizeof text, "%s", json_text_at(j, path));
	json_free(j);
	return text;
}
#endif
