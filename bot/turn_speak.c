/* turn_speak: what goes out. Requests of claimed rows and replies are built inside the transaction,
 * from the state of that moment; everything is handed to net only by turn_release, which the turn
 * calls after the commit. */
#include "turn_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "model/policy.h"
#include "view/view.h"

#define ACK_WAIT_MS (3 * SECOND_MS)

struct slack_api turn_api(const struct turn *t)
{
	const struct policy *p = t->o.policy;
	return (struct slack_api){ p->api_url, &p->bot_token, &p->app_token };
}

struct act turn_act(struct turn *t, const char *label)
{
	struct act a = { .policy = t->o.policy, .look = store_look(t->o.store), .arena = &t->work };
	a.at.now_ms = t->now_ms;
	uint64_t part = chance_u64(&t->clocks.chance, label);
	a.at.chance = t->clocks.chance;
	memcpy(a.at.chance.bytes, &part, sizeof(part));
	return a;
}

struct spoken *turn_say(struct turn *t, enum spoken_kind kind, uint64_t ticket)
{
	assert(t->spoken_n < SPOKEN_MAX); /* batch + claims + link acts stay well below */
	struct spoken *s = &t->spoken[t->spoken_n++];
	*s = (struct spoken){ .kind = kind, .ticket = ticket };
	return s;
}

/* --- flights --- */

static struct flight *take_off(struct turn *t, enum flight_kind kind)
{
	assert(t->flights_n < FLIGHTS_MAX);
	struct flight *f = &t->flights[t->flights_n++];
	*f = (struct flight){ .kind = kind, .ticket = ++t->next_ticket };
	return f;
}

struct flight turn_landed(struct turn *t, uint64_t ticket, bool *known)
{
	for (size_t i = 0; i < t->flights_n; i++)
		if (t->flights[i].ticket == ticket) {
			struct flight f = t->flights[i];
			t->flights[i] = t->flights[--t->flights_n];
			*known = true;
			return f;
		}
	*known = false;
	return (struct flight){ 0 };
}

struct flight *turn_ask(struct turn *t, enum flight_kind kind, const struct request *rq)
{
	const bool may_be_lost =
		kind == FLIGHT_REPLY || kind == FLIGHT_MODAL || kind == FLIGHT_HEARTBEAT;
	if (t->flights_n + LINK_ROOM >= FLIGHTS_MAX && may_be_lost)
		return NULL; /* it promises nothing; the row's next rendering tells the same */
	struct flight *f = take_off(t, kind);
	turn_say(t, SPOKEN_REQUEST, f->ticket)->request = *rq;
	return f;
}

/* --- looking for a message whose answer was lost --- */

static struct slack_find find_of(const struct outgoing *row, const char *thread_ts)
{
	/* Looked for twice: from when it was sent first, and, for that is our clock and not
	 * Slack's, from the newest on. */
	int64_t oldest_ms = row->misses ? 0 : row->first_ms - MINUTE_MS;
	return (struct slack_find){ row->channel, thread_ts, oldest_ms, "" };
}

/* What the next page will need. */
static void find_begin(struct flight *f, const struct slack_find *first)
{
	(void)snprintf(f->channel, sizeof(f->channel), "%s", first->channel);
	(void)snprintf(f->under, sizeof(f->under), "%s", first->thread_ts);
	f->oldest_ms = first->oldest_ms;
	f->pages = 1;
}

bool turn_find_on(struct turn *t, const struct flight *f, const char *cursor)
{
	const struct slack_find next = { f->channel, f->under, f->oldest_ms, cursor };
	const struct slack_api api = turn_api(t);
	struct request rq;
	if (f->oldest_ms <= 0 && f->pages >= FIND_BLIND_MAX)
		return false;
	if (f->pages >= FIND_PAGES_MAX) {
		log_line(LOG_LEVEL_WARN, "slack.not_found", "id=%lld pages=%d",
			 (long long)f->outgoing_id, f->pages);
		return false;
	}
	slack_find(&api, &next, &t->batch, &rq);
	turn_slack_spend(t, slack_method(&f->asked)); /* what is claimed next waits for it */
	struct flight *further = turn_ask(t, FLIGHT_ROW, &rq);
	const uint64_t ticket = further->ticket;
	*further = *f;
	further->ticket = ticket;
	further->pages++;
	return true;
}

/* --- requests of claimed rows --- */

/* The ts of the card that a thread message stands under; "" = there is none at the moment. */
static const char *card_ts(struct turn *t, const struct outgoing *row)
{
	struct look_list cards = look_case_outgoing(store_look(t->o.store), row->case_id, OUT_CARD);
	return cards.n ? cards.at[0]->ref : "";
}

static bool is_reply(const struct outgoing *row) { return row->kind == OUT_THREAD && !row->ref[0]; }

