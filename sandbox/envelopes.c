/* envelopes: what is delivered over Socket Mode: envelopes, their 3 s ack clock, the retries of
 * events, and acks. Called by acts.c, cast.c and world_tick. Rules: docs.slack.dev. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACK_MS = 3000, ACK_BYTES_MAX = 20480, ATTEMPTS = 4, LARGE_BYTES = 1000 * 1000 };
static const int64_t retry_ms[ATTEMPTS - 1] = { 1000, 60 * 1000,
						300 * 1000 }; /* after the failure of 0, 1, 2 */

const char *delivery_kind_name(enum delivery_kind k)
{
	switch (k) {
	case DELIVERY_EVENT: return "events_api";
	case DELIVERY_INTERACTIVE: return "interactive";
	case DELIVERY_SLASH: return "slash_commands";
	}
	return "?";
}

static char *frame_of(const struct delivery *d)
{
	struct buf b = BUF(BODY_MAX);
	buf_addf(&b, "{\"envelope_id\":\"%s\",\"payload\":", d->envelope_id);
	json_print(d->payload, &b);
	buf_addf(&b, ",\"type\":\"%s\",\"accepts_response_payload\":%s",
		 delivery_kind_name(d->kind), d->accepts_payload ? "true" : "false");
	if (d->kind == DELIVERY_EVENT)
		buf_addf(&b, ",\"retry_attempt\":%d,\"retry_reason\":\"%s\"", d->attempt,
			 d->attempt ? "timeout" : "");
	buf_addz(&b, "}");
	char *z = mem_str(buf_str(&b));
	buf_free(&b);
	return z;
}

static void garbage(struct world *w, struct socket *s)
{
	socket_send(w, s, mem_str(STR("\n")));
	socket_send(w, s, mem_str(STR("{\"type\":\"events_api\",\"envelope_id\":")));
	socket_send(w, s, mem_str(STR("{\"type\":\"weather_report\",\"sky\":\"blue\"}")));
	/* An envelope of a kind that nobody knows yet: an app acknowledges it all the same. */
	struct envelope_row *r = ledger_envelope(w);
	world_uuid(w, r->envelope_id);
	TEXT_SET(r->key, "unknown kind");
	r->acked = true; /* nobody waits for it */
	r->socket = s->number;
	r->sent_ms = w->now_ms;
	socket_send(w, s,
		    text_f("{\"type\":\"weather_report\",\"envelope_id\":\"%s\",\"payload\":"
			   "{\"sky\":[null]},\"accepts_response_payload\":false}",
			   r->envelope_id));
}

static void row_fill(struct world *w, struct envelope_row *r, const struct delivery *d,
		     const struct socket *s)
{
	TEXT_SET(r->envelope_id, d->envelope_id);
	TEXT_SET(r->key, d->key);
	TEXT_SET(r->user, d->user);
	TEXT_SET(r->channel, d->channel);
	TEXT_SET(r->view_id, d->view_id);
	r->kind = d->kind;
	r->accepts_payload = d->accepts_payload;
	r->attempt = d->attempt;
	r->socket = s->number;
	r->sent_ms = w->now_ms;
}

/* An envelope of next year's type, as large as one can be: to be acknowledged like any other. */
static void large(struct world *w, struct socket *s)
{
	struct delivery d = { .kind = DELIVERY_EVENT, .attempt = ATTEMPTS };
	struct buf b = BUF(BODY_MAX);
	if (w->deliveries.n == DELIVERIES_MAX)
		return;
	world_uuid(w, d.envelope_id);
	buf_addf(&b, "{\"envelope_id\":\"%s\",\"type\":\"weather_report\",\"payload\":{\"sky\":\"",
		 d.envelope_id);
	while (b.n < LARGE_BYTES)
		buf_addz(&b, "blue ");
	buf_addz(&b, "\"}}");
	row_fill(w, ledger_envelope(w), &d, s);
	d.row = w->envelopes_cut + w->envelopes.n - 1;
	d.is_sent = true;
	d.sent_ms = w->now_ms;
	d.due_ms = w->now_ms + ACK_MS;
	*(struct delivery *)list_add(&w->deliveries, sizeof d) = d;
	socket_send(w, s, mem_str(buf_str(&b)));
	buf_free(&b);
}

