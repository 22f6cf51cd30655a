/* lab_net: the border between process and world: carries requests, frames and answers across it
 * with latency, and writes down what crossed. What has left goes on when the process dies; what
 * comes back to a dead one is lost. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab_inside.h"

int64_t lab_latency(struct lab *l)
{
	return l->o.latency_ms + (int64_t)(lab_random(l) % (uint64_t)(l->o.latency_ms + 1));
}

/* Every send is a moment to die before and after. */
static bool may_send(struct lab *l, const char *what)
{
	char point[48];
	snprintf(point, sizeof(point), "send %s before", what);
	if (!lab_alive(l, point))
		return false;
	if (lab_watcher.released)
		lab_watcher.released(l, what);
	return true;
}
static void has_sent(struct lab *l, const char *what)
{
	char point[48];
	snprintf(point, sizeof(point), "send %s after", what);
	(void)lab_alive(l, point);
}

/* --- what the turn releases --- */

static const char *path_of(const char *url)
{
	const char *slashes = strstr(url, "//"), *path = slashes ? strchr(slashes + 2, '/') : NULL;
	return path ? path : "/";
}

static const char *request_name(const char *url)
{
	static const char *const names[] = {
		"rest/incidents",   "pagerduty-eu",  "pagerduty", "chat.postMessage",
		"chat.update",      "conversations", "users",     "views",
		"apps.connections", "auth",          "response",  "chat.postEphemeral"
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(url, names[i]))
			return names[i];
	return "request";
}

/* No name, no route, no TLS: it never left, and the process knows. */
static void unreached(struct lab *l, uint64_t ticket)
{
	struct happening *h = lab_schedule(l, HAPPENS_REPLY, l->stall_ms + lab_latency(l));
	h->ticket = ticket;
	h->retry_after_s = -1;
}

static void net_http(void *self, uint64_t ticket, const struct request *rq)
{
	struct lab *l = self;
	const char *name = request_name(rq->url);
	if (!may_send(l, name))
		return;
	bool is_pager = strcmp(name, "pagerduty") == 0 || strcmp(name, "rest/incidents") == 0;
	if (lab_suffers(l, is_pager ? LAB_NO_PAGER : LAB_NO_SLACK)) {
		unreached(l, ticket);
		has_sent(l, name);
		return;
	}
	struct happening *h = lab_schedule(l, HAPPENS_REQUEST, l->stall_ms + lab_latency(l));
	h->ticket = ticket;
	h->url = mem_str(str_z(path_of(rq->url)));
	h->method = strcmp(rq->method, "GET") == 0 ? "GET" : "POST";
	h->text = mem_str(rq->body);
	h->n = rq->body.n;
	for (size_t i = 0; i < 6 && rq->headers[i]; i++) {
		struct str head = str_z(rq->headers[i]), field, value;
		str_cut(head, ':', &field, &value);
		if (str_is(field, "Authorization"))
			h->authorization = mem_str(str_trim(value));
		if (str_is(field, "Content-Type"))
			h->content_type = mem_str(str_trim(value));
	}
	has_sent(l, name);
}

static void net_answer(void *self, uint64_t ticket, int status, struct str body, int retry_after_s)
{
	struct lab *l = self;
	(void)retry_after_s;
	if (!may_send(l, "202"))
		return;
	for (size_t i = 0; i < TURN_BATCH_MAX; i++)
		if (l->asked[i].ticket == ticket && l->asked[i].post) {
			struct fail fail;
			CLEANUP(json_done)
			struct cJSON *j = body.n ? json_parse(body, &fail) : NULL;
			struct str id = str_z(json_text_at(j, "id")), kind, n;
			l->asked[i].post->status = status;
			if (str_cut(id, '-', &kind, &n))
				(void)str_int(n, &l->asked[i].post->alert_id);
			l->asked[i].post = NULL;
			lab_note(l, "answer", (uint64_t)status, body);
		}
	has_sent(l, "202");
}

static struct lab_socket *socket_ours(struct lab *l, uint64_t ours)
{
	for (size_t i = 0; i < LAB_SOCKETS_MAX; i++)
		if (l->sockets[i].ours == ours)
			return &l->sockets[i];
	return NULL;
}

static void net_dial(void *self, uint64_t socket, const char *url)
{
	struct lab *l = self;
	if (!may_send(l, "dial"))
		return;
	if (lab_suffers(l, LAB_NO_SLACK)) {
		lab_schedule(l, HAPPENS_CLOSED, lab_latency(l))->ticket = socket;
		return;
	}
	struct happening *h = lab_schedule(l, HAPPENS_DIAL, l->stall_ms + lab_latency(l));
	h->ticket = socket;
	h->url = mem_str(str_z(path_of(url)));
}

