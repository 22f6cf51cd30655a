/* notification: raising messages. Called by handlers only; it decides no state. */
#include "handlers/notification.h"

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/people.h"
#include "handlers/plan.h"

static struct outgoing message(const struct act *a, enum out_kind kind, const char *channel)
{
	return (struct outgoing){
		.key = "",
		.kind = kind,
		.state = OUT_LIVE,
		.phase = PHASE_SEND,
		.gate = arena_f(a->arena, "slack:%s", channel),
		.target = "",
		.channel = channel,
		.ref = "",
		.wanted = 1,
		.due_ms = a->at.now_ms,
		.deadline_ms = NEVER_MS,
		.created_ms = a->at.now_ms,
		.error = "",
	};
}

/* A message that Slack refused for good gets another chance with the next change it has to show:
 * the bot may have been invited to the channel, or the text be another one. */
static void raise_row(const struct act *a, struct decision *d, const struct outgoing *row,
		      int64_t gap_ms)
{
	const struct outgoing *old = look_outgoing_key(a->look, row->key);
	if (old && old->state == OUT_DEAD) {
		struct outgoing again = *old;
		again.state = OUT_LIVE;
		again.phase = PHASE_SEND;
		again.attempts = again.misses = 0;
		decide_outgoing(d, &again, old->flight);
	}
	decide_raise(d, row, gap_ms);
}

void notification_card(const struct act *a, struct decision *d, int64_t case_id)
{
	struct outgoing row = message(a, OUT_CARD, a->policy->channel);
	row.key = arena_f(a->arena, "case %lld, card", (long long)case_id);
	row.rank = RANK_CARD;
	row.case_id = case_id;
	raise_row(a, d, &row, CARD_GAP_MS);
}

static const char *question_key(const struct act *a, int64_t inquiry_id)
{
	return arena_f(a->arena, "inquiry %lld, question", (long long)inquiry_id);
}

const struct outgoing *notification_of(const struct act *a, int64_t inquiry_id)
{
	return look_outgoing_key(a->look, question_key(a, inquiry_id));
}

void notification_ask(const struct act *a, struct decision *d, const struct inquiry *q,
		      const char *dm)
{
	struct outgoing row = message(a, OUT_QUESTION, dm);
	row.key = question_key(a, q->id);
	row.rank = RANK_PERSON;
	row.case_id = q->case_id;
	row.inquiry_id = q->id;
	raise_row(a, d, &row, 0);
}

void notification_question(const struct act *a, struct decision *d, int64_t inquiry_id)
{
	const struct outgoing *old = notification_of(a, inquiry_id);
	/* One that never reached the person and was refused for good stays so: others were told. */
	if (!old || (old->state == OUT_DEAD && !old->ref[0]))
		return;
	struct outgoing row = *old;
	row.rank = RANK_ANSWERED;
	row.due_ms = a->at.now_ms;
	raise_row(a, d, &row, 0);
}

void notification_case_question(const struct act *a, struct decision *d, int64_t case_id)
{
	const struct inquiry *q = look_case_inquiry(a->look, case_id);
	if (q)
		notification_question(a, d, q->id);
}

/* --- a notice: it asks nothing, so nothing waits for it but its row --- */

static const char *notice_key(const struct act *a, int64_t case_id)
{
	return arena_f(a->arena, "case %lld, notice", (long long)case_id);
}

bool notification_waits(const struct act *a, const struct casefile *k)
{
	return plan_notify(a->arena, k)[0] && !look_outgoing_key(a->look, notice_key(a, k->id));
}

static void post_notice(const struct act *a, struct decision *d, int64_t case_id,
			const struct person *p)
{
	struct outgoing row = message(a, OUT_NOTICE, p->dm);
	row.key = notice_key(a, case_id);
	row.rank = RANK_PERSON;
	row.case_id = case_id;
	row.target = p->user;
	raise_row(a, d, &row, 0);
	notification_card(a, d, case_id);
}

static void tell(const struct act *a, struct decision *d, const struct casefile *k,
		 const struct whom *w)
{
	const struct inquiry no_inquiry = { .case_id = k->id };
	switch (w->kind) {
	case WHOM_FOUND:
		if (w->person->dm[0])
			post_notice(a, d, k->id, w->person);
		else
			people_open_dm(a, d, &no_inquiry, w->person);
		return;
	case WHOM_LOOK_UP: people_look_up(a, d, &no_inquiry, w); return;
	case WHOM_NOBODY:
		decide_audit(d, "bot", "notice.undeliverable", decide_name(a->arena, "case", k->id),
			     w->tried);
		notification_card(a, d, k->id);
		return;
	}
}

