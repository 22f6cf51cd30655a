/* soak_people: alerts in waves, and the people they name: they answer, change their minds, stay
 * silent, write notes, type commands, press what is not theirs. All they see is what is new in the
 * sandbox since they looked last. See soak.h. */
#include "soak/soak.h"

#include "model/nouns.h"

/* clang-format off */
const struct script soak_scripts[] = {
	{ .type = "process", .percent = 30, .clicks = { "yes" }, .end = INQUIRY_UNPROVEN,
	  .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true },
	{ .type = "process", .percent = 14, .clicks = { "no" }, .end = INQUIRY_NO,
	  .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true, .reasons = { "answered-no" } },
	{ .type = "process", .percent = 6, .clicks = { "yes", "not_me" }, .end = INQUIRY_NO,
	  .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true, .reasons = { "answered-no" } },
	{ .type = "brief", .percent = 12, .waits_for_silence = true, .end = INQUIRY_SILENT,
	  .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true, .reasons = { "silence" } },
	{ .type = "brief", .percent = 4, .clicks = { "yes" }, .waits_for_silence = true,
	  .end = INQUIRY_SILENT, .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true,
	  .reasons = { "silence" } },
	{ .type = "brief", .percent = 4, .clicks = { "no" }, .waits_for_silence = true,
	  .end = INQUIRY_NO, .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true,
	  .reasons = { "silence", "answered-no" } },
	{ .type = "wary", .percent = 6, .clicks = { "yes" }, .end = INQUIRY_UNPROVEN,
	  .alert_state = ALERT_MAPPED, .is_asked = true, .has_card = true, .reasons = { "answered-yes" } },
	{ .type = "process", .percent = 4, .is_nobody = true, .end = INQUIRY_UNREACHABLE,
	  .alert_state = ALERT_MAPPED, .has_card = true, .reasons = { "owner-unknown" } },
	{ .type = "notice", .percent = 8, .end = -1, .alert_state = ALERT_MAPPED, .is_told = true,
	  .has_card = true },
	{ .type = "nobody-knows", .percent = 4, .end = -1, .alert_state = ALERT_UNMAPPED, .has_card = true },
	{ .type = "benign", .percent = 8, .end = -1, .alert_state = ALERT_BENIGN },
};
/* clang-format on */
const size_t soak_scripts_n = sizeof(soak_scripts) / sizeof(soak_scripts[0]);

enum {
	WAVE_S = 300,
	BURST_S = 600,
	BURST = 40,
	POSTS_A_STEP = 10,
	COMMAND_MS = 5000,
	LOOK_BACK = 4000, /* of what was sent, an acknowledgement can be for */
};

void task_name(size_t i, char out[32]) { (void)snprintf(out, 32, "soak-%06zu", i); }
void task_note(size_t i, char out[48]) { (void)snprintf(out, 48, "my note on soak-%06zu", i); }

static void person_id(int n, char out[24]) { (void)snprintf(out, 24, "U0SOAK%04d", n); }
static void person_dm(int n, char out[24]) { (void)snprintf(out, 24, "D0SOAK%04d", n); }

void people_open(struct soak *s)
{
	char id[24];
	for (int i = 0; i < PERSONS; i++) {
		char email[64];
		struct cJSON *args = json_object();
		person_id(i, id);
		(void)snprintf(email, sizeof(email), "person%d@duff.example", i);
		json_put_text(args, "id", id);
		json_put_text(args, "name", id);
		json_put_text(args, "email", email);
		json_put_bool(args, "quiet", true);
		json_free(live_control(s->live, "person", args));
	}
}

/* --- alerts --- */

static const struct script *script_drawn(struct soak *s)
{
	int left = (int)soak_chance(s, 100);
	for (size_t i = 0; i < soak_scripts_n; i++)
		if ((left -= soak_scripts[i].percent) < 0)
			return &soak_scripts[i];
	return &soak_scripts[0];
}