static void net_frame(void *self, uint64_t socket, struct str text)
{
	struct lab *l = self;
	struct lab_socket *s = socket_ours(l, socket);
	if (!may_send(l, "ack"))
		return;
	if (s && lab_suffers(l, LAB_NO_ACK)) { /* written into a socket that is gone */
		l->fault_until_ms[LAB_NO_ACK] = 0;
		world_socket_closed(l->world, s->theirs, false, l->now_ms);
		lab_schedule(l, HAPPENS_CLOSED, lab_latency(l))->ticket = socket;
		*s = (struct lab_socket){ 0 };
	} else if (s) {
		struct happening *h =
			lab_schedule(l, HAPPENS_TO_SLACK, l->stall_ms + lab_latency(l));
		h->world_socket = s->theirs;
		h->text = mem_str(text);
		h->n = text.n;
	}
	has_sent(l, "ack");
}

static void net_ping(void *self, uint64_t socket)
{
	struct lab *l = self;
	const struct lab_socket *s = socket_ours(l, socket);
	if (!l->dead && s && !world_socket_is_deaf(l->world, s->theirs))
		lab_schedule(l, HAPPENS_HEARD, 2 * lab_latency(l))->ticket = socket;
}

/* Given up before it stood: TCP goes, as it does with a process. */
static void cancel_dial(struct lab *l, uint64_t socket)
{
	for (size_t i = 0; i < l->heap_n; i++)
		if (l->heap[i]->kind == HAPPENS_DIAL && l->heap[i]->ticket == socket)
			l->heap[i]->life = UINT64_MAX;
}

static void net_hang_up(void *self, uint64_t socket, int code)
{
	struct lab *l = self;
	if (l->dead)
		return;
	struct lab_socket *s = socket_ours(l, socket);
	if (s) {
		struct happening *h = lab_schedule(l, HAPPENS_HANG_UP, lab_latency(l));
		h->world_socket = s->theirs;
		h->code = code;
		s->ours = 0;
	} else {
		cancel_dial(l, socket);
	}
	lab_schedule(l, HAPPENS_CLOSED, 2 * lab_latency(l))->ticket = socket;
}

void lab_net(struct lab *l)
{
	l->net =
		(struct net){ l, net_http, net_answer, net_dial, net_frame, net_ping, net_hang_up };
}

/* --- what happens --- */

static void take(struct lab *l, const struct arrival *a)
{
	bool taken = turn_take(l->turn, a);
	assert(taken);
}

static void request(struct lab *l, const struct happening *h)
{
	struct str url = str_z(h->url), path, query;
	str_cut(url, '?', &path, &query);
	struct world_request rq = { .method = str_z(h->method),
				    .path = path,
				    .query = query,
				    .authorization = str_z(h->authorization),
				    .content_type = str_z(h->content_type),
				    .body = { h->text, h->n } };
	struct world_reply out = { 0 };
	lab_note(l, "request", h->ticket, url);
	world_http(l->world, &rq, l->now_ms, &out);
	/* Our own time-out is 10 s; whatever is lost after the request has left may have happened.
	 */
	int64_t held_ms = out.delay_ms > 0
				  ? out.delay_ms < 10 * SECOND_MS ? out.delay_ms : 10 * SECOND_MS
				  : 0;
	struct happening *r = lab_schedule(l, HAPPENS_REPLY, held_ms + lab_latency(l));
	r->life = h->life;
	r->ticket = h->ticket;
	r->status = out.delay_ms < 0 || out.delay_ms >= 10 * SECOND_MS ? 0 : out.status;
	r->may_have_happened = r->status == 0;
	r->retry_after_s = out.retry_after_s ? out.retry_after_s : -1;
	r->text = mem_str(buf_str(&out.body));
	r->n = out.body.n;
	buf_free(&out.body);
}

static void reply(struct lab *l, const struct happening *h)
{
	struct arrival a = { .kind = ARRIVAL_REPLY, .ticket = h->ticket };
	if (h->life != l->life || !l->turn)
		return;
	a.reply.status = h->status;
	a.reply.may_have_happened = h->may_have_happened;
	a.reply.retry_after_s = h->retry_after_s;
	if (h->status)
		a.reply.body = (struct str){ h->text, h->n };
	a.reply.error = h->status ? "" : "the connection was lost";
	lab_note(l, "reply", h->ticket, (struct str){ h->text, h->n });
	take(l, &a);
}

static void dial(struct lab *l, const struct happening *h)
{
	struct str path, query;
	str_cut(str_z(h->url), '?', &path, &query);
	int theirs = world_socket_open(l->world, path, query, l->now_ms);
	if (h->life != l->life || !l->turn) { /* the process died meanwhile: TCP goes with it */
		if (theirs)
			world_socket_closed(l->world, theirs, false, l->now_ms);
		return;
	}
	struct lab_socket *s = theirs ? socket_ours(l, 0) : NULL;
	if (s)
		*s = (struct lab_socket){ .ours = h->ticket, .theirs = theirs };
	int64_t after = lab_latency(l);
	if (s)
		s->last_ms = l->now_ms + after;
	lab_schedule(l, s ? HAPPENS_OPENED : HAPPENS_CLOSED, after)->ticket = h->ticket;
}

