/* world: the model's frame: birth and death, time, chance, ids, the queue of events, and which file
 * answers what. Called through world.h; never opens a socket, never reads a clock. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *list_add(struct list *l, size_t each)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->at = mem_grow(l->at, l->cap * each);
	}
	void *last = (char *)l->at + l->n++ * each;
	memset(last, 0, each);
	return last;
}

void list_cut(struct list *l, size_t each, size_t first_n)
{
	if (!first_n)
		return;
	memmove(l->at, (char *)l->at + first_n * each, (l->n - first_n) * each);
	l->n -= first_n;
}

void text_set(char *out, size_t size, const char *z)
{
	size_t n = strnlen(z, size - 1);
	memcpy(out, z, n);
	out[n] = 0;
}

char *text_f(const char *format, ...)
{
	va_list ap, again;
	va_start(ap, format);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	size_t size = n < 0 ? 1 : (size_t)n + 1;
	char *z = mem_new(size);
	(void)vsnprintf(z, size, format, again);
	va_end(again);
	return z;
}

uint64_t world_dice(struct world *w) /* splitmix64 */
{
	uint64_t z = w->dice += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void world_id(struct world *w, char prefix, word out)
{
	(void)snprintf(out, sizeof(word), "%c0%08" PRIX64, prefix, ++w->ids & UINT64_C(0xffffffff));
}

void world_uuid(struct world *w, char out[40])
{
	uint64_t a = world_dice(w), b = world_dice(w);
	(void)snprintf(out, 40,
		       "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
		       a >> 32, (a >> 16) & 0xffff, a & 0xfff, 0x8000 | (b >> 50),
		       b & UINT64_C(0xffffffffffff));
}

void world_stamp(struct world *w, stamp out, int64_t *us)
{
	int64_t at = w->now_ms * 1000;
	w->last_us = at > w->last_us ? at : w->last_us + 1;
	(void)snprintf(out, sizeof(stamp), "%" PRId64 ".%06d", w->last_us / 1000000,
		       (int)(w->last_us % 1000000));
	*us = w->last_us;
}

int64_t stamp_us(const char *ts)
{
	struct str head, tail;
	int64_t s, us = 0;
	if (!str_cut(str_z(ts), '.', &head, &tail))
		return str_int(head, &s) && s >= 0 && s < INT64_C(100000000000) ? s * 1000000 : -1;
	if (tail.n != 6 || !str_int(head, &s) || !str_int(tail, &us) || s < 0 || us < 0 ||
	    s > INT64_C(100000000000))
		return -1;
	return s * 1000000 + us;
}

int64_t world_begin(struct world *w, int64_t now_ms)
{
	int64_t now = now_ms + w->ahead_ms;
	now = now > w->now_ms ? now : w->now_ms;
	sockets_pass(w, now - w->now_ms);
	w->now_ms = now;
	return w->now_ms;
}

void world_emit(struct world *w, enum world_event_kind kind, int socket, char *owned_text, int code)
{
	if (w->queue.n - w->queue_head >= EVENTS_MAX) {
		free(owned_text);
		return;
	}
	struct queued *q = list_add(&w->queue, sizeof *q);
	*q = (struct queued){ .kind = kind, .socket = socket, .text = owned_text, .code = code };
}

bool world_event_next(struct world *w, struct world_event *out)
{
	free(w->taken);
	w->taken = NULL;
	if (w->queue_head == w->queue.n) {
		w->queue_head = w->queue.n = 0;
		return false;
	}
	struct queued *q = (struct queued *)w->queue.at + w->queue_head++;
	w->taken = q->text;
	*out = (struct world_event){
		.kind = q->kind, .socket = q->socket, .text = str_z(q->text), .code = q->code
	};
	return true;
}

struct world *world_new(const struct world_options *o)
{
	struct world *w = mem_new(sizeof *w);
	w->options = *o;
	w->dice = o->seed;
	w->ws_base = mem_str(str_z(o->ws_base));
	w->http_base = strncmp(w->ws_base, "ws", 2) == 0 ? text_f("http%s", w->ws_base + 2)
							 : mem_str(str_z(w->ws_base));
	w->options.ws_base = w->ws_base;
	w->is_deduping = true;
	w->scopes = scopes_at_first();
	people_new(w);
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	struct delivery *d = w->deliveries.at;
	for (size_t i = 0; i < w->deliveries.n; i++)
		json_free(d[i].payload);
	struct queued *q = w->queue.at;
	for (size_t i = w->queue_head; i < w->queue.n; i++)
		free(q[i].text);
	people_free(w);
	ledger_free(w);
	views_free(w);
	pager_free(w);
	void *lists[] = { w->triggers.at,   w->hooks.at,  w->sockets.at, w->tickets.at,
			  w->deliveries.at, w->faults.at, w->queue.at };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		free(lists[i]);
	free(w->taken);
	free(w->ws_base);
	free(w->http_base);
	free(w);
}

void world_http(struct world *w, const struct world_request *rq, int64_t now_ms,
		struct world_reply *out)
{
	world_begin(w, now_ms);
	*out = (struct world_reply){ .status = 200,
				     .content_type = "application/json; charset=utf-8" };
	out->body = BUF(BODY_MAX);
	if (str_starts(rq->path, STR("/api/"))) {
		api_http(w, rq, out);
	} else if (str_starts(rq->path, STR("/response/"))) {
		hook_http(w, rq, out);
	} else if (str_starts(rq->path, STR("/pagerduty"))) {
		pager_http(w, rq, out);
	} else {
		out->status = 404;
		buf_addz(&out->body, "{\"ok\":false,\"error\":\"no_such_path\"}");
	}
	w->changed++;
}

uint64_t world_changed(const struct world *w) { return w->changed; }

int64_t world_due_ms(const struct world *w)
{
	int64_t a = sockets_due_ms(w), b = deliveries_due_ms(w);
	int64_t due = a < b ? a : b;
	return due == NEVER_MS ? due : due - w->ahead_ms;
}

void world_tick(struct world *w, int64_t now_ms)
{
	world_begin(w, now_ms);
	sockets_tick(w);
	deliveries_tick(w);
}

/* --- verbs --- */

struct cJSON *said_no(const char *error)
{
	struct cJSON *j = json_object();
	json_put_bool(j, "ok", false);
	json_put_text(j, "error", error);
	return j;
}

struct cJSON *said_yes(void)
{
	struct cJSON *j = json_object();
	json_put_bool(j, "ok", true);
	return j;
}

static struct cJSON *verb_state(struct world *w, const struct cJSON *args)
{
	return state_json(w, args);
}

static struct cJSON *verb_ledger(struct world *w, const struct cJSON *args)
{
	return ledger_json(w, args);
}

static struct cJSON *verb_heal(struct world *w, const struct cJSON *args)
{
	(void)args;
	w->faults.n = 0;
	struct socket *s = w->sockets.at;
	for (size_t i = 0; i < w->sockets.n; i++) {
		s[i].is_half_open = false;
		if (s[i].is_ghost && s[i].ghost_until_ms == NEVER_MS)
			s[i].ghost_until_ms = w->now_ms;
	}
	return said_yes();
}

static struct cJSON *verb_limits(struct world *w, const struct cJSON *args)
{
	const char *mode = json_text_at(args, "mode");
	if (strcmp(mode, "slack") != 0 && strcmp(mode, "fast") != 0)
		return said_no("mode must be slack or fast");
	w->options.slack_limits = mode[0] == 's';
	return said_yes();
}

static struct cJSON *verb_advance(struct world *w, const struct cJSON *args)
{
	int64_t ms = 0;
	if (!json_int(json_get(args, "ms"), &ms) || ms < 0 || ms > 366 * DAY_MS)
		return said_no("ms must be 0 to 366 days");
	int64_t end = w->now_ms + ms;
	w->ahead_ms += ms;
	for (int64_t due; (due = world_due_ms(w)) != NEVER_MS && due + w->ahead_ms <= end;)
		world_tick(w, due); /* in their order, each at its own time */
	w->now_ms = end;
	return said_yes();
}

static struct cJSON *verb_dedupe(struct world *w, const struct cJSON *args)
{
	w->is_deduping = json_true(json_get(args, "on"));
	return said_yes();
}

static struct cJSON *verb_echo(struct world *w, const struct cJSON *args)
{
	w->is_echoing = json_true(json_get(args, "on"));
	return said_yes();
}

static const struct verb {
	const char *name;
	struct cJSON *(*run)(struct world *w, const struct cJSON *args);
	bool reads_only;
} verbs[] = {
	{ "state", verb_state, true },
	{ "ledger", verb_ledger, true },
	{ "messages", control_messages, true },
	{ "sockets", control_sockets, true },
	{ "click", act_click, false },
	{ "submit", act_submit, false },
	{ "close_view", act_close_view, false },
	{ "say", act_say, false },
	{ "delete", act_delete, false },
	{ "slash", act_slash, false },
	{ "home", act_home, false },
	{ "resend", control_resend, false },
	{ "fault", control_fault, false },
	{ "heal", verb_heal, false },
	{ "bites", control_bites, true },
	{ "disconnect", control_disconnect, false },
	{ "drop", control_drop, false },
	{ "limits", verb_limits, false },
	{ "advance", verb_advance, false },
	{ "dedupe", verb_dedupe, false },
	{ "echo", verb_echo, false },
	{ "scopes", control_scopes, false },
	{ "tokens", control_tokens, false },
	{ "socket_mode", control_socket_mode, false },
	{ "person", control_person, false },
	{ "channel", control_channel, false },
	{ "pager", control_pager, false },
};

struct cJSON *world_control(struct world *w, const char *verb, const struct cJSON *args,
			    int64_t now_ms)
{
	world_begin(w, now_ms);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		w->changed += !verbs[i].reads_only;
		return verbs[i].run(w, args);
	}
	return said_no("no such verb");
}