static const char *thread_of(struct turn *t, const struct outgoing *row)
{
	return is_reply(row) ? card_ts(t, row) : "";
}

static enum rc build_message(struct turn *t, const struct outgoing *row, const char *marker,
			     struct request *rq, struct fail *fail)
{
	struct slack_api api = turn_api(t);
	const char *thread_ts = thread_of(t, row);
	if (is_reply(row) && !thread_ts[0])
		return FAIL(fail, RC_AGAIN, "its card is not there");
	if (row->phase == PHASE_FIND) {
		const struct slack_find first = find_of(row, thread_ts);
		slack_find(&api, &first, &t->work, rq);
		return RC_OK;
	}
	CLEANUP(json_done) struct cJSON *content = NULL;
	enum rc rc =
		view_message(store_look(t->o.store), t->o.policy, row, t->now_ms, &content, fail);
	if (rc != RC_OK)
		return rc;
	if (fail->why[0])
		log_line(LOG_LEVEL_ERROR, "view.plain", "id=%lld why=\"%s\"", (long long)row->id,
			 fail->why);
	struct slack_message m = { .channel = row->channel,
				   .ts = row->ref,
				   .thread_ts = thread_ts,
				   .content = content,
				   .marker = marker,
				   .rev = row->flight,
				   .first_ms = row->first_ms };
	slack_send(&api, &m, &t->work, rq);
	return RC_OK;
}

static enum rc build(struct turn *t, const struct outgoing *row, const char *marker,
		     struct request *rq, struct fail *fail)
{
	struct slack_api api = turn_api(t);
	switch (row->kind) {
	case OUT_QUESTION:
	case OUT_CARD:
	case OUT_ALARM:
	case OUT_NOTICE:
	case OUT_THREAD: return build_message(t, row, marker, rq, fail);
	case OUT_PAGE:
	case OUT_CONFIRM: return turn_build_page(t, row, rq, fail);
	case OUT_LOOKUP_EMAIL: slack_lookup_email(&api, row->target, &t->work, rq); return RC_OK;
	case OUT_LOOKUP_USER: slack_lookup_user(&api, row->target, &t->work, rq); return RC_OK;
	case OUT_OPEN_DM: slack_open_dm(&api, row->target, &t->work, rq); return RC_OK;
	}
	return FAIL(fail, RC_BROKEN, "outgoing %lld: no such kind", (long long)row->id);
}

/* The row can't be sent as it stands: that is a result too, decided by the next turn like any
 * other. */
static struct result *build_failed(struct turn *t, const struct outgoing *row, enum rc rc,
				   const char *why)
{
	log_line(LOG_LEVEL_ERROR, "outgoing.unbuildable", "id=%lld why=\"%s\"", (long long)row->id,
		 why);
	struct item *it = turn_item(t);
	it->kind = ITEM_RESULT;
	it->result =
		(struct result){ .outgoing_id = row->id,
				 .flight = row->flight,
				 .phase = row->phase,
				 .outcome = rc == RC_AGAIN ? OUTCOME_NOT_FOUND : OUTCOME_PERMANENT,
				 .error = arena_z(&t->batch, why),
				 .channel = "",
				 .ref = "" };
	return &it->result;
}

/* By its key, not its id: a row that is new in this transaction is undone by a death, and its id
 * would go to another. The least words have lives of their own, and so has the look for what may
 * stand there already: who skips it posts twice. */
static const char *name_of_building(struct turn *t, const struct outgoing *row)
{
	const char *first = row->phase == PHASE_PLAIN  ? "plain "
			    : row->phase == PHASE_FIND ? "find "
						       : "";
	return crumb_name(t, arena_f(&t->work, "%s%s", first, row->key));
}

static bool has_killed_twice(struct turn *t, const char *what)
{
	struct fail fail;
	int64_t deaths = 0;
	return t->any_deaths && store_deaths(t->o.store, what, &deaths, &fail) == RC_OK &&
	       deaths >= DEATHS_MAX;
}

void turn_build(struct turn *t, const struct outgoing *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct outgoing *row = &rows[i];
		struct request rq = { 0 };
		struct fail fail = { 0 };
		const char *what = name_of_building(t, row);
		if (has_killed_twice(t, what)) {
			build_failed(t, row, RC_REFUSED, "building it ended the process twice")
				->wants_plain = out_is_message(row->kind);
			continue;
		}
		struct token marker = token_make(secret_str(&t->o.policy->mac_key), "out", row->id);
		crumb_set(t, what);
		enum rc rc = build(t, row, marker.text, &rq, &fail);
		crumb_clear(t);
		if (rc != RC_OK) {
			build_failed(t, row, rc, fail.why);
			continue;
		}
		struct flight *f = take_off(t, FLIGHT_ROW);
		f->outgoing_id = row->id;
		f->rev = row->flight;
		f->token = marker;
		f->pager = turn_pager_of(t, row);
		f->asked = (struct slack_asked){ .kind = row->kind,
						 .phase = row->phase,
						 .is_update = row->ref[0] != '\0' };
		if (row->phase == PHASE_FIND) {
			const struct slack_find first = find_of(row, thread_of(t, row));
			find_begin(f, &first);
		}
		turn_say(t, SPOKEN_REQUEST, f->ticket)->request = rq;
	}
}

