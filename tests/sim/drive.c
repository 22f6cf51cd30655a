/* drive: makes a seed happen. Every choice comes from the seed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "model/look.h"
#include "sim/sim.h"

uint64_t sim_random(struct sim *s, uint64_t below)
{
	uint64_t z = (s->random += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64, public domain */
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % below;
}

void sim_break(struct sim *s, const char *format, ...)
{
	va_list args;
	if (s->broken[0])
		return;
	va_start(args, format);
	vsnprintf(s->broken, sizeof(s->broken), format, args);
	va_end(args);
}

/* --- alerts --- */

/* What attackers write into alerts, and what they leave alone. */
static const char *const words[][2] = {
	{ "Program ", " was started." },
	{ "Program ", " was started." },
	{ "Program ", " was started." },
	{ "<!channel> *", "* :tada: <@U0EVE0001> `x`" },
	{ "see https://u:secret@evil.example/", "?token=abc" },
	{ "\\u202etxt.exe ", "\\u200b" },
	{ "xoxb-1111111111-", "-aaaaaaaaaaaaaaaaaaaaaaaa was used" },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "" },
};

static void send_alert(struct sim *s)
{
	static const char *const users[] = { "homer.simpson@duff.example",
					     "alice@duff.example",
					     "bob@duff.example",
					     "U0MONA001",
					     "the-admin",
					     "carol@duff.example",
					     "nobody@duff.example" };
	struct sim_post *p = &s->posts[s->posts_n];
	char body[700], what[200];
	if (s->posts_n == SIM_POSTS_MAX)
		return;
	p->repeated = s->posts_n && sim_random(s, 5) == 0;
	if (p->repeated) {
		const struct sim_post *old = &s->posts[sim_random(s, s->posts_n)];
		memcpy(p->id, old->id, sizeof(p->id));
		memcpy(p->user, old->user, sizeof(p->user));
		p->priority = old->priority;
	} else {
		snprintf(p->id, sizeof(p->id), "a%zu", s->posts_n);
		snprintf(p->user, sizeof(p->user), "%s", users[sim_random(s, 7)]);
		p->priority = 1 + (int)sim_random(s, 5);
	}
	size_t n = p->repeated ? (size_t)0 : s->posts_n;
	const char *const *w = words[sim_random(s, 8)];
	snprintf(what, sizeof(what), "%s%zu%s", w[0], n, w[1]);
	if (sim_random(s, 16) == 0)
		snprintf(what, sizeof(what), "backup agent"); /* known to be benign */
	/* A repeat is now and then the same body, now and then a newer one with the same key. */
	snprintf(body, sizeof(body),
		 "{\"type\":\"%s\",\"id\":\"%s\",\"user\":\"%s\",\"what\":\"%s\",\"priority\":\"P%"
		 "d\","
		 "\"facts\":{\"n\":%d}}",
		 sim_random(s, 12) ? "process" : "unheard-of", p->id, p->user, what, p->priority,
		 p->repeated ? (int)sim_random(s, 2) : 0);
	p->forged = !p->repeated && sim_random(s, 12) == 0;
	s->posts_n++;
	if (p->forged)
		lab_forge(s->lab, "edr", body, &p->answer);
	else
		lab_post(s->lab, "edr", body, &p->answer);
}

/* --- people --- */

/* Ids out of "inquiry:7:mac", the value of a button. */
static int64_t inquiry_of(const struct cJSON *message)
{
	for (const struct cJSON *b = json_first(json_key(message, "blocks")); b; b = json_next(b))
		for (const struct cJSON *e = json_first(json_key(b, "elements")); e;
		     e = json_next(e)) {
			struct str kind, rest, id;
			int64_t n;
			if (str_cut(str_z(json_text_at(e, "value")), ':', &kind, &rest) &&
			    str_cut(rest, ':', &id, &rest) && str_is(kind, "inquiry") &&
			    str_int(id, &n))
				return n;
		}
	return 0;
}

