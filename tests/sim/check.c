/* check: the names of what must be true, and what is looked at while time passes. The ledger of the
 * world is held against the rows of the database, and both against what senders and people of this
 * seed saw. Numbers are those of the list of invariants (docs/ARCHITECTURE.md).
 *
 * Not here, for nothing is built that they speak of: I-3 (no poller has a cursor), I-10 (no alerts
 * about insiders), I-11 (no caps by user), I-20 to I-27 (no proofs), I-35 (no roster of who is on
 * call), I-50 (no seeds of codes), I-51 to I-54 (no actions), I-58 to I-60 (one process). I-32
 * speaks of a verified yes; here of an answer in time. I-41 has no result to be stale: an answer
 * belongs to a ticket of one life, which a death takes along; tests/unit/test_handlers_delivery.c
 * holds the fence. I-43 at every crash point is tests/disk; here it is held after power cuts and
 * failed commits. Memory and threads of I-55 are the soak's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/look.h"
#include "sim/sim.h"

const char *const check_names[] = {
	"I-1 every alert answered 2xx has one row, a repeat keeps it at one",
	"I-2 no alert row without the source's secret",
	"I-4 every stored alert gets a disposition",
	"I-5 a known-benign alert names the rule",
	"I-6 at most one question per alert key",
	"I-7 a deadline never moves",
	"I-8 at most one visible question per inquiry",
	"I-9 a question goes only to the person it is about",
	"I-12 nobody to ask is escalated at once",
	"I-13 only the addressee's answer counts",
	"I-14 states move along the graph, and ends are ends",
	"I-15 an answer belongs to the question it names",
	"I-16 an acknowledged answer is stored",
	"I-17 the first yes stays, a no always counts",
	"I-18 a yes without proof closes nothing above P4",
	"I-19 a later yes never takes back a no",
	"I-28 every no has an incident in time",
	"I-29 every silence has an incident in time",
	"I-30 P1 and P2 page at once",
	"I-31 one incident per reason",
	"I-32 an answer in time pages for no silence",
	"I-33 a page not confirmed in five minutes is said in the channel",
	"I-34 no page waits behind anything else",
	"I-36 no effect without its row",
	"I-37 every row going out comes to rest",
	"I-38 one effect per key",
	"I-39 Retry-After is kept",
	"I-40 one message a second a channel",
	"I-42 the message shows the state",
	"I-43 after power cuts and failed commits the file is whole",
	"I-44 what is said twice is done once",
	"I-45 nothing is said in a turn whose commit failed",
	"I-46 a copy is whole and lacks nothing that was committed before",
	"I-47 a migration that was interrupted is done again",
	"I-48 every change of state has one record, and the chain holds",
	"I-49 no secret in the database, the log, or what people read",
	"I-55 two sockets at most",
	"I-56 a sender is answered or its connection breaks, even in a flood",
	"I-57 the same seed is the same run",
	"T11 outside words are never markup",
	"F2 after SIGTERM every socket has its Close frame",
	"E67 a drill wakes nobody",
	NULL,
};

/* --- while time passes --- */

static bool may_move(int was, int is)
{
	switch ((enum inquiry_state)was) {
	case INQUIRY_OPEN: return true;
	case INQUIRY_UNPROVEN:
	case INQUIRY_SILENT:
	case INQUIRY_UNREACHABLE: return is == INQUIRY_NO;
	case INQUIRY_NO: break;
	}
	return false;
}

static void check_deadline(struct sim *s, struct sim_inquiry *seen, const struct inquiry *q)
{
	if (!q->answer_ms)
		return;
	if (!seen->answer_ms)
		seen->answer_ms = q->answer_ms;
	if (seen->answer_ms != q->answer_ms)
		sim_break(s, "I-7 inquiry %" PRId64 ": its deadline moved by %" PRId64 " ms", q->id,
			  q->answer_ms - seen->answer_ms);
	if (q->answer_ms != q->delivered_ms + q->wait_ms)
		sim_break(s, "I-7 inquiry %" PRId64 ": its deadline is not delivery + wait", q->id);
}

static void check_move(struct sim *s, struct sim_inquiry *seen, const struct inquiry *q)
{
	int is = (int)q->state;
	if (seen->case_id && seen->state == INQUIRY_NO && is != INQUIRY_NO)
		sim_break(s, "I-19 inquiry %" PRId64 ": its no became %d", q->id, is);
	if (seen->case_id && seen->state != is && !may_move(seen->state, is))
		sim_break(s, "I-14 inquiry %" PRId64 ": from %d to %d", q->id, seen->state, is);
	if (seen->case_id && seen->case_id != q->case_id)
		sim_break(s, "I-14 inquiry %" PRId64 ": changed its case", q->id);
	if (seen->case_id && seen->state == is && seen->answered_ms &&
	    seen->answered_ms != q->answered_ms)
		sim_break(s, "I-17 inquiry %" PRId64 ": answered anew", q->id);
	seen->state = is;
	seen->case_id = q->case_id;
	seen->answered_ms = q->answered_ms;
}

static void check_inquiries(struct sim *s, struct look *l, bool all)
{
	for (int64_t id = 1; id < SIM_SEEN_MAX; id++) {
		struct sim_inquiry *seen = &s->inquiries[id];
		if (!all && seen->case_id && seen->state == INQUIRY_NO)
			continue;
		const struct inquiry *q = look_inquiry(l, id);
		if (!q)
			return;
		check_deadline(s, seen, q);
		check_move(s, seen, q);
		for (int64_t k = 1; all && k < id; k++)
			if (s->inquiries[k].case_id == q->case_id)
				sim_break(s, "I-6 case %" PRId64 ": two questions", q->case_id);
	}
}

/* What was closed is opened again by a no, or because a trouble of the bot itself is back. */
static void check_closed(struct sim *s, struct look *l)
{
	const struct casefile *k;
	for (int64_t id = 1; id < SIM_SEEN_MAX && (k = look_case(l, id)) != NULL; id++) {
		bool is_closed = k->state == CASE_CLOSED;
		const struct inquiry *q =
			s->closed[id] && !is_closed ? look_case_inquiry(l, id) : NULL;
		if (s->closed[id] && !is_closed && strcmp(k->source, "securitybot") != 0 &&
		    !(q && q->state == INQUIRY_NO))
			sim_break(s, "I-14 case %" PRId64 ": open again", id);
		s->closed[id] = is_closed;
	}
}

void check_always(struct sim *s)
{
	const struct lab_wrongs *w = lab_wrongs(s->lab);
	if (w->spoke_after_failure)
		sim_break(s, "I-45 something was said in a turn whose commit failed");
	if (w->rude_goodbyes)
		sim_break(s, "F2 the process ended and left a socket without a Close frame");
	if (lab_sockets(s->lab) > 2)
		sim_break(s, "I-55 %zu sockets to Slack", lab_sockets(s->lab));
	struct look *l = lab_look(s->lab);
	if (!l)
		return;
	bool all = s->checks++ % 8 == 0;
	check_inquiries(s, l, all);
	if (all)
		check_closed(s, l);
}
