/* turn_read: bytes that arrived become items to decide about. Pure decoding and the link's steps:
 * nothing here reads or writes the store, and nothing speaks; what needs no transaction is only put
 * on the list of things to say. */
#include "turn_parts.h"

#include <string.h>

#include "base/log.h"
#include "base/when.h"
#include "model/policy.h"
#include "vendor/engine.h"

struct item *turn_item(struct turn *t)
{
	struct item *it = arena_new(&t->batch, struct item);
	turn_add(t, it);
	return it;
}

void turn_add(struct turn *t, struct item *it)
{
	if (t->last)
		t->last->next = it;
	else
		t->first = it;
	t->last = it;
	t->items_n++;
}

int64_t turn_link_due(const struct turn *t)
{
	const int64_t due_ms = link_due_ms(t->link);
	return due_ms == NEVER_MS ? NEVER_MS : t->now_ms + (due_ms - t->clocks.boot_ms);
}

int64_t turn_link_heard(const struct turn *t)
{
	const int64_t heard_ms = link_heard_ms(t->link);
	return heard_ms ? t->now_ms - (t->clocks.boot_ms - heard_ms) : 0;
}

static void link_acts(struct turn *t, const struct link_acts *acts)
{
	for (size_t i = 0; i < acts->n; i++) {
		const struct link_act *a = &acts->at[i];
		switch (a->kind) {
		case LINK_ASK_URL: {
			struct request rq;
			struct slack_api api = turn_api(t);
			slack_connections_open(&api, &t->batch, &rq);
			turn_ask(t, FLIGHT_URL, &rq);
			break;
		}
		case LINK_DIAL:
			turn_say(t, SPOKEN_DIAL, a->socket)->text = arena_z(&t->batch, a->url);
			break;
		case LINK_PING: turn_say(t, SPOKEN_PING, a->socket); break;
		case LINK_HANG_UP: turn_say(t, SPOKEN_HANG_UP, a->socket)->code = a->code; break;
		case LINK_SAY: log_line(LOG_LEVEL_NOTICE, "slack.link", "%s", a->say); break;
		}
	}
}

void turn_link(struct turn *t, const struct link_event *ev)
{
	struct link_acts acts;
	struct chance chance = t->clocks.chance;
	chance.bytes[0] ^= (uint8_t)++t->items_seen;
	link_step(t->link, ev, t->clocks.boot_ms, &chance, &acts);
	if (link_is_up(t->link))
		t->down_ms = 0;
	else if (!t->down_ms)
		t->down_ms = t->now_ms;
	link_acts(t, &acts);
}

static void read_envelope(struct turn *t, uint64_t socket, const struct frame *f)
{
	if (f->odd[0])
		log_line(LOG_LEVEL_WARN, "slack.odd", "why=\"%s\" n=%llu", f->odd,
			 (unsigned long long)++t->slack.odd_frames);
	if (!f->envelope_id[0])
		return;
	if (!f->has_fact) { /* a HINT: nothing to store, so nothing to wait for */
		CLEANUP(buf_free) struct buf ack = BUF(20480);
		struct fail fail;
		if (slack_ack(f->envelope_id, "", &ack, &fail) == RC_OK)
			turn_say(t, SPOKEN_ACK, socket)->text = arena_z(&t->batch, buf_z(&ack));
		if (f->doubts_token)
			turn_slack_doubt(t, "Slack says that tokens of the app were revoked");
		if (f->person) {
			struct item *it = turn_item(t);
			it->kind = ITEM_PERSON;
			it->person = f->person;
		}
		return;
	}
	struct item *it = turn_item(t);
	it->fact = f->fact;
	it->ticket = socket;
	it->envelope_id = f->envelope_id;
	it->takes_payload = f->takes_payload;
	it->trigger_id = f->trigger_id;
	it->response_url = f->response_url;
}

static void read_frame(struct turn *t, const struct arrival *a)
{
	struct slack_self self = { t->team_id, t->app_id, secret_str(&t->o.policy->mac_key),
				   t->user_id };
	struct frame f = { 0 };
	slack_read(a->frame, &self, &t->batch, &f);
	turn_link(t, &(struct link_event){ .kind = LINK_HEARD, .socket = a->ticket });
	switch (f.kind) {
	case FRAME_HELLO:
		log_line(LOG_LEVEL_NOTICE, "slack.hello", "connections=%lld lives_s=%lld",
			 (long long)f.connections, (long long)f.lives_s);
		turn_link(t, &(struct link_event){ .kind = LINK_HELLO,
						   .socket = a->ticket,
						   .lives_s = f.lives_s,
						   .connections = f.connections });
		turn_slack_hello(t);
		break;
	case FRAME_DISCONNECT:
		turn_link(t, &(struct link_event){ .kind = LINK_DISCONNECT,
						   .socket = a->ticket,
						   .reason = f.reason });
		turn_slack_told_to_go(t, f.reason);
		break;
	case FRAME_ENVELOPE:
	case FRAME_OTHER: read_envelope(t, a->ticket, &f); break;
	}
}