static void task_make(struct soak *s)
{
	static const int priorities[] = { 1, 2, 2, 3, 3, 4, 4, 4, 5, 5 };
	struct task *t = &s->tasks[s->made++];
	t->script = script_drawn(s);
	t->whom = (int)soak_chance(s, PERSONS);
	t->priority = priorities[soak_chance(s, sizeof(priorities) / sizeof(priorities[0]))];
	t->again = t->script->is_asked && soak_chance(s, 8) == 0
			   ? (soak_chance(s, 2) ? AGAIN_SAME : AGAIN_OTHER)
			   : AGAIN_NOT;
	t->wants_note = soak_chance(s, 2);
}

/* A triangle of a wave, its mean is per_minute; and now and then many at once. */
void alerts_make(struct soak *s)
{
	const int64_t age_ms = soak_age_ms(s), step_ms = age_ms - s->made_at_ms;
	const int64_t at = age_ms / 1000 % WAVE_S;
	const int64_t height = at < WAVE_S / 2 ? at : WAVE_S - at; /* 0 … 150 */
	const bool is_burst = age_ms / 1000 / BURST_S != s->made_at_ms / 1000 / BURST_S;
	s->made_at_ms = age_ms;
	s->owed_milli += s->per_minute * step_ms * (20 + height * 160 / (WAVE_S / 2)) / 100 / 60;
	s->owed_milli += is_burst ? BURST * 1000 : 0;
	for (; s->owed_milli >= 1000 && s->made < TASKS_MAX; s->owed_milli -= 1000)
		task_make(s);
}

static const char *alert_of(struct soak *s, size_t i, bool is_other)
{
	const struct task *t = &s->tasks[i];
	char name[32], email[64];
	task_name(i, name);
	(void)snprintf(email, sizeof(email), "%s%d@duff.example",
		       t->script->is_nobody ? "left" : "person", t->whom);
	if (strcmp(t->script->type, "benign") != 0)
		return live_alert(s->live, t->script->type, name, email,
				  is_other ? t->priority % 5 + 1 : t->priority);
	CLEANUP(json_done) struct cJSON *j = json_object();
	CLEANUP(buf_free) struct buf b = BUF(4096);
	json_put_text(j, "type", "process");
	json_put_text(j, "id", name);
	json_put_text(j, "user", email);
	json_put_text(j, "what", "backup agent");
	json_put_text(j, "priority", "P3");
	json_print(j, &b);
	return live_keep(s->live, buf_z(&b));
}

/* The alert's id, 0 = not accepted. */
static int64_t post(struct soak *s, const char *body, int *status)
{
	CLEANUP(buf_free) struct buf reply = BUF(4096);
	*status = live_post(s->live, LIVE_ALERTS_AT, LIVE_BEARER, body, &reply);
	const char *at = strstr(buf_z(&reply), "\"alert-");
	return at && (*status == 202 || *status == 200) ? strtoll(at + strlen("\"alert-"), NULL, 10)
							: 0;
}

static bool post_one(struct soak *s)
{
	struct task *t = &s->tasks[s->posted];
	int status;
	const int64_t id = post(s, alert_of(s, s->posted, false), &status);
	if (!id) {
		s->post_after_ms = live_now_ms() + 300; /* as senders do: later, until accepted */
		return false;
	}
	t->alert_id = id;
	s->posted++;
	return true;
}

/* Some senders say everything twice. */
static void post_again(struct soak *s, size_t i)
{
	const struct task *t = &s->tasks[i];
	int status;
	const int64_t id = post(s, alert_of(s, i, t->again == AGAIN_OTHER), &status);
	if (id && t->again == AGAIN_SAME && (id != t->alert_id || status != 200))
		soak_judge(s, false, "the same body again is answered 200 with the same id", "");
	s->repeated += id != 0;
}

void alerts_post(struct soak *s)
{
	if (live_now_ms() < s->post_after_ms || !live_bot_listens(s->live))
		return;
	for (int i = 0; i < POSTS_A_STEP && s->posted < s->made; i++) {
		if (!post_one(s))
			return;
		const size_t before = s->posted > 20 ? s->posted - 20 : 0;
		if (s->tasks[before].again != AGAIN_NOT && s->posted > 20)
			post_again(s, before);
	}
}

/* --- what people see --- */

static int64_t number(const struct cJSON *j, const char *key)
{
	int64_t v = 0;
	(void)json_int(json_key(j, key), &v);
	return v;
}