/* --- replies --- */

void turn_render_reply(struct turn *t, struct item *it)
{
	struct look *l = store_look(t->o.store);
	json_free(it->say);
	it->say = NULL;
	switch (it->reply.kind) {
	case REPLY_NONE:
	case REPLY_HTTP: break;
	case REPLY_TEXT:
		it->say = view_text(l, t->o.policy, it->reply.text_key, it->reply.inquiry_id,
				    it->reply.at_ms, t->now_ms);
		break;
	case REPLY_SHEET: it->say = view_sheet(l, t->o.policy, &it->reply, t->now_ms); break;
	case REPLY_MODAL:
		if (it->trigger_id && it->trigger_id[0])
			it->say = view_modal(l, t->o.policy, it->reply.inquiry_id, t->now_ms);
		break;
	}
}

/* Where a private word may be sent: Slack's own host, or the emulator we were pointed at. Anything
 * else in a payload would make us post to a stranger's server. */
static bool response_url_is_slacks(const struct turn *t, const char *url)
{
	struct str u = str_z(url), api = str_z(t->o.policy->api_url), host, rest;
	if (str_starts(u, STR("https://hooks.slack.com/")))
		return true;
	if (!str_starts(api, STR("http://"))) /* plain http: config allowed it for loopback only */
		return false;
	str_cut((struct str){ api.at + 7, api.n - 7 }, '/', &host, &rest);
	return str_starts(u, (struct str){ api.at, 7 + host.n + 1 });
}

/* Private words, where the click, the command or the typed words were made. */
static void reply_text(struct turn *t, struct item *it)
{
	struct request rq;
	struct slack_api api = turn_api(t);
	const char *user = "", *channel = "";
	switch (it->fact.kind) {
	case FACT_CLICK:
		user = it->fact.as.click.user;
		channel = it->fact.as.click.channel;
		break;
	case FACT_COMMAND:
		user = it->fact.as.command.user;
		channel = it->fact.as.command.channel;
		break;
	case FACT_MESSAGE:
		user = it->fact.as.message.user;
		channel = it->fact.as.message.channel;
		break;
	case FACT_ALERT:
	case FACT_COMMENT: return;
	}
	if (it->response_url && response_url_is_slacks(t, it->response_url))
		slack_respond(it->response_url, it->say, &t->batch, &rq);
	else if (channel && channel[0] && !t->slack.is_held)
		slack_ephemeral(&api, channel, user, it->say, &t->batch, &rq);
	else
		return;
	(void)turn_ask(t, FLIGHT_REPLY, &rq);
}

/* A trigger lives for three seconds: the window may not open, and its person would wait for it. */
static void open_modal(struct turn *t, const struct item *it)
{
	struct request rq;
	struct slack_api api = turn_api(t);
	if (t->slack.is_held)
		return; /* a comment is a wish; the token is dead */
	slack_open_view(&api, it->trigger_id, it->say, &t->batch, &rq);
	struct flight *f = turn_ask(t, FLIGHT_MODAL, &rq);
	if (f && it->fact.kind == FACT_CLICK) {
		(void)snprintf(f->user, sizeof(f->user), "%s", it->fact.as.click.user);
		(void)snprintf(f->channel, sizeof(f->channel), "%s", it->fact.as.click.channel);
	}
}

void turn_say_modal_lost(struct turn *t, const struct flight *f)
{
	struct request rq;
	struct slack_api api = turn_api(t);
	if (!f->user[0] || t->slack.is_held)
		return;
	CLEANUP(json_done)
	struct cJSON *say =
		view_text(store_look(t->o.store), t->o.policy, TEXT_MODAL_LOST, 0, 0, t->now_ms);
	slack_ephemeral(&api, f->channel, f->user, say, &t->batch, &rq);
	(void)turn_ask(t, FLIGHT_REPLY, &rq);
}

/* True if the answer went with it. An answer that is too long for that goes by itself. */
static bool ack_item(struct turn *t, const struct item *it)
{
	bool says = false;
	CLEANUP(buf_free) struct buf payload = BUF(16384);
	CLEANUP(buf_free) struct buf ack = BUF(20480);
	struct fail fail;
	if (it->fact.kind == FACT_COMMAND && it->takes_payload && it->say)
		json_print(it->say, &payload);
	says = payload.n > 0 && !payload.broken;
	if (slack_ack(it->envelope_id, says ? buf_z(&payload) : "", &ack, &fail) == RC_OK)
		turn_say(t, SPOKEN_ACK, it->ticket)->text = arena_z(&t->batch, buf_z(&ack));
	return says;
}