/* Several alerts in one body are several items of one transaction, answered together. */
static void take_alerts(struct turn *t, const struct arrival *a, const struct door *door)
{
	if (t->items_n + door->facts_n > ITEMS_MAX) {
		struct spoken *s = turn_say(t, SPOKEN_ANSWER, a->ticket);
		s->code = 503;
		s->text = door_problem(&t->batch, 503, "too much at once; try again");
		s->retry_after_s = 1;
		return;
	}
	for (size_t i = 0; i < door->facts_n; i++) {
		struct item *it = turn_item(t);
		it->fact = door->facts[i];
		it->from_door = true;
		it->ticket = a->ticket;
	}
}

static void read_asked(struct turn *t, const struct arrival *a)
{
	const struct door_clock clock = { t->clocks.wall_ms, t->clocks.is_wall_unsure };
	struct door door = { 0 };
	door_read(a, t->o.policy, &clock, &t->batch, &door);
	struct spoken *s;
	const char *why;
	if (door.odd)
		log_line(LOG_LEVEL_WARN, "door.odd", "source=%s why=\"%s\"", door.source, door.odd);
	switch (door.kind) {
	case DOOR_FACT:
		if (!turn_room_refuses(t, a->ticket, door.can_wait))
			take_alerts(t, a, &door);
		return;
	case DOOR_HEALTH:
		s = turn_say(t, SPOKEN_ANSWER, a->ticket);
		s->code = 200;
		s->text = "{\"status\":\"ok\"}";
		return;
	case DOOR_READY:
		s = turn_say(t, SPOKEN_ANSWER, a->ticket);
		why = turn_unready(t);
		s->code = why ? 503 : 200;
		s->text = why ? door_problem(&t->batch, 503, why) : "{\"status\":\"ready\"}";
		return;
	case DOOR_RESTORE: turn_restore_asked(t, a->ticket); return;
	case DOOR_BACKUP: turn_backup_asked(t, a->ticket, &door); return;
	case DOOR_PROBLEM:
		s = turn_say(t, SPOKEN_ANSWER, a->ticket);
		s->code = door.status;
		s->text = door.body;
		s->retry_after_s = door.retry_after_s;
		return;
	}
}

static void auth_answered(struct turn *t, const struct wire_reply *reply)
{
	const char *team = "", *user = "";
	int64_t retry_ms = 0;
	struct fail fail = { 0 };
	turn_slack_heard(t, reply->status);
	enum rc rc = slack_read_auth(reply, &t->batch, &team, &user, &retry_ms, &fail);
	if (rc == RC_OK) {
		memset(t->team_id, 0, sizeof(t->team_id));
		memcpy(t->team_id, team, strnlen(team, sizeof(t->team_id) - 1));
		memset(t->user_id, 0, sizeof(t->user_id));
		memcpy(t->user_id, user, strnlen(user, sizeof(t->user_id) - 1));
		log_line(LOG_LEVEL_NOTICE, "slack.auth", "team=%s user=%s", team, user);
		t->auth_tries = 0;
		(void)turn_slack_auth(t, RC_OK, "");
		turn_link(t, &(struct link_event){ .kind = LINK_START });
		return;
	}
	int64_t wait = turn_slack_auth(t, rc, fail.why);
	if (!wait)
		wait = SECOND_MS << (t->auth_tries < 5 ? t->auth_tries : 5);
	t->auth_tries++;
	t->auth_due_ms = t->now_ms + (retry_ms > wait ? retry_ms : wait);
	log_line(LOG_LEVEL_ERROR, "slack.auth_failed", "why=\"%s\" retry_ms=%lld", fail.why,
		 (long long)(t->auth_due_ms - t->now_ms));
}

