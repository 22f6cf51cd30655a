/* answer: clicks, comments, typed words. Called by intake only; it assigns no state. One audit row
 * for each attempt, whoever makes it; the same fact again is no attempt, it is Slack repeating
 * itself.
 */
#include "handlers/answer.h"

#include <string.h>

#include "handlers/command.h"
#include "handlers/decide.h"
#include "handlers/inquiry.h"
#include "handlers/notification.h"

static struct reply say(const char *key, const struct inquiry *q, int64_t at_ms)
{
	return (struct reply){
		.kind = REPLY_TEXT, .text_key = key, .inquiry_id = q ? q->id : 0, .at_ms = at_ms
	};
}

/* Every refused or idle attempt is written down once. */
struct attempt {
	const struct act *a;
	const char *user;
	bool is_new;
};
static void note(const struct attempt *t, struct decision *d, const char *action,
		 int64_t inquiry_id, const char *detail)
{
	if (t->is_new)
		decide_audit(d, arena_f(t->a->arena, "slack:%s", t->user), action,
			     decide_name(t->a->arena, "inquiry", inquiry_id), detail);
}

/* The click must come from the inquiry's own message, as far as we know it yet: Slack's answer to
 * the post may still be on its way when the first click comes, and the token is enough then. An
 * older one in the same direct messages is ours, too: it was taken for lost and posted anew, and a
 * "no" under it counts as under the other. */
static bool is_on_its_message(const struct act *a, const struct fact *f)
{
	const struct outgoing *row = notification_of(a, f->as.click.inquiry_id);
	if (!row || !row->ref[0] || !row->channel[0])
		return true;
	return strcmp(f->as.click.channel, row->channel) == 0 &&
	       strcmp(f->as.click.ts, row->ref) <= 0;
}

/* What the others say of pages and people on call would be false of a drill. */
static bool is_drill(const struct act *a, const struct inquiry *q)
{
	const struct casefile *k = look_case(a->look, q->case_id);
	return k && k->is_drill;
}

static struct reply already(const struct act *a, const struct inquiry *q)
{
	if (is_drill(a, q))
		return say(TEXT_DRILL, q, 0);
	if (q->state == INQUIRY_NO)
		return say(TEXT_ALREADY_NO, q, q->answered_ms);
	return say(TEXT_ALREADY_YES, q, q->late[0] ? q->late_ms : q->answered_ms);
}

/* The reply to an accepted answer, and to Slack's repetition of it: made from the state. */
static struct reply reply_of(const struct act *a, const struct inquiry *q, bool is_no)
{
	if (q->state == (is_no ? INQUIRY_NO : INQUIRY_UNPROVEN))
		return (struct reply){ .kind = REPLY_MODAL, .inquiry_id = q->id };
	if (is_drill(a, q))
		return say(TEXT_DRILL, q, 0);
	if (q->state == INQUIRY_SILENT && !is_no)
		return say(TEXT_LATE, q, q->late_ms);
	if (q->state == INQUIRY_UNREACHABLE && !is_no)
		return say(TEXT_UNREACHABLE, q, q->late_ms);
	return already(a, q);
}

struct decision answer_click(const struct act *a, const struct fact *f, bool is_new)
{
	struct decision d = decide_begin(a);
	const struct attempt t = { a, f->as.click.user, is_new };
	const struct inquiry *q =
		f->as.click.inquiry_id ? look_inquiry(a->look, f->as.click.inquiry_id) : NULL;
	if (!q || f->as.click.what == CLICK_UNKNOWN) {
		note(&t, &d, "inquiry.refused_token", f->as.click.inquiry_id,
		     q ? "a button we never made" : "the button's token is not ours");
		d.reply = say(TEXT_NOT_OURS, NULL, 0);
		return d;
	}
	if (strcmp(f->as.click.user, q->person) != 0) {
		note(&t, &d, "inquiry.refused_stranger", q->id, "only the addressee can answer");
		d.reply = say(TEXT_STRANGER, q, 0);
		return d;
	}
	if (!is_on_its_message(a, f)) {
		note(&t, &d, "inquiry.refused_message", q->id,
		     "the button is not on the inquiry's own message");
		d.reply = say(TEXT_NOT_OURS, NULL, 0);
		return d;
	}
	const struct said said = { .is_no = f->as.click.what != CLICK_YES };
	struct inquiry now = *q;
	if (!is_new || inquiry_answered(a, &d, &now, &said)) {
		d.reply = reply_of(a, &now, said.is_no);
		return d;
	}
	note(&t, &d, "inquiry.repeated", q->id,
	     said.is_no ? "\"no\" again: nothing changes" : "\"yes\": it is answered already");
	d.reply = already(a, q);
	return d;
}

