/* slack/link: Socket Mode's state machine (slack.md 1.8-1.10). Called by the turn only; it owns no
 * socket and reads no clock: it says what to do and is told what happened.
 *
 *              URL           UP             HELLO           a reason to go
 *   FREE ──DIAL──▶ DIALLED ────▶ GREETING ───────▶ UP ─────────────▶ CLOSING ──CLOSED──▶ FREE
 *                     └───── 20 s ──┴──── 10 s ─────────────────────────▲
 *
 * A session that is to be replaced stays UP and is only marked `leaving`; it is closed a moment
 * after the hello of the next one (make before break), when what it still brought is acknowledged.
 * There is one place that asks for URLs, plan(), and one that delays it, back_off(). Time acts in
 * tick() only, which the turn calls after all arrivals: a late pong beats its deadline. What came
 * from a socket that is in no slot is about the past and changes nothing. */
#include "base/arena.h"
#include "slack/link_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIAL_MS      (20 * SECOND_MS) /* name look-up, TCP, TLS, upgrade */
#define HELLO_MS     (10 * SECOND_MS)
#define PING_MS      (10 * SECOND_MS)
#define ASLEEP_MS    (2 * MINUTE_MS) /* a ping of ours is never that late while we run */
#define LINGER_MS    (3 * SECOND_MS) /* Slack waits so long for an acknowledgement */
#define CLOSING_MS   (5 * SECOND_MS) /* io is done after 2 s; then the slot is ours again anyway */
#define ASK_MS       MINUTE_MS       /* the request ends after 10 s; a lost answer is no dead end */
#define BACK_OFF_MS  SECOND_MS
#define BACK_OFF_MAX MINUTE_MS       /* doubled up to that */
#define LEAVE_MAX    (2 * SECOND_MS) /* the same while a session leaves: Slack ends it after 10 s */
#define SURVIVED_MS  MINUTE_MS       /* a session this old was a good one */
#define CROWDED_MS   MINUTE_MS       /* too_many_websockets */
#define DISABLED_MS  (5 * MINUTE_MS) /* link_disabled, or a refused token */
#define LIVES_S_MAX  (7 * 24 * INT64_C(3600))
#define CLOSE_NORMAL 1000

struct step {
	struct link *l;
	int64_t now_ms;
	const struct chance *chance;
	struct link_acts *out;
};

struct link *link_new(void) { return mem_new(sizeof(struct link)); }
void link_free(struct link *l) { free(l); }

static struct link_act *act(const struct step *s, enum link_act_kind kind, uint64_t socket)
{
	assert(s->out->n < LINK_ACTS_MAX);
	struct link_act *a = &s->out->at[s->out->n++];

	*a = (struct link_act){ .kind = kind, .socket = socket };
	return a;
}

__attribute__((format(printf, 2, 3))) static void say(const struct step *s, const char *format, ...)
{
	struct link_act *a = act(s, LINK_SAY, 0);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(a->say, sizeof(a->say), format, ap);
	va_end(ap);
}

static struct slot *slot_of(struct link *l, uint64_t socket)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (l->slots[i].state != SLOT_FREE && l->slots[i].socket == socket)
			return &l->slots[i];
	}
	return NULL;
}

/* A session that lived for a minute ends the row of failures, once. */
static void survive(const struct step *s, struct slot *t)
{
	if (t->state != SLOT_UP || t->has_survived || s->now_ms - t->up_ms < SURVIVED_MS)
		return;
	t->has_survived = true;
	s->l->failures = 0;
}

/* Exponential with full jitter; a wait that was agreed on is never shortened. Failures are counted
 * as far as they make a wait longer. */
static int64_t back_off_up_to(const struct step *s, int64_t most_ms, int64_t at_least_ms)
{
	struct link *l = s->l;
	int64_t cap_ms = BACK_OFF_MS << l->failures;

	if (cap_ms < most_ms)
		l->failures++;
	else
		cap_ms = most_ms;
	int64_t wait_ms = 1 + (int64_t)(chance_u64(s->chance, "link.back_off") % (uint64_t)cap_ms);
	if (wait_ms < at_least_ms)
		wait_ms = at_least_ms;
	if (l->ask_ms < s->now_ms + wait_ms)
		l->ask_ms = s->now_ms + wait_ms;
	return l->ask_ms - s->now_ms;
}

/* At least what the other side wishes. */
static int64_t back_off(const struct step *s, int64_t at_least_ms)
{
	return back_off_up_to(s, BACK_OFF_MAX, at_least_ms);
}

/* The Close frame is always sent: without it Slack keeps a ghost registration for hours and sends
 * it clicks that nobody gets (reliability.md 2.1, 1). */
static void hang_up(const struct step *s, struct slot *t)
{
	act(s, LINK_HANG_UP, t->socket)->code = CLOSE_NORMAL;
	t->state = SLOT_CLOSING;
	t->by_ms = s->now_ms + CLOSING_MS;
}

static void plan(const struct step *s)
{
	struct link *l = s->l;

	if (!link_wants_url(l) || s->now_ms < l->ask_ms)
		return;
	act(s, LINK_ASK_URL, 0);
	l->is_asking = true;
	l->asked_by_ms = s->now_ms + ASK_MS;
}