static struct task *task_named(struct soak *s, const struct cJSON *j)
{
	CLEANUP(buf_free) struct buf b = BUF(1 << 20);
	json_print(j, &b);
	const char *at = strstr(buf_z(&b), "soak-");
	const size_t i = at ? (size_t)strtoul(at + strlen("soak-"), NULL, 10) : SIZE_MAX;
	return i < s->posted ? &s->tasks[i] : NULL;
}

static void message_read(struct soak *s, const char *channel, const struct cJSON *m)
{
	struct task *t = task_named(s, m);
	const struct cJSON *button = live_button(m, "yes");
	const char *ts = json_text_at(m, "ts");
	char dm[24];
	if (!t)
		return;
	person_dm(t->whom, dm);
	s->misdirected += strcmp(dm, channel) != 0;
	if (strcmp(t->ts, ts) != 0) {
		t->shown++;
		(void)snprintf(t->ts, sizeof(t->ts), "%s", ts);
		t->act_ms = live_now_ms() + 1000 + (int64_t)soak_chance(s, 30 * 1000);
	}
	if (button && !t->token[0])
		(void)snprintf(t->token, sizeof(t->token), "%s", json_text_at(button, "value"));
}

static void messages_read(struct soak *s, const struct cJSON *state)
{
	const struct cJSON *channels = json_key(state, "channels");
	for (const struct cJSON *c = json_first(channels); c; c = json_next(c)) {
		const struct cJSON *all = json_key(c, "messages");
		if (!json_true(json_key(c, "is_im")))
			continue;
		for (const struct cJSON *m = json_first(all); m; m = json_next(m))
			if (json_text_at(m, "bot_id")[0])
				message_read(s, json_text_at(c, "id"), m);
	}
}

/* What a page says of itself; one in its least words has no details ("SB-7 needs you (silence)").
 */
static void page_of(const struct cJSON *incident, struct page *p)
{
	const char *of = json_text_at(incident, "details.case");
	const char *reason = json_text_at(incident, "details.reason");
	const char *least = json_text_at(incident, "summary"), *bracket = strchr(least, '(');
	if (!of[0])
		of = least;
	if (!reason[0] && bracket)
		reason = bracket + 1;
	p->case_id = strncmp(of, "SB-", 3) == 0 ? strtoll(of + 3, NULL, 10) : 0;
	(void)snprintf(p->reason, sizeof(p->reason), "%.*s", (int)strcspn(reason, ")"), reason);
}

static void page_read(struct soak *s, const struct cJSON *incident)
{
	const int64_t n = number(incident, "number");
	for (size_t i = s->pages_n; i-- > 0;)
		if (s->pages[i].number == n)
			return;
	assert_true(s->pages_n < PAGES_MAX);
	struct page *p = &s->pages[s->pages_n++];
	p->number = n;
	page_of(incident, p);
	struct task *t = strcmp(p->reason, "silence") == 0 ? task_named(s, incident) : NULL;
	if (t)
		t->is_silent = true;
}

static void ack_read(struct soak *s, const struct cJSON *ack)
{
	const char *id = json_text_at(ack, "envelope_id");
	const size_t least = s->sent_n > LOOK_BACK ? s->sent_n - LOOK_BACK : 0;
	for (size_t i = s->sent_n; i-- > least;)
		if (strcmp(s->sent[i].envelope, id) == 0) {
			s->sent[i].is_acked = true;
			s->sent[i].ack_ms = (int)number(ack, "ms");
			return;
		}
}

/* No marker is posted twice: FNV-1a of each, in a table. */
static void marker_read(struct soak *s, const char *marker)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (const char *at = marker; *at; at++)
		h = (h ^ (unsigned char)*at) * UINT64_C(1099511628211);
	h += h == 0;
	size_t i = h & (POSTS_MAX - 1);
	for (; s->posts[i] && s->posts[i] != h; i = (i + 1) & (POSTS_MAX - 1))
		;
	s->posts_n += s->posts[i] == 0;
	s->doubled += s->posts[i] == h;
	if (s->posts[i] == h)
		print_error("posted twice: %s\n", marker);
	s->posts[i] = h;
	assert_true(s->posts_n < POSTS_MAX / 2);
}