struct decision answer_comment(const struct act *a, const struct fact *f, bool is_new)
{
	struct decision d = decide_begin(a);
	const struct attempt t = { a, f->as.comment.user, is_new };
	int64_t id = f->as.comment.inquiry_id;
	const struct inquiry *q = id ? look_inquiry(a->look, id) : NULL;
	if (!q || strcmp(f->as.comment.user, q->person) != 0) {
		note(&t, &d, q ? "inquiry.refused_stranger" : "inquiry.refused_token", id,
		     "a comment that is not the addressee's");
		return d;
	}
	struct inquiry now = *q;
	now.comment = decide_clip(
		a->arena, arena_str(a->arena, str_trim(str_z(f->as.comment.text))), COMMENT_MAX);
	if (!is_new || !now.comment[0])
		return d;
	decide_inquiry(&d, &now, q->state);
	note(&t, &d, "inquiry.commented", id, now.comment);
	notification_card(a, &d, q->case_id);
	notification_told_note(a, &d, q);
	notification_question(a, &d, id);
	return d;
}

/* --- typed --- */

/* Is it about this question? It must have stood there when the words were typed: one that came
 * while they travelled is not meant. Words in the thread of a message are about that message. */
static bool may_mean(const struct act *a, const struct fact *f, const struct inquiry *q)
{
	const struct outgoing *row = notification_of(a, q->id);
	const char *thread = f->as.message.thread_ts;
	if (!command_is_open(a, q) || !row)
		return false;
	if (thread[0] && strcmp(thread, f->as.message.ts) != 0)
		return strcmp(thread, row->ref) == 0;
	return !row->ref[0] || strcmp(row->ref, f->as.message.ts) < 0;
}

/* Typed words stand for a button only where there is no doubt which: one question, and its message
 * is known to be there. */
static struct decision answer_typed(const struct act *a, const struct fact *f, bool is_no)
{
	struct decision d = decide_begin(a);
	const struct inquiry *meant = NULL;
	const struct said said = { .is_no = is_no, .is_typed = true };
	struct inquiry_list all =
		look_newest_inquiries(a->look, f->as.message.user, COMMAND_INQUIRIES_MAX);
	size_t n = 0;
	for (size_t i = 0; i < all.n; i++)
		if (may_mean(a, f, all.at[i])) {
			meant = all.at[i];
			n++;
		}
	if (n == 0) {
		d.reply = say(TEXT_NONE_OPEN, NULL, 0);
		return d;
	}
	if (n > 1 || !meant->delivered_ms) {
		const struct attempt t = { a, f->as.message.user, true };
		d = command_several(a, f->as.message.user);
		note(&t, &d, "inquiry.refused_words", meant->id,
		     "typed, and not certain which question is meant");
		return d;
	}
	struct inquiry now = *meant;
	if (!inquiry_answered(a, &d, &now, &said)) {
		d.reply = already(a, meant);
		return d;
	}
	d.reply = now.late[0] ? reply_of(a, &now, is_no) : say(TEXT_TYPED, &now, a->at.now_ms);
	return d;
}

/* An answer that Slack repeats says nothing more: the question's own message tells what became of
 * it, and with other questions open by now these words must not be taken for theirs. */
struct decision answer_message(const struct act *a, const struct fact *f, bool is_new)
{
	struct typed typed;
	command_read(str_z(f->as.message.text), &typed);
	if (typed.kind != TYPED_YES && typed.kind != TYPED_NO)
		return command_typed(a, f, is_new, &typed);
	if (!is_new)
		return decide_begin(a);
	return answer_typed(a, f, typed.kind == TYPED_NO);
}