static void on_url(const struct step *s, const char *url)
{
	struct link *l = s->l;
	const size_t n = str_z(url).n;
	size_t i = 0;

	if (!l->is_asking) /* the answer to a question that was given up */
		return;
	l->is_asking = false;
	if (n == 0 || n >= sizeof(((struct link_act *)NULL)->url)) {
		say(s, "a URL of %zu bytes; again in %" PRId64 " ms", n, back_off(s, 0));
		return;
	}
	/* Asked for with a free slot, and only this takes one. */
	const size_t free_slots = link_count(l, SLOT_FREE, &i);
	assert(free_slots > 0);
	struct slot *t = &l->slots[i];
	*t = (struct slot){ .state = SLOT_DIALLED,
			    .socket = ++l->last_socket,
			    .by_ms = s->now_ms + DIAL_MS };
	memcpy(act(s, LINK_DIAL, t->socket)->url, url, n + 1);
}

static void on_no_url(const struct step *s, const struct link_event *ev)
{
	int64_t at_least_ms = ev->retry_ms;

	if (!s->l->is_asking)
		return;
	s->l->is_asking = false;
	if (ev->is_fatal && at_least_ms < DISABLED_MS)
		at_least_ms = DISABLED_MS;
	say(s, "no URL%s; again in %" PRId64 " ms", ev->is_fatal ? " until somebody acts" : "",
	    back_off(s, at_least_ms));
}

static void on_up(const struct step *s, struct slot *t)
{
	if (t->state != SLOT_DIALLED)
		return;
	t->state = SLOT_GREETING;
	t->by_ms = s->now_ms + HELLO_MS;
	t->heard_ms = s->now_ms;
}

static void say_ghosts(const struct step *s)
{
	s->l->has_said_ghosts = true;
	say(s, "Slack counts %" PRId64 " sockets that are not ours: clicks may get lost there",
	    s->l->ghosts);
}

/* Ghosts are counted against all our sockets that Slack may still know. */
static void count_ghosts(const struct step *s, int64_t connections)
{
	struct link *l = s->l;
	const int64_t ours = SLOTS - (int64_t)link_count(l, SLOT_FREE, NULL);

	if (connections <= ours) {
		l->ghosts = 0;
		l->is_recounted = l->has_said_ghosts = false;
		return;
	}
	if (l->ghosts == 0)
		l->ghosts_ms = s->now_ms;
	l->ghosts = connections - ours;
	if (l->is_recounted && !l->has_said_ghosts)
		say_ghosts(s);
}

static void on_hello(const struct step *s, struct slot *t, const struct link_event *ev)
{
	const int64_t lives_s = ev->lives_s < LIVES_S_MAX ? ev->lives_s : LIVES_S_MAX;
	const int64_t per_mille = 850 + (int64_t)(chance_u64(s->chance, "link.leave") % 101);

	if (t->state != SLOT_GREETING && t->state != SLOT_DIALLED)
		return;
	t->state = SLOT_UP;
	t->by_ms = NEVER_MS;
	t->up_ms = t->heard_ms = s->now_ms;
	t->ping_ms = s->now_ms + PING_MS;
	t->leave_ms = lives_s > 0 ? s->now_ms + lives_s * per_mille : NEVER_MS;
	if (t->leave_ms < s->now_ms + SURVIVED_MS)
		t->leave_ms = s->now_ms + SURVIVED_MS;
	count_ghosts(s, ev->connections);
	say(s, "socket %" PRIu64 " is up, %" PRId64 " counted by Slack, for %" PRId64 " s",
	    t->socket, ev->connections, ev->lives_s);
	for (size_t i = 0; i < SLOTS; i++) {
		if (&s->l->slots[i] != t && s->l->slots[i].state == SLOT_UP)
			s->l->slots[i].by_ms = s->now_ms + LINGER_MS;
	}
}

/* A session that is told to go after less than a minute counts as a failure: else Slack and we
 * could chase each other (slack.md 1.9). But the next one has to stand before Slack ends this
 * one, or clicks of that moment are lost. */
static void leave(const struct step *s, struct slot *t)
{
	if (t->is_leaving)
		return;
	t->is_leaving = true;
	if (!t->has_survived)
		(void)back_off_up_to(s, LEAVE_MAX, 0);
}

static void on_disconnect(const struct step *s, struct slot *t, const char *reason)
{
	const int64_t jitter_ms =
		(int64_t)(chance_u64(s->chance, "link.crowded") % (uint64_t)CROWDED_MS);
	int64_t at_least_ms = 0;

	if (!link_is_open(t))
		return;
	if (strcmp(reason, "too_many_websockets") == 0)
		at_least_ms = CROWDED_MS + jitter_ms;
	else if (strcmp(reason, "link_disabled") == 0)
		at_least_ms = DISABLED_MS;
	else if (t->state == SLOT_UP) {
		leave(s, t);
		return;
	}
	hang_up(s, t);
	say(s, "Slack closes socket %" PRIu64 " (%.60s); again in %" PRId64 " ms", t->socket,
	    reason, back_off(s, at_least_ms));
}