void notification_notify(const struct act *a, struct decision *d, const struct casefile *k)
{
	struct whom w = people_whom(a, k->subject);
	if (plan_notify(a->arena, k)[0])
		tell(a, d, k, &w);
}

void notification_found(const struct act *a, struct decision *d, const struct casefile *k,
			const struct whom *w)
{
	if (notification_waits(a, k))
		tell(a, d, k, w);
}

void notification_opened(const struct act *a, struct decision *d, const struct casefile *k,
			 const struct person *p)
{
	if (notification_waits(a, k))
		post_notice(a, d, k->id, p);
}

/* --- the thread under the card --- */

static const char *thread_key(const struct act *a, int64_t case_id, const char *event)
{
	return arena_f(a->arena, "case %lld, thread, %s", (long long)case_id, event);
}

static const struct outgoing *card_of(const struct act *a, int64_t case_id)
{
	struct look_list cards = look_case_outgoing(a->look, case_id, OUT_CARD);
	return cards.n ? cards.at[0] : NULL;
}

static void tell_thread(const struct act *a, struct decision *d, int64_t case_id, const char *event,
			const char *what)
{
	const struct outgoing *card = card_of(a, case_id);
	bool stands = card && card->ref[0];
	struct outgoing row = message(a, OUT_THREAD, card ? card->channel : a->policy->channel);
	if (!stands) /* not due: notification_card_stands() */
		row.channel = "";
	row.key = thread_key(a, case_id, event);
	row.rank = RANK_CARD;
	row.case_id = case_id;
	row.target = what;
	raise_row(a, d, &row, 0);
}

void notification_told(const struct act *a, struct decision *d, const struct casefile *k,
		       enum told what)
{
	static const struct {
		const char *event, *what;
	} names[] = {
		[TOLD_YES] = { "answer", "yes" },
		[TOLD_NO] = { "answer", "no" },
		[TOLD_SILENT] = { "answer", "silent" },
		[TOLD_UNREACHABLE] = { "answer", "unreachable" },
		[TOLD_LATE_YES] = { "late", "late_yes" },
		[TOLD_LATE_NO] = { "correction", "late_no" },
		[TOLD_TOOK_BACK] = { "correction", "took_back" },
	};
	if (!k->is_drill)
		tell_thread(a, d, k->id, names[what].event, names[what].what);
}

void notification_told_page(const struct act *a, struct decision *d, const struct outgoing *page)
{
	const char *what = arena_f(a->arena, "page %s", page->target);
	tell_thread(a, d, page->case_id, what, what);
}

/* Her words go under her newest answer. */
void notification_told_note(const struct act *a, struct decision *d, const struct inquiry *q)
{
	static const char *const events[] = { "correction", "late", "answer" };
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		const struct outgoing *old =
			look_outgoing_key(a->look, thread_key(a, q->case_id, events[i]));
		if (old) {
			tell_thread(a, d, q->case_id, events[i], old->target);
			return;
		}
	}
}

void notification_card_stands(const struct act *a, struct decision *d, const struct outgoing *card)
{
	struct look_list all = look_case_outgoing(a->look, card->case_id, OUT_THREAD);
	for (size_t i = 0; i < all.n; i++) {
		struct outgoing row = *all.at[i];
		if (row.channel[0] || row.state != OUT_LIVE)
			continue;
		row.channel = card->channel;
		row.due_ms = a->at.now_ms;
		decide_outgoing(d, &row, row.flight);
	}
}

/* --- the alarm --- */

static struct outgoing alarm_of(const struct act *a, const struct outgoing *page)
{
	struct outgoing row = message(a, OUT_ALARM, a->policy->channel);
	row.key = arena_f(a->arena, "outgoing %lld, alarm", (long long)page->id);
	row.rank = RANK_PAGE;
	row.case_id = page->case_id;
	return row;
}

void notification_alarm(const struct act *a, struct decision *d, const struct outgoing *page)
{
	struct outgoing row = alarm_of(a, page);
	raise_row(a, d, &row, 0);
}

void notification_alarm_over(const struct act *a, struct decision *d, const struct outgoing *page)
{
	struct outgoing row = alarm_of(a, page);
	if (look_outgoing_key(a->look, row.key))
		raise_row(a, d, &row, 0);
}

bool notification_is_message(enum out_kind kind)
{
	switch (kind) {
	case OUT_QUESTION:
	case OUT_CARD:
	case OUT_ALARM:
	case OUT_NOTICE:
	case OUT_THREAD: return true;
	case OUT_PAGE:
	case OUT_CONFIRM:
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER:
	case OUT_OPEN_DM: return false;
	}
	return false;
}
