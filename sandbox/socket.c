/* socket: Socket Mode's connections: tickets, hello, pings, refreshes, ghosts, and which one an
 * envelope takes. What is said over them stands in envelopes.c. Rules: docs.slack.dev. */
#include "base/when.h"
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICKET_MS = 30 * 1000,
	PING_MS = 10 * 1000,
	REFRESH_S = 18060,      /* what real hellos say: about five hours */
	REFRESH_DEBUG_S = 360,  /* with &debug_reconnects=true */
	WARNING_MS = 10 * 1000, /* from the disconnect frame to the end */
	REFUSE_MS = 1000,       /* the same for too_many_websockets and link_disabled */
	GHOST_MS = 10 * 60 * 1000,
};

void ticket_new(struct world *w, char *url, size_t size)
{
	if (w->tickets.n >= TICKETS_MAX)
		list_cut(&w->tickets, sizeof(struct ticket), TICKETS_MAX / 4);
	struct ticket *t = list_add(&w->tickets, sizeof *t);
	world_uuid(w, t->id);
	t->until_ms = w->now_ms + TICKET_MS;
	(void)snprintf(url, size, "%s/link/?ticket=%s&app_id=" APP_ID, w->ws_base, t->id);
}

static struct socket *socket_at(const struct world *w, int number)
{
	struct socket *s = w->sockets.at;
	for (size_t i = 0; i < w->sockets.n; i++)
		if (s[i].number == number)
			return &s[i];
	return NULL;
}

static void socket_forget(struct world *w, struct socket *s)
{
	size_t i = (size_t)(s - (struct socket *)w->sockets.at);
	memmove(s, s + 1, (w->sockets.n - i - 1) * sizeof *s);
	w->sockets.n--;
	w->changed++;
}

void socket_send(struct world *w, struct socket *s, char *owned_frame)
{
	if (s->is_half_open || s->is_ghost) {
		free(owned_frame);
		return;
	}
	wire_note(w, "frame out", owned_frame);
	world_emit(w, WORLD_FRAME, s->number, owned_frame, 0);
}

static void say_disconnect(struct world *w, struct socket *s, const char *reason)
{
	bool is_final = strcmp(reason, "warning") != 0 && strcmp(reason, "refresh_requested") != 0;
	socket_send(w, s,
		    text_f("{\"type\":\"disconnect\",\"reason\":\"%s\",\"debug_info\":{\"host\":"
			   "\"applink-1\"}}",
			   reason));
	s->refresh_ms = NEVER_MS;
	s->drop_ms = w->now_ms + (is_final ? REFUSE_MS : WARNING_MS);
	s->drop_with_close = is_final || world_dice(w) % 2;
}

static void say_hello(struct world *w, struct socket *s, bool is_debug)
{
	int64_t life_s = is_debug ? REFRESH_DEBUG_S : REFRESH_S;
	s->refresh_ms = w->now_ms + life_s * 1000;
	s->said_hello = true;
	struct fault kept;
	if (fault_take_kind(w, "socket", "no_hello", &kept)) {
		s->said_hello = false;
		return;
	}
	w->sockets_count.greeted++;
	socket_send(w, s,
		    text_f("{\"type\":\"hello\",\"num_connections\":%zu,\"debug_info\":{\"host\":"
			   "\"applink-1\","
			   "\"build_number\":1,\"approximate_connection_time\":%" PRId64
			   "},\"connection_info\":{\"app_id\":\"" APP_ID "\"}}",
			   w->sockets.n, life_s));
}

static struct ticket *ticket_find(const struct world *w, struct str query, bool *is_debug)
{
	struct ticket *found = NULL, *t = w->tickets.at;
	*is_debug = false;
	for (struct str pair, rest = query; rest.n;) {
		struct str key, value;
		str_cut(rest, '&', &pair, &rest);
		str_cut(pair, '=', &key, &value);
		if (str_is(key, "debug_reconnects"))
			*is_debug = str_is(value, "true");
		for (size_t i = 0; str_is(key, "ticket") && i < w->tickets.n; i++)
			if (str_is(value, t[i].id))
				found = &t[i];
	}
	return found;
}