static void from_slack(struct lab *l, const struct happening *h)
{
	static const enum arrival_kind kinds[] = {
		[HAPPENS_OPENED] = ARRIVAL_OPENED,
		[HAPPENS_FROM_SLACK] = ARRIVAL_FRAME,
		[HAPPENS_HEARD] = ARRIVAL_HEARD,
		[HAPPENS_CLOSED] = ARRIVAL_CLOSED,
	};
	if (h->life != l->life || !l->turn)
		return;
	struct arrival a = { .kind = kinds[h->kind], .ticket = h->ticket, .code = h->code };
	a.frame = (struct str){ h->text, h->n };
	lab_note(l, "slack", h->ticket, a.frame);
	if (turn_take(l->turn, &a))
		return;
	/* The batch is full: io stops reading, and the bytes wait in the socket. */
	struct happening *again = lab_schedule(l, h->kind, 50);
	again->ticket = h->ticket;
	again->code = h->code;
	again->text = mem_str(a.frame);
	again->n = h->n;
}

static void post(struct lab *l, const struct happening *h)
{
	char path[96];
	if (!l->turn) { /* nobody listens: the sender sees a refused connection */
		h->post->status = -1;
		return;
	}
	bool is_local = h->method && strcmp(h->method, "local") == 0;
	snprintf(path, sizeof(path), "%s%s", is_local ? "/v1/local/backup" : "/v1/alerts/", h->url);
	const struct header bearer = { "authorization",
				       h->authorization ? h->authorization : "Bearer " LAB_TOKEN };
	struct arrival a = { .kind = ARRIVAL_ASKED, .ticket = ++l->next_asked };
	size_t slot = 0;
	while (slot < TURN_BATCH_MAX && l->asked[slot].post)
		slot++;
	assert(slot < TURN_BATCH_MAX);
	l->asked[slot].ticket = a.ticket;
	l->asked[slot].post = h->post;
	a.asked.method = "POST";
	a.asked.path = path;
	a.asked.query = "";
	a.asked.headers = &bearer;
	a.asked.headers_n = 1;
	a.asked.is_local = is_local;
	a.asked.body = (struct str){ h->text, h->n };
	lab_note(l, "post", a.ticket, a.asked.body);
	if (!turn_take(l->turn, &a)) {
		h->post->status = 503;
		l->asked[slot].post = NULL;
	}
}

void lab_happen(struct lab *l, struct happening *h)
{
	switch (h->kind) {
	case HAPPENS_REQUEST: request(l, h); break;
	case HAPPENS_REPLY: reply(l, h); break;
	case HAPPENS_DIAL: dial(l, h); break;
	case HAPPENS_TO_SLACK:
		lab_note(l, "ack", (uint64_t)h->world_socket, (struct str){ h->text, h->n });
		world_socket_text(l->world, h->world_socket, (struct str){ h->text, h->n },
				  l->now_ms);
		break;
	case HAPPENS_HANG_UP:
		world_socket_closed(l->world, h->world_socket, true, l->now_ms);
		break;
	case HAPPENS_OPENED:
	case HAPPENS_FROM_SLACK:
	case HAPPENS_HEARD:
	case HAPPENS_CLOSED: from_slack(l, h); break;
	case HAPPENS_POST: post(l, h); break;
	}
}

static enum happening_kind kind_of(enum world_event_kind k)
{
	switch (k) {
	case WORLD_FRAME: return HAPPENS_FROM_SLACK;
	case WORLD_PING: return HAPPENS_HEARD;
	case WORLD_CLOSE:
	case WORLD_DROP: break;
	}
	return HAPPENS_CLOSED;
}

void lab_drain_world(struct lab *l)
{
	struct world_event e;
	while (world_event_next(l->world, &e)) {
		struct lab_socket *s = NULL;
		for (size_t i = 0; i < LAB_SOCKETS_MAX; i++)
			if (l->sockets[i].ours && l->sockets[i].theirs == e.socket)
				s = &l->sockets[i];
		if (!s)
			continue; /* a ghost: Slack talks to nobody */
		bool gone = e.kind == WORLD_CLOSE || e.kind == WORLD_DROP;
		int64_t after = lab_latency(l);
		if (l->now_ms + after < s->last_ms)
			after = s->last_ms - l->now_ms;
		s->last_ms = l->now_ms + after;
		struct happening *h = lab_schedule(l, kind_of(e.kind), after);
		h->ticket = s->ours;
		h->code = e.kind == WORLD_CLOSE ? e.code : 0;
		if (e.kind == WORLD_FRAME) {
			h->text = mem_str(e.text);
			h->n = e.text.n;
		}
		if (gone)
			*s = (struct lab_socket){ 0 };
	}
}

void lab_close_sockets(struct lab *l)
{
	for (size_t i = 0; i < LAB_SOCKETS_MAX; i++) {
		if (l->sockets[i].ours)
			world_socket_closed(l->world, l->sockets[i].theirs, false, l->now_ms);
		l->sockets[i] = (struct lab_socket){ 0 };
	}
	for (size_t i = 0; i < TURN_BATCH_MAX; i++)
		if (l->asked[i].post) { /* the sender's connection broke before an answer */
			l->asked[i].post->status = -1;
			l->asked[i].post = NULL;
		}
}