static void call_read(struct soak *s, const struct cJSON *call)
{
	const char *error = json_text_at(call, "error"), *marker = json_text_at(call, "marker");
	s->calls++;
	if (strcmp(json_text_at(call, "method"), "chat.postMessage") == 0 && marker[0] &&
	    json_text_at(call, "ts")[0])
		marker_read(s, marker);
	for (size_t i = 0; error[0] && i < ERRORS_MAX; i++) {
		struct tally *e = &s->errors[i];
		if (e->n && strcmp(e->name, error) != 0)
			continue;
		(void)snprintf(e->name, sizeof(e->name), "%s", error);
		e->n++;
		return;
	}
}

/* --- what people do --- */

/* 1 + its place in sent[], 0 = Slack had nobody to give it to. */
static size_t sent_as(struct soak *s, const char *verb, struct cJSON *args, size_t task,
		      enum what what)
{
	CLEANUP(json_done) struct cJSON *said = live_ask(s->live, verb, args);
	if (!json_true(json_key(said, "delivered")))
		return 0;
	assert_true(s->sent_n < SENT_MAX);
	struct sent *e = &s->sent[s->sent_n++];
	(void)snprintf(e->envelope, sizeof(e->envelope), "%s", json_text_at(said, "envelope_id"));
	e->task = (uint32_t)task;
	e->what = what;
	e->at_ms = live_now_ms();
	return s->sent_n;
}

static size_t click(struct soak *s, const struct task *t, int whom, enum what what)
{
	char user[24], dm[24];
	struct cJSON *args = json_object();
	person_id(whom, user);
	person_dm(t->whom, dm);
	json_put_text(args, "user", user);
	json_put_text(args, "channel", dm);
	json_put_text(args, "ts", t->ts);
	json_put_text(args, "action_id", what == SENT_CLICK ? t->script->clicks[t->step] : "no");
	json_put_text(args, "block_id", "answer");
	json_put_text(args, "value", t->token);
	json_put_bool(args, "force", true); /* the screen showed the button a moment ago */
	return sent_as(s, "click", args, (size_t)(t - s->tasks), what);
}

static bool has_said_all(const struct task *t) { return !t->script->clicks[t->step]; }

/* Is something still on its way? Then it is either acknowledged, or given up after a while. */
static bool is_flying(struct soak *s, struct task *t)
{
	const struct sent *e = t->flying ? &s->sent[t->flying - 1] : NULL;
	if (!e)
		return false;
	if (!e->is_acked && live_now_ms() - e->at_ms < CLICK_MS)
		return true;
	t->step += e->is_acked && e->what == SENT_CLICK;
	t->is_noted = t->is_noted || (e->is_acked && e->what == SENT_NOTE);
	t->flying = 0;
	t->act_ms = live_now_ms() + 500 + (int64_t)soak_chance(s, 3000);
	return false;
}

static void person_acts(struct soak *s, struct task *t)
{
	if (!t->token[0] || is_flying(s, t) || live_now_ms() < t->act_ms)
		return;
	if (has_said_all(t) || (t->script->waits_for_silence && !t->is_silent))
		return;
	if (soak_chance(s, 20) == 0)
		(void)click(s, t, (t->whom + 1) % PERSONS, SENT_STRANGER);
	t->flying = click(s, t, t->whom, SENT_CLICK);
}

static void modal_used(struct soak *s, const struct cJSON *view, struct task *t)
{
	char words[48];
	struct cJSON *args = json_object();
	json_put_text(args, "user", json_text_at(view, "user"));
	json_put_text(args, "view_id", json_text_at(view, "id"));
	if (!t || !t->wants_note || t->is_noted) {
		json_free(live_ask(s->live, "close_view", args));
		return;
	}
	struct cJSON *block = json_object(), *text = json_object();
	task_note((size_t)(t - s->tasks), words);
	json_put_text(text, "text", words);
	json_put(block, "note", text);
	json_put(args, "values", block);
	t->flying = sent_as(s, "submit", args, (size_t)(t - s->tasks), SENT_NOTE);
}

