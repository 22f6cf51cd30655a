/* lab: see lab.h. The heap of what will happen is ordered by time, then by the order of scheduling:
 * deterministic. */
#include "lab.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab_inside.h"

uint64_t lab_random(struct lab *l)
{
	uint64_t z = (l->random += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64, public domain */
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

void lab_note(struct lab *l, const char *what, uint64_t n, struct str text)
{
	char head[96];
	int head_n = snprintf(head, sizeof(head), "%lld %s %llu %zu ",
			      (long long)(l->now_ms - LAB_START_MS), what, (unsigned long long)n,
			      text.n);
	(void)EVP_DigestUpdate(l->trace, head, (size_t)head_n);
	(void)EVP_DigestUpdate(l->trace, text.n ? text.at : "", text.n);
	if (l->tell)
		fprintf(stderr, "%9lld %-8s %llu %.*s\n", (long long)(l->now_ms - LAB_START_MS),
			what, (unsigned long long)n, text.n > 6000 ? 6000 : (int)text.n,
			text.n ? text.at : "");
}

void lab_trace(const struct lab *l, char hex[65])
{
	uint8_t digest[MAC_BYTES];
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	int rc = EVP_MD_CTX_copy(copy, l->trace);
	assert(rc == 1);
	rc = EVP_DigestFinal(copy, digest, NULL);
	assert(rc == 1);
	EVP_MD_CTX_free(copy);
	hex_encode(digest, sizeof(digest), hex);
}

/* --- the heap --- */

static bool before(const struct happening *a, const struct happening *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

struct happening *lab_schedule(struct lab *l, enum happening_kind kind, int64_t after_ms)
{
	if (l->heap_n == l->heap_cap) {
		l->heap_cap = l->heap_cap ? 2 * l->heap_cap : 64;
		l->heap = mem_grow(l->heap, l->heap_cap * sizeof(*l->heap));
	}
	struct happening *h = mem_new(sizeof(*h));
	h->kind = kind;
	h->at_ms = l->now_ms + after_ms;
	h->order = l->order++;
	h->life = l->life;
	size_t i = l->heap_n++;
	for (; i && before(h, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = h;
	return h;
}

static struct happening *pop(struct lab *l)
{
	struct happening *top = l->heap[0], *last = l->heap[--l->heap_n];
	size_t i = 0, child;
	for (; (child = 2 * i + 1) < l->heap_n; i = child) {
		if (child + 1 < l->heap_n && before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!before(l->heap[child], last))
			break;
		l->heap[i] = l->heap[child];
	}
	if (l->heap_n)
		l->heap[i] = last;
	return top;
}

static void happening_free(struct happening *h)
{
	free(h->text);
	free(h->url);
	free(h->authorization);
	free(h->content_type);
	free(h);
}

/* --- lives --- */

static struct clocks clocks_of(struct lab *l)
{
	struct clocks c = { .wall_ms = l->now_ms + l->wall_shift_ms,
			    .boot_ms = l->now_ms - LAB_START_MS + 5000,
			    .is_wall_unsure = l->now_ms < l->fault_until_ms[LAB_UNSURE] };
	for (size_t i = 0; i < sizeof(c.chance.bytes); i += 8) {
		uint64_t r = lab_random(l);
		memcpy(c.chance.bytes + i, &r, 8);
	}
	return c;
}

static void bury(struct lab *l, int64_t rest_ms)
{
	if (l->dead)
		memcpy(l->crumb, l->died_with, CRUMB_BYTES);
	lab_look_away(l);
	lab_close_sockets(l);
	turn_free(l->turn);
	store_close(l->store);
	l->turn = NULL;
	l->store = NULL;
	if (lab_watcher.died)
		lab_watcher.died(l);
	l->life++;
	l->dead = true;
	l->reborn_ms = l->now_ms + rest_ms;
}

/* Only a death, or a disk that failed it, may end a process; a full one only its start. */
static void may_end(struct lab *l, const char *why)
{
	bool is_full = !l->turn && l->fault_until_ms[LAB_DISK_FULL];
	if (!l->dead && !is_full && lab_hurts(l) == l->hurts)
		fprintf(stderr, "lab: %s\n", why);
	assert(l->dead || is_full || lab_hurts(l) != l->hurts);
}

static void be_born(struct lab *l)
{
	struct fail fail = { 0 };
	struct store_hook hook = { lab_alive, l };
	l->dead = false;
	const char *path = l->disk ? ramdisk_url(l->disk) : l->path;
	lab_begins_turn(l);
	l->hurts = lab_hurts(l);
	if (store_open(path, &hook, &l->store, &fail) != RC_OK) {
		may_end(l, fail.why);
		bury(l, l->rest_ms);
		return;
	}
	if (l->o.disk_bytes)
		lab_measure(l);
	if (lab_watcher.born)
		lab_watcher.born(l);
	struct clocks c = clocks_of(l);
	l->policy = *lab_policy();
	if (l->o.pagers && l->o.pagers < l->policy.pagers_n)
		l->policy.pagers_n = l->o.pagers;
	for (size_t i = 0; l->o.asks_no_pager && i < l->policy.pagers_n; i++)
		l->policy.pagers[i].confirms = false;
	struct turn_options o = { &l->policy, l->store, &l->net, l->crumb };
	l->turn = turn_new(&o, &c, &fail);
	if (!l->turn) {
		may_end(l, fail.why);
		bury(l, l->rest_ms);
		return;
	}
	l->turn_ms = l->now_ms;
	lab_note(l, "born", l->life, STR(""));
}

static void run_turn(struct lab *l)
{
	lab_look_away(l);
	struct clocks c = clocks_of(l);
	lab_begins_turn(l);
	l->hurts = lab_hurts(l);
	int64_t due = turn_run(l->turn, &c);
	if (l->stall_ms) {
		l->busy_ms = l->now_ms + l->stall_ms;
		l->stall_ms = 0;
	}
	if (l->dead || due == TURN_BROKEN) {
		may_end(l, "a turn broke");
		bury(l, l->rest_ms);
		return;
	}
	if (due == TURN_STOPPED) {
		lab_stopped(l);
		bury(l, l->rest_ms);
		return;
	}
	l->turn_ms = due == NEVER_MS ? NEVER_MS : due - l->wall_shift_ms;
	if (l->turn_ms <= l->now_ms) { /* work left over: again at once, but not for ever */
		l->turn_ms = l->now_ms;
		assert(++l->spins < 100000);
	} else
		l->spins = 0;
}

/* --- time --- */

static int64_t next_ms(const struct lab *l)
{
	int64_t turn = l->turn_ms > l->busy_ms ? l->turn_ms : l->busy_ms;
	int64_t t = l->heap_n ? l->heap[0]->at_ms : NEVER_MS, w = world_due_ms(l->world);
	if (w < t)
		t = w;
	if (l->turn && turn < t)
		t = turn;
	if (!l->turn && l->reborn_ms < t)
		t = l->reborn_ms;
	return t > l->now_ms ? t : l->now_ms;
}

/* One thing happens; then, at that very moment, the process has its turn if something arrived or is
 * due. */
static void step(struct lab *l)
{
	if (l->heap_n && l->heap[0]->at_ms <= l->now_ms) {
		struct happening *h = pop(l);
		lab_happen(l, h);
		happening_free(h);
	} else if (world_due_ms(l->world) <= l->now_ms)
		world_tick(l->world, l->now_ms);
	else if (!l->turn)
		be_born(l);
	else
		run_turn(l);
	lab_drain_world(l);
	if (l->turn && turn_waiting(l->turn) && l->busy_ms <= l->now_ms)
		run_turn(l);
}

static bool is_idle(const struct lab *l) { return next_ms(l) > l->now_ms; }

void lab_pass(struct lab *l, int64_t ms)
{
	int64_t until = l->now_ms + ms;
	for (;;) {
		while (!is_idle(l))
			step(l);
		int64_t t = next_ms(l);
		if (t > until)
			break;
		l->now_ms = t;
	}
	l->now_ms = until;
}

void lab_settle(struct lab *l, int64_t quiet_ms, int64_t max_ms)
{
	int64_t until = l->now_ms + max_ms;
	for (;;) {
		while (!is_idle(l))
			step(l);
		int64_t t = next_ms(l);
		if (t > until || t > l->now_ms + quiet_ms)
			return;
		l->now_ms = t;
	}
}

/* --- what its holder does --- */

static struct happening *post(struct lab *l, const char *source, const char *body,
			      struct lab_post *out)
{
	*out = (struct lab_post){ 0 };
	struct happening *h = lab_schedule(l, HAPPENS_POST, lab_latency(l));
	h->text = mem_str(str_z(body));
	h->n = strlen(body);
	h->url = mem_str(str_z(source));
	h->post = out;
	return h;
}

void lab_post(struct lab *l, const char *source, const char *body, struct lab_post *out)
{
	post(l, source, body, out);
}

void lab_forge(struct lab *l, const char *source, const char *body, struct lab_post *out)
{
	post(l, source, body, out)->authorization = mem_str(STR("Bearer not-the-secret"));
}

void lab_backup(struct lab *l, const char *path, struct lab_post *out)
{
	CLEANUP(buf_free) struct buf b = BUF(1024);
	buf_addf(&b, "{\"path\":\"%s\",\"force\":true}", path);
	struct happening *h = post(l, "", buf_z(&b), out);
	h->method = "local";
}

static struct cJSON *control(struct lab *l, const char *verb, const char *format, va_list args)
{
	char text[8192];
	struct fail fail;
	int n = vsnprintf(text, sizeof(text), format, args);
	assert(n >= 0 && (size_t)n < sizeof(text));
	CLEANUP(json_done) struct cJSON *a = json_parse(str_z(n ? text : "{}"), &fail);
	if (!a)
		fprintf(stderr, "lab: %s: %s\n", text, fail.why);
	assert(a);
	struct cJSON *out = world_control(l->world, verb, a, l->now_ms);
	lab_drain_world(l);
	return out;
}

struct cJSON *lab_do(struct lab *l, const char *verb, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct cJSON *out = control(l, verb, format, args);
	va_end(args);
	return out;
}

void lab_must(struct lab *l, const char *verb, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	CLEANUP(json_done) struct cJSON *out = control(l, verb, format, args);
	va_end(args);
	if (!json_true(json_key(out, "ok")))
		fprintf(stderr, "lab: %s: %s\n", verb, json_text_at(out, "error"));
	assert(json_true(json_key(out, "ok")));
}

void lab_kill(struct lab *l, int64_t rest_ms)
{
	if (!l->turn)
		return;
	l->deaths++;
	lab_note(l, "killed", l->life, STR(""));
	bury(l, rest_ms);
}

void lab_doom(struct lab *l, const char *named, uint64_t n, int64_t rest_ms)
{
	snprintf(l->doom_name, sizeof(l->doom_name), "%s", named);
	l->doomed = true;
	l->doom_n = n;
	l->rest_ms = rest_ms;
}

bool lab_is_dead(const struct lab *l) { return !l->turn; }
unsigned lab_deaths(const struct lab *l) { return l->deaths; }
int64_t lab_now(const struct lab *l) { return l->now_ms; }
struct world *lab_world(struct lab *l) { return l->world; }

void lab_look_away(struct lab *l)
{
	if (l->looking)
		store_rollback(l->store); /* the hook must still see an observer */
	l->looking = false;
}

struct look *lab_look(struct lab *l)
{
	struct fail fail;
	if (!l->turn)
		return NULL;
	lab_look_away(l);
	arena_clear(&l->looks);
	l->looking = true;
	enum rc rc = store_begin(l->store, &l->looks, &fail);
	if (rc != RC_OK)
		fprintf(stderr, "lab: look: %s\n", fail.why);
	assert(rc == RC_OK);
	return store_look(l->store);
}

/* --- the whole --- */

struct lab *lab_new(const struct lab_options *o)
{
	static unsigned count;
	struct lab *l = mem_new(sizeof(*l));
	l->o = *o;
	if (!l->o.latency_ms)
		l->o.latency_ms = 20;
	l->random = o->seed;
	l->now_ms = LAB_START_MS;
	l->rest_ms = 2 * SECOND_MS;
	l->looks = ARENA((size_t)64 << 20);
	l->tell = getenv("LAB_TELL") != NULL; /* banned: a developer's switch, in tests only */
	snprintf(l->path, sizeof(l->path), "%s/securitybot-lab-%ld-%u.db",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid(), count++);
	if (o->in_memory)
		l->disk = ramdisk_new();
	if (o->in_memory && !o->is_fresh)
		ramdisk_copy(l->disk, lab_blank());
	l->trace = EVP_MD_CTX_new();
	int rc = EVP_DigestInit(l->trace, EVP_sha256());
	assert(rc == 1);
	lab_net(l);
	l->world = world_new(&(struct world_options){
		.slack_limits = o->slack_limits, .seed = o->seed, .ws_base = "ws://127.0.0.1:1" });
	l->reborn_ms = l->now_ms;
	if (lab_watcher.begun)
		lab_watcher.begun(l);
	if (o->disk_bytes)
		lab_resize_disk(l, o->disk_bytes);
	return l;
}

void lab_free(struct lab *l)
{
	if (!l)
		return;
	l->doomed = false;
	if (l->turn) {
		lab_look_away(l);
		turn_free(l->turn);
		store_close(l->store);
		l->turn = NULL;
		l->store = NULL;
		if (lab_watcher.died)
			lab_watcher.died(l);
	}
	if (lab_watcher.ended)
		lab_watcher.ended(l);
	while (l->heap_n)
		happening_free(pop(l));
	free(l->heap);
	world_free(l->world);
	arena_clear(&l->looks);
	static const char *const tails[] = { "", "-wal", "-shm", "-journal", ".ballast" };
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		char path[160];
		snprintf(path, sizeof(path), "%s%s", l->path, tails[i]);
		unlink(path);
	}
	ramdisk_free(l->disk);
	EVP_MD_CTX_free(l->trace);
	free(l);
}

/* --- the configuration --- */

static struct config *config;
static const char *config_file = "tests/lib/lab.yaml";

void lab_configure(const char *file)
{
	assert(!config);
	config_file = file;
}

static void say(void *self, const char *line)
{
	(void)self;
	fprintf(stderr, "lab: %s\n", line);
}

const struct policy *lab_policy(void)
{
	if (config)
		return config_policy(config);
	static const char *const secrets[][2] = {
		{ "SLACK_APP_TOKEN", "xapp-1-A0SANDBOX-1-secret" },
		{ "SLACK_BOT_TOKEN", "xoxb-T0SANDBOX-secret" },
		{ "PAGERDUTY_ROUTING_KEY", "R0SANDBOXR0SANDBOXR0SANDBOX00000" },
		{ "PAGERDUTY_EU_ROUTING_KEY", "R0SANDBOXEUR0SANDBOXEUR0SANDBOX0" },
		{ "PAGERDUTY_API_TOKEN", "u+SANDBOX-rest-key" },
		{ "PAGERDUTY_EU_API_TOKEN", "u+SANDBOX-EU-rest-key" },
		{ "LAB_SOURCE_TOKEN", LAB_TOKEN },
		{ "MAC_KEY", "0123456789abcdef0123456789abcdef" },
		{ "AUDIT_KEY", "fedcba9876543210fedcba9876543210" },
	};
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		setenv(secrets[i][0], secrets[i][1], 1);
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("SLACK_API_URL");
	struct config_report report = { .say = say };
	config = config_load(config_file, true, &report);
	assert(config);
	return config_policy(config);
}

void lab_done(void)
{
	config_free(config);
	config = NULL;
	lab_blank_done();
}