static void meet(struct sim *s, const struct cJSON *message)
{
	int64_t id = inquiry_of(message);
	if (id <= 0 || id >= SIM_SEEN_MAX)
		return;
	struct sim_inquiry *q = &s->inquiries[id];
	if (q->plan && q->is_deleted) /* posted anew: they press what they see */
		snprintf(q->ts, sizeof(q->ts), "%s", json_text_at(message, "ts"));
	if (q->plan)
		return;
	q->plan = "ynnsssbdmm"[sim_random(s, 10)];
	snprintf(q->channel, sizeof(q->channel), "%s", json_text_at(message, "channel"));
	snprintf(q->user, sizeof(q->user), "%s", json_text_at(message, "to"));
	snprintf(q->ts, sizeof(q->ts), "%s", json_text_at(message, "ts"));
	q->act_ms = q->plan == 's' && sim_random(s, 2)
			    ? NEVER_MS
			    : lab_now(s->lab) + (int64_t)sim_random(s, 40 * 60000);
}

static void look_around(struct sim *s)
{
	CLEANUP(json_done)
	struct cJSON *news = lab_do(s->lab, "messages", "{\"after\":\"%s\"}", s->read_ts);
	for (const struct cJSON *m = json_first(json_key(news, "messages")); m; m = json_next(m)) {
		const char *ts = json_text_at(m, "ts");
		if (strcmp(ts, s->read_ts) > 0) /* of one length until the year 2286 */
			snprintf(s->read_ts, sizeof(s->read_ts), "%s", ts);
		meet(s, m);
	}
}

static void press(struct sim *s, int64_t inquiry_id, const char *user, const char *button)
{
	const struct sim_inquiry *q = &s->inquiries[inquiry_id];
	if (s->clicks_n == SIM_CLICKS_MAX)
		return;
	/* A page in the browser may be older than the message: people press what they see. */
	CLEANUP(json_done)
	struct cJSON *r =
		lab_do(s->lab, "click",
		       "{\"user\":\"%s\",\"channel\":\"%s\",\"ts\":\"%s\",\"action_id\":\"%s\"}",
		       user, q->channel, q->ts, button);
	if (!json_true(json_key(r, "ok")))
		return;
	struct look *l = lab_look(s->lab);
	const struct inquiry *at = l ? look_inquiry(l, inquiry_id) : NULL;
	s->fired[SIM_EARLY_ANSWER] += at && !at->delivered_ms;
	struct sim_click *c = &s->clicks[s->clicks_n++];
	snprintf(c->envelope_id, sizeof(c->envelope_id), "%s", json_text_at(r, "envelope_id"));
	snprintf(c->user, sizeof(c->user), "%s", user);
	c->inquiry_id = inquiry_id;
	c->is_no = strcmp(button, "yes") != 0;
	c->is_addressee = strcmp(user, q->user) == 0;
	if (sim_random(s, 6) == 0) { /* Slack says it again, under the same envelope */
		json_free(lab_do(s->lab, "resend", "{\"envelope_id\":\"%s\",\"same_id\":true}",
				 c->envelope_id));
	}
}

static void act(struct sim *s, int64_t id)
{
	struct sim_inquiry *q = &s->inquiries[id];
	int turn = q->acts++;
	int64_t soon = lab_now(s->lab) + 1 + (int64_t)sim_random(s, 20000);
	q->act_ms = NEVER_MS;
	switch (q->plan) {
	case 'y': press(s, id, q->user, "yes"); break;
	case 'n': press(s, id, q->user, "no"); break;
	case 'b': /* phone and laptop, opposite answers in one moment */
		press(s, id, q->user, sim_random(s, 2) ? "yes" : "no");
		press(s, id, q->user, sim_random(s, 2) ? "yes" : "no");
		break;
	case 'd':
		press(s, id, q->user, "yes");
		press(s, id, q->user, "yes");
		break;
	case 'm':
		press(s, id, q->user, turn ? "not_me" : "yes");
		if (turn < 4)
			q->act_ms = soon;
		break;
	default: break;
	}
	if (q->plan != 's' && q->plan != 'm' && turn < 3 && sim_random(s, 2))
		q->act_ms = soon; /* a warning triangle: people press again */
}