/* One answer for all alerts of a body: refused if one is, accepted if one is new. Returns the last
 * of them. */
static struct item *answer_door(struct turn *t, struct item *first)
{
	struct spoken *s = turn_say(t, SPOKEN_ANSWER, first->ticket);
	struct item *it = first;
	int64_t ids[DOOR_EACH_MAX];
	bool is_refused = false;
	for (size_t n = 0;; it = it->next) {
		assert(n < DOOR_EACH_MAX);
		is_refused = is_refused || it->is_refused;
		s->code = it->reply.status > s->code ? it->reply.status : s->code;
		ids[n++] = it->reply.alert_id;
		if (!it->fact.as.alert.is_last)
			continue;
		s->text = door_accepted(&t->batch, ids, n, s->code == 202);
		break;
	}
	if (is_refused) {
		s->code = 500;
		s->text = door_problem(&t->batch, 500,
				       "the alert could not be stored; a person was told");
	} else if (s->code == 409) {
		s->text = door_problem(&t->batch, 409,
				       "this delivery id came before, with another body");
		log_line(LOG_LEVEL_ERROR, "door.conflict", "source=%s delivery=%s",
			 it->fact.as.alert.source, it->fact.as.alert.delivery);
	}
	return it;
}

void turn_answer_items(struct turn *t)
{
	for (struct item *it = t->first; it; it = it->next) {
		if (it->kind != ITEM_FACT)
			continue;
		if (it->from_door) {
			it = answer_door(t, it);
			continue;
		}
		if (ack_item(t, it) || !it->say)
			continue;
		if (it->reply.kind == REPLY_MODAL)
			open_modal(t, it);
		else
			reply_text(t, it);
	}
}

/* --- after the commit --- */

void turn_forget_acks(struct turn *t)
{
	for (size_t i = 0; i < t->late_n; i++)
		free(t->late[i].text);
	t->late_n = 0;
}

/* More than fit are lost: those events come again, and those clicks are told to press again. */
static void keep_ack(struct turn *t, const char *text)
{
	if (t->late_n < LATE_ACKS_MAX && !t->stopping)
		t->late[t->late_n++] =
			(struct late_ack){ mem_str(str_z(text)), t->clocks.boot_ms + ACK_WAIT_MS };
}

/* What waited for a socket goes on the first that is up, if Slack still waits for it. */
static void send_late_acks(struct turn *t)
{
	const uint64_t socket = link_ack_socket(t->link, 0);
	if (!t->late_n || (!socket && t->clocks.boot_ms < t->late[t->late_n - 1].until_ms))
		return;
	for (size_t i = 0; i < t->late_n; i++)
		if (socket && t->clocks.boot_ms < t->late[i].until_ms)
			t->o.net->frame(t->o.net->self, socket, str_z(t->late[i].text));
	turn_forget_acks(t);
}

static void speak(struct turn *t, const struct spoken *s)
{
	const struct net *net = t->o.net;
	switch (s->kind) {
	case SPOKEN_REQUEST: net->http(net->self, s->ticket, &s->request); break;
	case SPOKEN_DIAL: net->dial(net->self, s->ticket, s->text); break;
	case SPOKEN_PING: net->ping(net->self, s->ticket); break;
	case SPOKEN_HANG_UP: net->hang_up(net->self, s->ticket, s->code); break;
	case SPOKEN_ANSWER:
		net->answer(net->self, s->ticket, s->code, str_z(s->text), s->retry_after_s);
		break;
	case SPOKEN_ACK: {
		uint64_t socket = link_ack_socket(t->link, s->ticket);
		if (socket)
			net->frame(net->self, socket, str_z(s->text));
		else
			keep_ack(t, s->text);
		break;
	}
	}
}

static bool is_quick(const struct spoken *s)
{
	return s->kind == SPOKEN_ACK || s->kind == SPOKEN_ANSWER;
}

/* Somebody waits for acknowledgements and answers, so they go first. Requests follow in the order
 * they were noted: claimed rows by rank (a page before all else), then replies: the page leaves
 * before the comment is asked for. */
void turn_release(struct turn *t)
{
	send_late_acks(t);
	for (size_t i = 0; i < t->spoken_n; i++)
		if (is_quick(&t->spoken[i]))
			speak(t, &t->spoken[i]);
	for (size_t i = 0; i < t->spoken_n; i++)
		if (!is_quick(&t->spoken[i]))
			speak(t, &t->spoken[i]);
	t->spoken_n = 0;
}