static void url_answered(struct turn *t, const struct wire_reply *reply)
{
	const char *url = "";
	int64_t retry_ms = 0;
	struct fail fail = { 0 };
	turn_slack_heard(t, reply->status);
	enum rc rc = slack_read_url(reply, &t->batch, &url, &retry_ms, &fail);
	turn_slack_app(t, rc, fail.why);
	if (rc == RC_OK) {
		turn_link(t, &(struct link_event){ .kind = LINK_URL, .url = url });
		return;
	}
	log_line(LOG_LEVEL_WARN, "slack.no_url", "why=\"%s\"", fail.why);
	turn_link(t, &(struct link_event){ .kind = LINK_NO_URL,
					   .retry_ms = retry_ms,
					   .is_fatal = rc == RC_REFUSED });
}

static void row_answered(struct turn *t, const struct flight *f, const struct wire_reply *reply)
{
	struct result result = { 0 }, *r = &result;
	if (f->asked.kind == OUT_PAGE || f->asked.kind == OUT_CONFIRM) {
		turn_page_answered(t, f, reply, r);
	} else {
		struct slack_asked asked = f->asked;
		asked.marker = f->token.text;
		slack_answer(&asked, reply, &t->batch, r);
		turn_slack_heard(t, reply->status);
		turn_slack_told(t, &asked, r);
		if (r->cursor && turn_find_on(t, f, r->cursor))
			return;
	}
	r->outgoing_id = f->outgoing_id;
	r->flight = f->rev;
	r->phase = f->asked.phase;
	struct item *it = turn_item(t);
	it->kind = ITEM_RESULT;
	it->result = result;
}

static void read_reply(struct turn *t, const struct arrival *a)
{
	bool known;
	struct flight f = turn_landed(t, a->ticket, &known);
	if (!known)
		return;
	struct wire_reply reply = { a->reply.status, a->reply.may_have_happened,
				    a->reply.retry_after_s, a->reply.body,
				    a->reply.error ? a->reply.error : "" };
	switch (f.kind) {
	case FLIGHT_ROW: row_answered(t, &f, &reply); break;
	case FLIGHT_AUTH: auth_answered(t, &reply); break;
	case FLIGHT_URL: url_answered(t, &reply); break;
	case FLIGHT_HEARTBEAT:
		if (reply.status < 200 || reply.status > 299)
			log_line(LOG_LEVEL_WARN, "heartbeat.failed", "status=%d why=\"%s\"",
				 reply.status, reply.error);
		break;
	case FLIGHT_MODAL:
	case FLIGHT_REPLY: { /* promised nothing; a refusal is worth a line */
		struct slack_asked asked = { .kind = OUT_QUESTION, .marker = "" };
		struct result r = { 0 };
		slack_answer(&asked, &reply, &t->batch, &r);
		const char *error = r.error ? r.error : "";
		if (r.outcome == OUTCOME_REAUTH)
			turn_slack_doubt(t, error);
		if (r.outcome != OUTCOME_DONE)
			log_line(LOG_LEVEL_WARN, "slack.reply_lost", "why=\"%s\"", error);
		/* "exchanged": it stands open already. */
		if (f.kind == FLIGHT_MODAL && r.outcome != OUTCOME_DONE &&
		    r.outcome != OUTCOME_UNKNOWN && strcmp(error, "exchanged_trigger_id") != 0)
			turn_say_modal_lost(t, &f);
		break;
	}
	}
}

void turn_read(struct turn *t)
{
	for (size_t i = 0; i < t->arrivals_n; i++) {
		const struct arrival *a = &t->arrivals[i];
		switch (a->kind) {
		case ARRIVAL_ASKED: read_asked(t, a); break;
		case ARRIVAL_REPLY: read_reply(t, a); break;
		case ARRIVAL_OPENED:
			turn_link(t, &(struct link_event){ .kind = LINK_UP, .socket = a->ticket });
			break;
		case ARRIVAL_FRAME: read_frame(t, a); break;
		case ARRIVAL_HEARD:
			turn_link(t,
				  &(struct link_event){ .kind = LINK_HEARD, .socket = a->ticket });
			break;
		case ARRIVAL_CLOSED:
			log_line(LOG_LEVEL_NOTICE, "slack.closed",
				 "socket=%llu code=%d why=\"%.*s\"", (unsigned long long)a->ticket,
				 a->code, STR_ARG(a->frame));
			turn_link(t,
				  &(struct link_event){ .kind = LINK_CLOSED, .socket = a->ticket });
			break;
		case ARRIVAL_STOP:
			t->stopping = true;
			t->stop_by_ms = t->now_ms + 5 * SECOND_MS;
			turn_link(t, &(struct link_event){ .kind = LINK_STOP });
			break;
		}
	}
	t->arrivals_n = 0;
}