/* One attempt. False if no socket is up. */
static bool attempt(struct world *w, struct delivery *d)
{
	struct socket *s = socket_pick(w);
	struct fault kept;
	if (!s)
		return false;
	if (fault_take_kind(w, "socket", "half_open", &kept))
		s->is_half_open = true;
	if (fault_take_kind(w, "socket", "garbage", &kept))
		garbage(w, s);
	if (fault_take_kind(w, "socket", "large", &kept))
		large(w, s);
	world_uuid(w, d->envelope_id);
	struct envelope_row *r = ledger_envelope(w);
	row_fill(w, r, d, s);
	r->frame = frame_of(d);
	d->row = w->envelopes_cut + w->envelopes.n - 1;
	d->is_sent = true;
	d->sent_ms = w->now_ms;
	d->due_ms = w->now_ms + ACK_MS;
	if (fault_take_kind(w, "socket", "lost", &kept)) {
		r->socket = 0; /* it went to nobody: no rule is broken by silence */
		return true;
	}
	socket_send(w, s, mem_str(str_z(r->frame)));
	if (fault_take_kind(w, "socket", "duplicate", &kept))
		socket_send(w, s, mem_str(str_z(r->frame)));
	return true;
}

static void forget(struct world *w, size_t i)
{
	struct delivery *d = (struct delivery *)w->deliveries.at + i;
	json_free(d->payload);
	memmove(d, d + 1, (w->deliveries.n - i - 1) * sizeof *d);
	w->deliveries.n--;
}

/* The attempt failed: a later one, or the end. False if it is over. */
static bool next_attempt(struct world *w, struct delivery *d)
{
	if (d->kind != DELIVERY_EVENT) {
		trouble_note(w, d->user,
			     d->is_sent ? "SecurityBot did not answer in time"
					: "SecurityBot is not connected");
		return false;
	}
	if (d->attempt >= ATTEMPTS - 1)
		return false;
	d->due_ms = w->now_ms + retry_ms[d->attempt++];
	d->is_sent = false;
	return true;
}

bool deliver(struct world *w, struct delivery *d, char id[40])
{
	bool is_sent = attempt(w, d);
	text_set(id, 40, is_sent ? d->envelope_id : "");
	bool is_pending = (is_sent || next_attempt(w, d)) && w->deliveries.n < DELIVERIES_MAX;
	if (is_pending)
		*(struct delivery *)list_add(&w->deliveries, sizeof *d) = *d;
	else
		json_free(d->payload);
	return is_sent;
}

void deliver_event(struct world *w, struct cJSON *event, const char *key, char id[40])
{
	struct cJSON *p = json_object(), *all = json_array(), *one = json_object();
	word event_id;
	world_id(w, 'E', event_id);
	event_id[1] = 'v';
	json_put_text(p, "token", "sandbox-verification-token");
	json_put_text(p, "team_id", TEAM_ID);
	json_put_text(p, "context_team_id", TEAM_ID);
	json_put(p, "context_enterprise_id", json_null());
	json_put_text(p, "api_app_id", APP_ID);
	json_put(p, "event", event);
	json_put_text(p, "type", "event_callback");
	json_put_text(p, "event_id", event_id);
	json_put_num(p, "event_time", (double)(w->now_ms / 1000));
	json_put(one, "enterprise_id", json_null());
	json_put_text(one, "team_id", TEAM_ID);
	json_put_text(one, "user_id", BOT_USER);
	json_put_bool(one, "is_bot", true);
	json_put_bool(one, "is_enterprise_install", false);
	json_push(all, one);
	json_put(p, "authorizations", all);
	json_put_bool(p, "is_ext_shared_channel", false);
	struct delivery d = { .kind = DELIVERY_EVENT, .payload = p };
	(void)snprintf(d.key, sizeof d.key, "%s %s", event_id, key);
	TEXT_SET(d.user, json_text_at(event, "user"));
	deliver(w, &d, id);
}

int64_t deliveries_due_ms(const struct world *w)
{
	const struct delivery *d = w->deliveries.at;
	int64_t due = NEVER_MS;
	for (size_t i = 0; i < w->deliveries.n; i++)
		due = d[i].due_ms < due ? d[i].due_ms : due;
	return due;
}

void deliveries_tick(struct world *w)
{
	for (size_t i = 0; i < w->deliveries.n;) {
		struct delivery *d = (struct delivery *)w->deliveries.at + i;
		bool goes_on = d->due_ms > w->now_ms;
		const struct envelope_row *r =
			!goes_on && d->is_sent ? ledger_row(w, d->row) : NULL;
		if (r &&
		    socket_is_live(w, r->socket)) /* a dead socket's silence is nobody's fault */
			refused(w, "ack_missing");
		if (!goes_on)
			goes_on = (!d->is_sent && attempt(w, d)) || next_attempt(w, d);
		if (goes_on)
			i++;
		else
			forget(w, i);
	}
}

static size_t waiting(const struct world *w, const char *envelope_id)
{
	const struct delivery *d = w->deliveries.at;
	size_t i = 0;
	while (i < w->deliveries.n && (!d[i].is_sent || strcmp(d[i].envelope_id, envelope_id) != 0))
		i++;
	return i;
}