int world_socket_open(struct world *w, struct str path, struct str query, int64_t now_ms)
{
	world_begin(w, now_ms);
	bool is_debug;
	struct ticket *t = ticket_find(w, query, &is_debug);
	if (!str_is(path, "/link/") || !t || t->used || w->now_ms > t->until_ms ||
	    w->sockets.n >= SOCKETS_MAX) {
		refused(w, "ticket");
		wire_note(w, "socket refused", "unknown, used or old ticket");
		return 0;
	}
	t->used = true;
	struct socket *s = list_add(&w->sockets, sizeof *s);
	*s = (struct socket){ .number = ++w->last_socket,
			      .refresh_ms = NEVER_MS,
			      .drop_ms = NEVER_MS };
	s->ping_ms = w->now_ms + PING_MS;
	s->ghost_until_ms = NEVER_MS;
	w->changed++;
	wire_note(w, "socket open", "");
	int number = s->number;
	if (w->sockets.n > REGISTRATIONS_MAX) {
		refused(w, "too_many_websockets");
		say_disconnect(w, s, "too_many_websockets");
	} else if (w->is_socket_mode_off) {
		say_disconnect(w, s, "link_disabled");
	} else {
		say_hello(w, s, is_debug);
	}
	return number;
}

void world_socket_text(struct world *w, int socket, struct str text, int64_t now_ms)
{
	world_begin(w, now_ms);
	const struct socket *s = socket_at(w, socket);
	if (s && !s->is_half_open && !s->is_ghost)
		ack_take(w, text);
}

bool socket_is_live(const struct world *w, int number)
{
	const struct socket *s = socket_at(w, number);
	return s && !s->is_ghost && !s->is_half_open;
}

bool world_socket_is_deaf(const struct world *w, int socket)
{
	const struct socket *s = socket_at(w, socket);
	return s && s->is_half_open;
}

void world_socket_refuse(struct world *w, const char *rule, int64_t now_ms)
{
	world_begin(w, now_ms);
	refused(w, rule);
	wire_note(w, "frame in, dropped", rule);
}

void world_socket_closed(struct world *w, int socket, bool with_close_frame, int64_t now_ms)
{
	world_begin(w, now_ms);
	struct socket *s = socket_at(w, socket);
	if (!s || s->is_ghost)
		return;
	wire_note(w, with_close_frame ? "socket closed" : "socket gone without Close", "");
	if (with_close_frame)
		w->sockets_count.closed++;
	else
		w->sockets_count.lost++;
	if (with_close_frame) {
		socket_forget(w, s);
		return;
	}
	s->is_ghost = true;
	s->ping_ms = s->refresh_ms = s->drop_ms = NEVER_MS;
	struct fault kept;
	s->ghost_until_ms =
		fault_take_kind(w, "socket", "stay", &kept) ? NEVER_MS : w->now_ms + GHOST_MS;
	w->changed++;
}

struct socket *socket_pick(struct world *w)
{
	struct socket *s = w->sockets.at;
	struct fault kept;
	size_t up = 0;
	for (size_t i = 0; i < w->sockets.n; i++)
		up += !s[i].is_ghost && s[i].said_hello;
	if (up != w->sockets.n && w->sockets.n && fault_take_kind(w, "socket", "ghosts", &kept))
		for (size_t i = 0; i < w->sockets.n; i++)
			if (s[i].is_ghost)
				return &s[i];
	size_t chosen = up ? world_dice(w) % up : 0;
	for (size_t i = 0; i < w->sockets.n; i++)
		if (!s[i].is_ghost && s[i].said_hello && chosen-- == 0)
			return &s[i];
	return NULL;
}

