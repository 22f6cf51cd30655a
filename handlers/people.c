/* people: subject resolution. Called by handlers only; it moves no inquiry. */
#include "handlers/people.h"

#include <string.h>

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/notification.h"

enum { SLACK_ID_MIN = 6, SLACK_ID_MAX = 32, NAME_MAX_BYTES = 64 };

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
	if (s.n == 0 || s.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.at[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') && !strchr("._-+", c))
			return false;
	}
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

static struct whom by_email(const struct act *a, const char *email)
{
	const struct person *p = look_person_email(a->look, email);
	if (is_fresh(a, p))
		return people_check(a, p);
	return (struct whom){ .kind = WHOM_LOOK_UP, .lookup = OUT_LOOKUP_EMAIL, .target = email };
}

static struct whom by_name(const struct act *a, const char *name)
{
	const struct policy *p = a->policy;
	const struct known_person *hit = NULL;
	size_t hits = 0;
	for (size_t i = 0; i < p->people_n; i++)
		if (strcmp(p->people[i].name, name) == 0) {
			hit = &p->people[i];
			hits++;
		}
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

void people_ask(const struct act *a, struct decision *d, const struct inquiry *q,
		const struct person *p)
{
	if (p->dm[0]) {
		notification_ask(a, d, q, p->dm);
		return;
	}
	struct outgoing row = effect(a, q, OUT_OPEN_DM, p->user);
	row.key = arena_f(a->arena, "case %lld, open dm, %s", (long long)q->case_id, p->user);
	row.gate = "slack:conversations.open";
	decide_effect(d, &row);
}
