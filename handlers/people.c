/* people: subject resolution and the cache of Slack's directory. Called by handlers and, through
 * handlers.h, by turn; inquiries move by inquiry.h only. */
#include "handlers/people.h"

#include <string.h>

#include "base/when.h"
#include "base/words.h"
#include "handlers/decide.h"
#include "handlers/inquiry.h"
#include "handlers/notification.h"

enum {
	SLACK_ID_MIN = 6,
	SLACK_ID_MAX = 32,
	LOCAL_PART_MAX = 64,
	EMAIL_MAX = 320, /* code points, from here on */
	NAME_MAX_POINTS = 200,
	TZ_MAX = 60,
	TRIED_BYTES_MAX = 8192
};

static struct whom nobody(const char *tried)
{
	return (struct whom){ .kind = WHOM_NOBODY, .tried = tried };
}

/* ^[UW][A-Z0-9]{5,}$ */
static bool is_slack_id(struct str s)
{
	if (s.n < SLACK_ID_MIN || s.n > SLACK_ID_MAX || (s.at[0] != 'U' && s.at[0] != 'W'))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!(s.at[i] >= 'A' && s.at[i] <= 'Z') && !(s.at[i] >= '0' && s.at[i] <= '9'))
			return false;
	return true;
}

/* A name that can stand before the @ of an address as it is. */
static bool is_local_part(struct str s)
{
	if (s.n == 0 || s.n > LOCAL_PART_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.at[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') && !strchr("._-+", c))
			return false;
	}
	return true;
}

/* Nothing that an address never has: not what words_name() put for what it could not show. */
static bool is_address(struct str s)
{
	static const struct str doubtful[] = { STR_INIT("\xef\xbf\xbd"), STR_INIT(WORDS_MASK) };
	struct str local, domain;
	if (!str_cut(s, '@', &local, &domain) || !local.n || !domain.n || str_has(domain, '@'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if (c <= ' ' || c == 0x7f || strchr("\"(),:;<>[\\]", c))
			return false;
	}
	for (size_t i = 0; i < sizeof(doubtful) / sizeof(doubtful[0]); i++)
		if (memmem(s.at, s.n, doubtful[i].at, doubtful[i].n))
			return false;
	return true;
}

struct whom people_check(const struct act *a, const struct person *p)
{
	const char *why = p->is_bot       ? "a bot"
			  : p->is_deleted ? "a deactivated account"
			  : p->is_guest   ? "a guest"
					  : NULL;
	if (why)
		return nobody(arena_f(a->arena, "Slack's %s is %s.", p->user, why));
	return (struct whom){ .kind = WHOM_FOUND, .person = p };
}

static bool is_fresh(const struct act *a, const struct person *p)
{
	return p && a->at.now_ms - p->fetched_ms < PERSON_FRESH_MS;
}

static struct whom by_user(const struct act *a, const char *user)
{
	const struct person *p = look_person(a->look, user);
	if (is_fresh(a, p))
		return people_check(a, p);
	return (struct whom){ .kind = WHOM_LOOK_UP, .lookup = OUT_LOOKUP_USER, .target = user };
}

/* Of those whom the cache knows under an address only those count that still have an account:
 * whoever left may have a successor. Of two, nobody is guessed. */
static struct whom by_email(const struct act *a, const char *email)
{
	struct person_list list = look_people_email(a->look, email);
	const struct person *hit = NULL;
	if (!is_address(str_z(email)))
		return nobody(arena_f(a->arena, "\"%s\" is no address.", email));
	for (size_t i = 0; i < list.n; i++) {
		const struct person *p = list.at[i];
		if (!is_fresh(a, p) || p->is_deleted)
			continue;
		if (hit)
			return nobody(arena_f(a->arena,
					      "Slack has two accounts with %s: %s and %s.", email,
					      hit->user, p->user));
		hit = p;
	}
	if (hit)
		return people_check(a, hit);
	return (struct whom){ .kind = WHOM_LOOK_UP, .lookup = OUT_LOOKUP_EMAIL, .target = email };
}

/* How often that name stands under people:; *hit is the last of them. */
static size_t known_as(const struct policy *p, const char *name, const struct known_person **hit)
{
	size_t hits = 0;
	for (size_t i = 0; i < p->people_n; i++)
		if (strcmp(p->people[i].name, name) == 0) {
			*hit = &p->people[i];
			hits++;
		}
	return hits;
}

static struct whom by_name(const struct act *a, const char *name)
{
	const struct policy *p = a->policy;
	const struct known_person *hit = NULL;
	size_t hits = known_as(p, name, &hit);
	if (hits > 1)
		return nobody(
			arena_f(a->arena, "\"%s\" stands under people: %zu times.", name, hits));
	if (hit)
		return hit->user[0] ? by_user(a, hit->user) : by_email(a, hit->email);
	if (!p->people_domain[0])
		return nobody(arena_f(a->arena,
				      "\"%s\" is not under people:, and there is no people.domain.",
				      name));
	if (!is_local_part(str_z(name)))
		return nobody(arena_f(a->arena,
				      "\"%s\" is not under people:, and \"%s@%s\" is no address.",
				      name, name, p->people_domain));
	return by_email(a, arena_f(a->arena, "%s@%s", name, p->people_domain));
}

struct whom people_whom(const struct act *a, const char *subject)
{
	struct str s = str_trim(str_z(subject));
	const char *name = arena_str(a->arena, s);
	if (!s.n)
		return nobody("The alert names nobody.");
	if (is_slack_id(s))
		return by_user(a, name);
	return str_has(s, '@') ? by_email(a, name) : by_name(a, name);
}

/* How a name became an address or an id; nothing for what was one already. */
static void add_path(const struct act *a, const char *subject, struct buf *b)
{
	const struct known_person *hit = NULL;
	if (!subject[0] || is_slack_id(str_z(subject)) || str_has(str_z(subject), '@'))
		return;
	if (known_as(a->policy, subject, &hit) == 1)
		buf_addf(b, "\"%s\" is %s under people:. ", subject,
			 hit->user[0] ? hit->user : hit->email);
	else
		buf_addf(b, "\"%s\" is not under people:. ", subject);
}

const char *people_tried(const struct act *a, const struct inquiry *q, const char *subject,
			 const char *last)
{
	static const enum out_kind ways[] = { OUT_LOOKUP_EMAIL, OUT_LOOKUP_USER };
	CLEANUP(buf_free) struct buf b = BUF(TRIED_BYTES_MAX);
	bool is_cached = q->person[0] && strcmp(q->person, subject) != 0;
	add_path(a, subject, &b);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct look_list rows = look_case_outgoing(a->look, q->case_id, ways[i]);
		for (size_t n = 0; n < rows.n; n++) {
			const struct outgoing *row = rows.at[n];
			if (row->inquiry_id != q->id || !row->shown || !q->person[0])
				continue;
			buf_addf(&b, "Looked up %s in Slack: %s. ", row->target, q->person);
			is_cached = false;
		}
	}
	if (is_cached)
		buf_addf(&b, "It is %s in our copy of Slack's directory. ", q->person);
	buf_addz(&b, last);
	return b.broken ? last : arena_str(a->arena, buf_str(&b));
}

static struct outgoing effect(const struct act *a, const struct inquiry *q, enum out_kind kind,
			      const char *target)
{
	return (struct outgoing){
		.kind = kind,
		.state = OUT_LIVE,
		.phase = PHASE_SEND,
		.rank = RANK_PERSON,
		.case_id = q->case_id,
		.inquiry_id = q->id,
		.target = target,
		.channel = "",
		.ref = "",
		.wanted = 1,
		.due_ms = a->at.now_ms,
		.deadline_ms = NEVER_MS, /* the inquiry's own deadline watches over it */
		.created_ms = a->at.now_ms,
		.error = "",
	};
}

void people_look_up(const struct act *a, struct decision *d, const struct inquiry *q,
		    const struct whom *w)
{
	struct outgoing row = effect(a, q, w->lookup, w->target);
	row.key = arena_f(a->arena, "case %lld, lookup, %s", (long long)q->case_id, w->target);
	row.gate = w->lookup == OUT_LOOKUP_EMAIL ? "slack:users.lookupByEmail" : "slack:users.info";
	decide_effect(d, &row);
}

void people_open_dm(const struct act *a, struct decision *d, const struct inquiry *q,
		    const struct person *p)
{
	struct outgoing row = effect(a, q, OUT_OPEN_DM, p->user);
	row.key = arena_f(a->arena, "case %lld, open dm, %s", (long long)q->case_id, p->user);
	row.gate = "slack:conversations.open";
	decide_effect(d, &row);
}

void people_ask(const struct act *a, struct decision *d, const struct inquiry *q,
		const struct person *p)
{
	if (p->dm[0])
		notification_ask(a, d, q, p->dm);
	else
		people_open_dm(a, d, q, p);
}

/* --- the directory --- */

const struct person *people_keep(const struct act *a, struct decision *d, const struct person *p)
{
	struct person *kept = arena_new(a->arena, struct person);
	const struct person *known = look_person(a->look, p->user);
	*kept = *p;
	kept->email = decide_clip(a->arena, p->email, EMAIL_MAX);
	kept->name = decide_clip(a->arena, p->name, NAME_MAX_POINTS);
	kept->tz = decide_clip(a->arena, p->tz, TZ_MAX);
	kept->fetched_ms = a->at.now_ms;
	if (!p->dm || !p->dm[0])
		kept->dm = known ? known->dm : "";
	decide_person(d, kept);
	return kept;
}

static bool is_same(const struct person *a, const struct person *b)
{
	return strcmp(a->email, b->email) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->tz, b->tz) == 0 && a->tz_offset_s == b->tz_offset_s &&
	       a->is_bot == b->is_bot && a->is_deleted == b->is_deleted &&
	       a->is_guest == b->is_guest;
}

/* Slack says less of those who left: what it leaves out is as it was. */
static struct person filled(const struct person *p, const struct person *known)
{
	struct person now = *p;
	if (!now.email || !now.email[0])
		now.email = known->email;
	if (!now.name || !now.name[0])
		now.name = known->name;
	if (!now.tz || !now.tz[0]) {
		now.tz = known->tz;
		now.tz_offset_s = known->tz_offset_s;
	}
	return now;
}

struct decision handle_person(const struct act *a, const struct person *p)
{
	struct decision d = decide_begin(a);
	const struct person *known = look_person(a->look, p->user);
	if (!known)
		return d;
	struct person now = filled(p, known);
	/* Slack tells of each new status text: a copy that is right already is kept an hour. */
	if (is_same(&now, known) && a->at.now_ms - known->fetched_ms < HOUR_MS)
		return d;
	people_keep(a, &d, &now);
	if (!now.is_deleted)
		return d;
	struct inquiry_list open = look_person_inquiries(a->look, p->user);
	for (size_t i = 0; i < open.n; i++)
		inquiry_gone(a, &d, open.at[i]);
	return d;
}