static void people(struct sim *s)
{
	for (int64_t id = 1; id < SIM_SEEN_MAX; id++)
		if (s->inquiries[id].plan && s->inquiries[id].act_ms <= lab_now(s->lab))
			act(s, id);
}

static void submit_comments(struct sim *s)
{
	CLEANUP(json_done)
	struct cJSON *state = lab_do(s->lab, "state", "%s", "{\"only\":\"views\"}");
	for (const struct cJSON *v = json_first(json_key(state, "views")); v; v = json_next(v))
		if (sim_random(s, 3) == 0)
			json_free(lab_do(s->lab, "submit",
					 "{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":{\"note\":"
					 "{\"text\":\"I was at "
					 "lunch\"}}}",
					 json_text_at(v, "user"), json_text_at(v, "id")));
}

/* People type, too: words that may answer, commands, and what comes to mind. */
static void talk(struct sim *s)
{
	static const char *const users[] = { "U0HOMER01", "U0ALICE01", "U0BOB0001",
					     "U0MONA001", "U0EVE0001", "U0DANA001" };
	static const struct {
		const char *text;
		bool yes, no;
	} say[] = { { "yes", true, false },
		    { "No.", false, true },
		    { "Yes, that was me", true, false },
		    { "help", false, false },
		    { "what is this?", false, false },
		    { "mine", false, false },
		    { "", false, false } };
	static const char *const slash[] = { "help", "status", "mine", "show SB-1", "SHOW 2.",
					     "show", "",       "test", "drop table" };
	size_t u = sim_random(s, 6), w = sim_random(s, 7);
	if (sim_random(s, 2)) {
		json_free(lab_do(s->lab, "slash",
				 "{\"user\":\"%s\",\"channel\":\"C0GENERAL\",\"text\":\"%s\"}",
				 users[u], slash[sim_random(s, 9)]));
		return;
	}
	snprintf(s->typed[u].user, sizeof(s->typed[u].user), "%s", users[u]);
	s->typed[u].yes = s->typed[u].yes || say[w].yes;
	s->typed[u].no = s->typed[u].no || say[w].no;
	json_free(
		lab_do(s->lab, "say", "{\"user\":\"%s\",\"text\":\"%s\"}", users[u], say[w].text));
}

/* --- a seed --- */

static void alerts_come(struct sim *s)
{
	if (sim_random(s, 6) == 0)
		send_alert(s);
	for (int n = s->floods && sim_random(s, 30) == 0 ? 25 : 0; n; n--)
		send_alert(s);
}

static void people_do(struct sim *s)
{
	if (sim_random(s, 4) == 0) /* people do not stare at Slack */
		look_around(s);
	people(s);
	if (sim_random(s, 10) == 0)
		submit_comments(s);
	if (sim_random(s, 16) == 0)
		talk(s);
}

/* The on-call takes what rings, and is done with some of it. Only what the bot knows to be
 * confirmed: resolving what it still tries to say would make it ring anew, as a pager does. */
static void on_call(struct sim *s)
{
	struct look *l = lab_look(s->lab);
	if (!l)
		return;
	CLEANUP(json_done)
	struct cJSON *state = lab_do(s->lab, "state", "%s", "{\"only\":\"incidents\"}");
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i;
	     i = json_next(i)) {
		char key[96];
		struct sim_about about;
		sim_about(i, &about);
		snprintf(key, sizeof(key), "case %lld, page, %s", (long long)about.case_id,
			 about.reason);
		const struct outgoing *row = look_outgoing_key(l, key);
		if (row && row->shown && row->shown == row->wanted && sim_random(s, 3) == 0)
			json_free(lab_do(s->lab, "pager", "{\"key\":\"%s\",\"do\":\"%s\"}",
					 json_text_at(i, "key"),
					 sim_random(s, 2) ? "acknowledge" : "resolve"));
	}
}