static void ack_note(struct world *w, const char *envelope_id, const struct cJSON *payload,
		     struct ack_row *row)
{
	struct buf text = BUF(ACK_BYTES_MAX);
	if (payload)
		json_print(payload, &text);
	TEXT_SET(row->envelope_id, envelope_id);
	row->at_ms = w->now_ms;
	row->payload = payload ? mem_str(buf_str(&text)) : NULL;
	ledger_ack(w, row);
	buf_free(&text);
}

static void ack_on_time(struct world *w, size_t i, const struct cJSON *payload)
{
	struct delivery d = ((struct delivery *)w->deliveries.at)[i];
	struct envelope_row *r = ledger_row(w, d.row);
	struct ack_row row = { .ms = w->now_ms - d.sent_ms };
	if (r)
		r->acked = true;
	ack_note(w, d.envelope_id, payload, &row);
	d.payload = NULL;
	forget(w, i);
	if (!d.accepts_payload && json_count(payload))
		refused(w, "ack_payload_unexpected");
	else
		ack_effect(w, &d, payload);
	w->changed++;
}

static void ack_off_time(struct world *w, const char *envelope_id, const struct cJSON *payload)
{
	const struct envelope_row *r = ledger_envelope_by_id(w, envelope_id);
	struct ack_row row = { .ms = r ? w->now_ms - r->sent_ms : 0 };
	row.is_dup = r && r->acked;
	row.is_late = r && !r->acked;
	if (!r)
		refused(w, "ack_unknown");
	else if (row.is_late)
		refused(w, "ack_late");
	ack_note(w, envelope_id, payload, &row);
}

void ack_take(struct world *w, struct str text)
{
	char what[64];
	deliveries_tick(w); /* an ack at the very end of its time is late */
	(void)snprintf(what, sizeof what, "frame in (%zu bytes)", text.n);
	if (text.n >= ACK_BYTES_MAX) {
		refused(w, "ack_too_big"); /* Slack drops it silently */
		wire_note(w, what, "dropped: too big");
		return;
	}
	struct cJSON *j = json_parse(text, NULL);
	const char *id = json_text_at(j, "envelope_id");
	const struct cJSON *payload = json_key(j, "payload");
	if (!*id || (payload && !json_is_object(payload))) {
		refused(w, "ack_malformed");
		wire_note(w, what, "not an ack");
	} else {
		struct buf b = BUF(BODY_MAX);
		json_print(j, &b);
		wire_note(w, what, buf_z(&b));
		buf_free(&b);
		size_t i = waiting(w, id);
		if (i < w->deliveries.n)
			ack_on_time(w, i, payload);
		else
			ack_off_time(w, id, payload);
	}
	json_free(j);
}

/* A kept envelope once more, as it was or under a new id; it has an ack clock again but no retries.
 */
struct cJSON *control_resend(struct world *w, const struct cJSON *args)
{
	const struct envelope_row *old =
		ledger_envelope_by_id(w, json_text_at(args, "envelope_id"));
	struct socket *s = old && old->frame ? socket_pick(w) : NULL;
	if (!s)
		return said_no(old && old->frame ? "no socket" : "no such envelope is kept");
	bool same_id = json_true(json_key(args, "same_id")), was_acked = old->acked;
	char *frame = mem_str(str_z(old->frame));
	struct delivery d = { .kind = old->kind,
			      .accepts_payload = old->accepts_payload,
			      .attempt = ATTEMPTS };
	TEXT_SET(d.key, old->key);
	TEXT_SET(d.user, old->user);
	TEXT_SET(d.channel, old->channel);
	TEXT_SET(d.view_id, old->view_id);
	TEXT_SET(d.envelope_id, old->envelope_id);
	d.row = w->envelopes_cut + (uint64_t)(old - (const struct envelope_row *)w->envelopes.at);
	if (!same_id) {
		world_uuid(w, d.envelope_id);
		memcpy(frame + sizeof "{\"envelope_id\":\"" - 1, d.envelope_id,
		       strlen(d.envelope_id));
		struct envelope_row *r = ledger_envelope(w);
		row_fill(w, r, &d, s);
		r->frame = mem_str(str_z(frame));
		d.row = w->envelopes_cut + w->envelopes.n - 1;
	}
	d.is_sent = true;
	d.sent_ms = w->now_ms;
	d.due_ms = w->now_ms + ACK_MS;
	if (!(same_id && was_acked) && w->deliveries.n < DELIVERIES_MAX)
		*(struct delivery *)list_add(&w->deliveries, sizeof d) = d;
	socket_send(w, s, frame);
	struct cJSON *out = said_yes();
	json_put_text(out, "envelope_id", d.envelope_id);
	return out;
}