static void modals_read(struct soak *s, const struct cJSON *state)
{
	const struct cJSON *views = json_key(state, "views");
	for (const struct cJSON *v = json_first(views); v; v = json_next(v)) {
		const char *token = json_text_at(v, "view.private_metadata");
		struct task *t = NULL;
		for (size_t i = s->posted; i-- > 0 && !t;)
			if (token[0] && strcmp(s->tasks[i].token, token) == 0)
				t = &s->tasks[i];
		if (!t || !is_flying(s, t))
			modal_used(s, v, t);
	}
}

static void somebody_types(struct soak *s)
{
	static const char *const words[] = { "help", "mine", "status", "what is this?", "show " };
	char user[24], text[64];
	struct cJSON *args = json_object();
	const size_t n = soak_chance(s, sizeof(words) / sizeof(words[0]));
	if (live_now_ms() - s->command_ms < COMMAND_MS) {
		json_free(args);
		return;
	}
	s->command_ms = live_now_ms();
	person_id((int)soak_chance(s, PERSONS), user);
	(void)snprintf(text, sizeof(text), "%s", words[n]);
	if (text[strlen(text) - 1] == ' ')
		(void)snprintf(text, sizeof(text), "show SB-%zu",
			       1 + (size_t)soak_chance(s, s->posted + 1));
	json_put_text(args, "user", user);
	json_put_text(args, "text", text);
	if (soak_chance(s, 2))
		(void)sent_as(s, "slash", args, 0, SENT_COMMAND);
	else
		json_free(live_ask(s->live, "say", args)); /* Slack repeats it under new ids */
}

static void world_read(struct soak *s)
{
	struct cJSON *since = json_object(), *after = json_object();
	json_put_num(since, "since_ms", (double)s->state_ms);
	json_put_num(after, "since_ms", (double)s->state_ms);
	json_put_num(after, "since", (double)s->seq);
	CLEANUP(json_done) struct cJSON *state = live_ask(s->live, "state", since);
	CLEANUP(json_done) struct cJSON *ledger = live_ask(s->live, "ledger", after);
	if (!state || !ledger) {
		s->unanswered++; /* in a busy hour; all of it is there when they look again */
		return;
	}
	const struct cJSON *incidents = json_key(state, "incidents");
	const struct cJSON *acks = json_key(ledger, "acks"), *calls = json_key(ledger, "calls");
	messages_read(s, state);
	for (const struct cJSON *i = json_first(incidents); i; i = json_next(i))
		page_read(s, i);
	for (const struct cJSON *a = json_first(acks); a; a = json_next(a))
		ack_read(s, a);
	for (const struct cJSON *c = json_first(calls); c; c = json_next(c))
		call_read(s, c);
	s->state_ms = number(state, "now_ms");
	s->seq = number(ledger, "seq");
	modals_read(s, state);
}

void people_act(struct soak *s)
{
	if (live_now_ms() - s->looked_ms < LOOK_MS)
		return;
	s->looked_ms = live_now_ms();
	world_read(s);
	for (size_t i = 0; i < s->posted; i++)
		person_acts(s, &s->tasks[i]);
	if (!s->is_load_over)
		somebody_types(s);
}

static bool is_done(const struct task *t)
{
	return has_said_all(t) && !t->flying && (!t->script->waits_for_silence || t->is_silent) &&
	       (t->shown || !(t->script->is_asked || t->script->is_told));
}

bool people_are_done(const struct soak *s)
{
	if (s->posted < s->made)
		return false;
	for (size_t i = 0; i < s->made; i++)
		if (!is_done(&s->tasks[i]))
			return false;
	return true;
}

void people_say_who_waits(const struct soak *s)
{
	enum { SAID_MAX = 10 };
	int n = 0;
	for (size_t i = 0; i < s->posted; i++) {
		const struct task *t = &s->tasks[i];
		if (!is_done(t) && n++ < SAID_MAX)
			print_message("waits: soak-%06zu (%s): %d messages, %s, %zu clicks "
				      "acknowledged, %s%s\n",
				      i, t->script->type, t->shown,
				      t->token[0] ? "has buttons" : "no buttons", t->step,
				      t->flying ? "one under way" : "none under way",
				      t->is_silent ? ", fell silent" : "");
	}
	print_message("%d wait\n", n);
}