static void live(struct sim *s, int minutes, bool faulty, bool alerts)
{
	int64_t until = lab_now(s->lab) + minutes * MINUTE_MS;
	uint64_t step = minutes > 60 ? 90000 : 30000; /* long outages in longer steps */
	while (lab_now(s->lab) < until && !s->broken[0]) {
		if (alerts)
			alerts_come(s);
		if (faulty) {
			faults_strike(s);
			faults_doom(s);
		}
		if (sim_random(s, 400) == 0)
			copy_ask(s);
		lab_pass(s->lab, 1000 + (int64_t)sim_random(s, step));
		people_do(s);
		if (sim_random(s, 60) == 0)
			on_call(s);
		if (s->written != ramdisk_writes(lab_ramdisk(s->lab)))
			check_always(s);
		s->written = ramdisk_writes(lab_ramdisk(s->lab));
		copy_check(s);
	}
}

/* The second half: nothing fails any more, and all must come to rest. A vendor may have asked for
 * an hour's patience at the very end. */
static void heal(struct sim *s)
{
	json_free(lab_do(s->lab, "heal", "%s", "{}"));
	lab_heal(s->lab);
	if (s->wall_ms && sim_random(s, 2)) /* somebody sets the clock right */
		lab_shift_wall(s->lab, -s->wall_ms);
	s->healed_ms = lab_wakes(s->lab); /* nothing ends a suspension early */
	live(s, 50, false, false);
	for (int i = 0; i < 48 && !s->broken[0] && !(i >= 12 && sim_at_rest(s)); i++)
		lab_pass(s->lab, 5 * MINUTE_MS);
}

static void hear(void *self, const char *line) { check_secrets(self, "the log", str_z(line)); }

bool sim_run(uint64_t seed, struct lab_points *points, struct sim *s, char trace[65])
{
	memset(s, 0, sizeof(*s));
	s->random = seed * 7919 + 17;
	s->confirms = seed / 2 % 2;
	faults_draw(s);
	s->floods = sim_random(s, 6) == 0;
	s->is_fresh = sim_random(s, 8) == 0;
	faults_favour(s, seed);
	struct lab_options o = { .seed = seed,
				 .slack_limits = sim_random(s, 2) != 0,
				 .latency_ms = 2 + (int64_t)sim_random(s, 150),
				 .points = points,
				 .in_memory = true,
				 .pagers = (unsigned)sim_random(s, 2), /* or a second */
				 .asks_no_pager = !s->confirms,
				 .is_fresh = s->is_fresh };
	s->lab = lab_new(&o);
	if (!sim_tells())
		log_sink(hear, s);
	/* Slack's own deduplication of posts is not documented: without it we must do as well. */
	json_free(lab_do(s->lab, "dedupe", "{\"on\":%s}", sim_random(s, 2) ? "true" : "false"));
	json_free(lab_do(s->lab, "echo", "{\"on\":%s}", sim_random(s, 2) ? "true" : "false"));
	faults_doom_first(s);
	lab_pass(s->lab, 1);
	s->fired[SIM_MIGRATION] += s->is_fresh && lab_deaths(s->lab);
	live(s, 20, true, true);
	live(s, s->is_long ? 200 : 40, true, false);
	heal(s);
	faults_collect(s);
	if (!s->broken[0])
		check_end(s);
	lab_trace(s->lab, trace);
	if (!s->broken[0])
		check_store(s);
	copy_forget(s);
	log_sink(NULL, NULL);
	lab_free(s->lab);
	s->lab = NULL;
	return !s->broken[0];
}