static void on_closed(const struct step *s, struct slot *t)
{
	const bool was_wanted = t->state != SLOT_CLOSING && !t->is_leaving;

	t->state = SLOT_FREE;
	if (was_wanted)
		say(s, "socket %" PRIu64 " is gone; again in %" PRId64 " ms", t->socket,
		    back_off(s, 0));
}

static void on_stop(const struct step *s)
{
	s->l->is_stopping = true;
	s->l->is_asking = false;
	for (size_t i = 0; i < SLOTS; i++) {
		if (s->l->slots[i].state != SLOT_FREE && s->l->slots[i].state != SLOT_CLOSING)
			hang_up(s, &s->l->slots[i]);
	}
}

static void give_up(const struct step *s, struct slot *t, const char *why)
{
	hang_up(s, t);
	say(s, "socket %" PRIu64 ": %s; again in %" PRId64 " ms", t->socket, why, back_off(s, 0));
}

static void tick_up(const struct step *s, struct slot *t)
{
	survive(s, t);
	if (s->now_ms - t->heard_ms >= DEAF_MS) {
		give_up(s, t, "no sign of life for 30 s");
		return;
	}
	if (s->now_ms >= t->by_ms && link_count(s->l, SLOT_UP, NULL) > 1) {
		hang_up(s, t);
		return;
	}
	/* We were asleep, and so was nobody else: what we read now may be from before. */
	if (s->now_ms - t->ping_ms >= ASLEEP_MS)
		leave(s, t);
	if (s->now_ms >= t->ping_ms) {
		act(s, LINK_PING, t->socket);
		t->ping_ms = s->now_ms + PING_MS;
	}
	if (s->now_ms >= t->leave_ms)
		leave(s, t);
}

static void tick_slot(const struct step *s, struct slot *t)
{
	switch (t->state) {
	case SLOT_FREE: break;
	case SLOT_DIALLED:
		if (s->now_ms >= t->by_ms)
			give_up(s, t, "not connected within 20 s");
		break;
	case SLOT_GREETING:
		if (s->now_ms >= t->by_ms)
			give_up(s, t, "no hello within 10 s");
		break;
	case SLOT_UP: tick_up(s, t); break;
	case SLOT_CLOSING:
		if (s->now_ms >= t->by_ms)
			t->state = SLOT_FREE;
		break;
	}
}

/* A death of ours leaves a ghost that fades in minutes, and nothing says so but another hello: one
 * session is replaced to hear it. Where there is no room for that, or it says the same, the alarm
 * is raised; nothing is churned (slack.md 1.9). */
static void tick_ghosts(const struct step *s)
{
	struct link *l = s->l;

	if (l->ghosts == 0 || l->has_said_ghosts || s->now_ms - l->ghosts_ms < GHOSTS_MS)
		return;
	if (l->is_recounted || l->ghosts + SLOTS > REGISTRATIONS_MAX) {
		say_ghosts(s);
		return;
	}
	l->is_recounted = true;
	l->ghosts_ms = s->now_ms;
	for (size_t i = 0; i < SLOTS; i++) {
		if (l->slots[i].state == SLOT_UP)
			leave(s, &l->slots[i]);
	}
}

/* What time alone brings. */
static void tick(const struct step *s)
{
	struct link *l = s->l;

	for (size_t i = 0; i < SLOTS; i++)
		tick_slot(s, &l->slots[i]);
	if (l->is_asking && s->now_ms >= l->asked_by_ms) {
		l->is_asking = false;
		say(s, "no answer about a URL; again in %" PRId64 " ms", back_off(s, 0));
	}
	tick_ghosts(s);
}

static void on_socket(const struct step *s, const struct link_event *ev)
{
	struct slot *t = slot_of(s->l, ev->socket);

	if (t == NULL)
		return;
	survive(s, t);
	if (link_is_open(t) && ev->kind != LINK_CLOSED)
		t->heard_ms = s->now_ms;
	if (ev->kind == LINK_UP)
		on_up(s, t);
	else if (ev->kind == LINK_HELLO)
		on_hello(s, t, ev);
	else if (ev->kind == LINK_DISCONNECT)
		on_disconnect(s, t, ev->reason != NULL ? ev->reason : "");
	else if (ev->kind == LINK_CLOSED)
		on_closed(s, t);
}

void link_step(struct link *l, const struct link_event *ev, int64_t now_ms,
	       const struct chance *chance, struct link_acts *out)
{
	const struct step s = { l, now_ms, chance, out };

	out->n = 0;
	switch (ev->kind) {
	case LINK_START: l->is_started = true; break;
	case LINK_URL: on_url(&s, ev->url != NULL ? ev->url : ""); break;
	case LINK_NO_URL: on_no_url(&s, ev); break;
	case LINK_UP:
	case LINK_HELLO:
	case LINK_HEARD:
	case LINK_DISCONNECT:
	case LINK_CLOSED: on_socket(&s, ev); break;
	case LINK_TIMER: tick(&s); break;
	case LINK_STOP: on_stop(&s); break;
	}
	plan(&s);
}