void sockets_pass(struct world *w, int64_t ms)
{
	struct socket_count *n = &w->sockets_count;
	const struct socket *s = w->sockets.at;
	bool can_hear = n->greeted == 0;
	for (size_t i = 0; i < w->sockets.n && !can_hear; i++)
		can_hear = s[i].said_hello && !s[i].is_ghost && !s[i].is_half_open;
	n->deaf += !can_hear && !n->is_deaf;
	n->deaf_ms += can_hear ? 0 : ms;
	n->is_deaf = !can_hear;
}

static int64_t socket_due_ms(const struct socket *s)
{
	if (s->is_ghost)
		return s->ghost_until_ms;
	return when_earlier(s->ping_ms, when_earlier(s->refresh_ms, s->drop_ms));
}

int64_t sockets_due_ms(const struct world *w)
{
	const struct socket *s = w->sockets.at;
	int64_t due = NEVER_MS;
	for (size_t i = 0; i < w->sockets.n; i++)
		due = when_earlier(due, socket_due_ms(&s[i]));
	return due;
}

static void ping(struct world *w, struct socket *s)
{
	struct fault kept;
	s->ping_ms = w->now_ms + PING_MS;
	if (fault_take_kind(w, "socket", "half_open", &kept))
		s->is_half_open = true;
	if (!s->is_half_open && !fault_take_kind(w, "socket", "silent", &kept))
		world_emit(w, WORLD_PING, s->number, text_f("Ping from applink-1"), 0);
}

static void socket_tick(struct world *w, struct socket *s)
{
	if (s->is_ghost) {
		socket_forget(w, s);
	} else if (s->drop_ms <= w->now_ms) {
		world_emit(w, s->drop_with_close ? WORLD_CLOSE : WORLD_DROP, s->number, NULL, 1000);
		w->sockets_count.ended += s->drop_with_close;
		w->sockets_count.dropped += !s->drop_with_close;
		socket_forget(w, s);
	} else if (s->refresh_ms <= w->now_ms) {
		say_disconnect(w, s, world_dice(w) % 2 ? "warning" : "refresh_requested");
	} else {
		ping(w, s);
	}
}

void sockets_tick(struct world *w)
{
	for (size_t i = 0; i < w->sockets.n;) {
		struct socket *s = (struct socket *)w->sockets.at + i;
		if (socket_due_ms(s) > w->now_ms)
			i++;
		else
			socket_tick(w, s); /* forgets it, or moves its time on: look at the same
					      place again */
	}
}

struct cJSON *control_disconnect(struct world *w, const struct cJSON *args)
{
	const char *reason = json_text_at(args, "reason");
	static const char *const known[] = { "warning", "refresh_requested", "link_disabled",
					     "too_many_websockets" };
	bool is_known = false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		is_known = is_known || strcmp(known[i], reason) == 0;
	if (!is_known)
		return said_no("no such reason");
	struct socket *s = w->sockets.at;
	for (size_t i = 0; i < w->sockets.n; i++)
		if (!s[i].is_ghost)
			say_disconnect(w, &s[i], reason);
	return said_yes();
}

struct cJSON *control_socket_mode(struct world *w, const struct cJSON *args)
{
	w->is_socket_mode_off = !json_true(json_get(args, "on"));
	struct socket *s = w->sockets.at;
	for (size_t i = 0; w->is_socket_mode_off && i < w->sockets.n; i++)
		if (!s[i].is_ghost)
			say_disconnect(w, &s[i], "link_disabled");
	return said_yes();
}

struct cJSON *control_drop(struct world *w, const struct cJSON *args)
{
	int64_t only = 0, n = 0;
	(void)json_int(json_get(args, "socket"), &only);
	for (size_t i = 0; i < w->sockets.n;) {
		struct socket *s = (struct socket *)w->sockets.at + i;
		if (s->is_ghost || (only && s->number != only)) {
			i++;
			continue;
		}
		world_emit(w, WORLD_DROP, s->number, NULL, 0);
		w->sockets_count.dropped++;
		socket_forget(w, s);
		n++;
	}
	struct cJSON *out = said_yes();
	json_put_num(out, "dropped", (double)n);
	return out;
}
