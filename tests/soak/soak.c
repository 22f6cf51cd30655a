/* soak: the real bot and the sandbox for hours, under load and faults: nothing lost, nothing
 * doubled, nothing grows. In the first quarter the bot is killed or stopped now and then; what
 * follows is one life. A line of figures every ten seconds in a CSV file, a verdict at the end.
 * Environment: SOAK_S seconds of load (7200), SOAK_PER_MIN alerts a minute (300), SEED, SOAK_CSV.
 * SIGTERM ends the load early; the verdict still comes. For `make soak` only. */
#include "soak/soak.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	STEP_MS = 50,
	LIVES = 6, /* that end early, evenly over the first quarter */
	DOWN_MS = 2000,
	STOP_MS = 20 * 1000,
	SURPRISES_MAX = 10,
	COPY_MS = 5 * 60 * 1000,
	REST_MS = 30 * 1000, /* longer than the wait of any question that is to fall silent */
	REST_MAX_MS = 5 * 60 * 1000,
};

static volatile sig_atomic_t is_asked_to_end;
static void on_signal(int signal)
{
	(void)signal;
	is_asked_to_end = 1;
}

uint64_t soak_chance(struct soak *s, uint64_t n)
{
	uint64_t z = (s->random += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64 */
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % n;
}

int64_t soak_age_ms(const struct soak *s) { return live_now_ms() - s->begun_ms; }

void soak_judge(struct soak *s, bool holds, const char *what, const char *seen)
{
	s->failed += !holds;
	print_message("%s: %s: %s\n", holds ? "PASS" : "FAIL", what, seen);
}

static int64_t from_environment(const char *name, int64_t otherwise)
{
	const char *given = getenv(name);
	int64_t n = 0;
	return given && str_int(str_z(given), &n) && n > 0 ? n : otherwise;
}

/* --- lives --- */

static void life_begin(struct soak *s)
{
	const char *log = live_file(s->live, "bot.log");
	char old[32];
	(void)snprintf(old, sizeof(old), "bot.log.%d", s->life);
	(void)rename(log, live_file(s->live, old));
	s->life++;
	s->is_started = true;
	s->life_ms = live_now_ms();
	live_bot_start(s->live);
}

/* It waits five seconds for what is in flight, by itself. */
static int stop(struct soak *s)
{
	(void)pidfd_send_signal(live_bot_pidfd(s->live), SIGTERM, NULL, 0);
	return live_bot_wait(s->live, STOP_MS);
}

static void life_end(struct soak *s)
{
	s->is_started = false;
	s->death_ms = live_now_ms();
	if ((s->kills + s->stops) % 2 == 0) {
		s->kills++;
		live_bot_kill(s->live);
		return;
	}
	s->stops++;
	const int code = stop(s);
	if (code != EX_OK)
		soak_judge(s, false, "SIGTERM ends the bot with exit code 0", "another");
}

static void lives_go_on(struct soak *s)
{
	const int64_t each_ms = s->total_ms / 4 / LIVES;
	if (s->is_started && !live_bot_is_alive(s->live)) {
		s->surprises++;
		s->is_started = false;
		s->death_ms = live_now_ms();
		print_error("the bot ended by itself in life %d\n", s->life);
		assert_true(s->surprises < SURPRISES_MAX);
	}
	if (!s->is_started && live_now_ms() - s->death_ms >= DOWN_MS)
		life_begin(s);
	if (s->is_started && s->kills + s->stops < LIVES && live_bot_listens(s->live) &&
	    soak_age_ms(s) >= each_ms * (s->kills + s->stops + 1))
		life_end(s);
}

/* --- the run --- */

static void step(struct soak *s)
{
	lives_go_on(s);
	if (!s->is_load_over) {
		alerts_make(s);
		faults_go_on(s);
	}
	alerts_post(s);
	people_act(s);
	watch(s);
	(void)poll(NULL, 0, STEP_MS);
}

static void run_load(struct soak *s)
{
	while (soak_age_ms(s) < s->total_ms && !is_asked_to_end)
		step(s);
	s->is_load_over = true;
	print_message("the load is over after %" PRId64 " s\n", soak_age_ms(s) / 1000);
}

/* Everything is healed; until everybody has spoken and no request has come for a while. */
static void run_rest(struct soak *s)
{
	const int64_t end_ms = live_now_ms() + REST_MAX_MS;
	int64_t calls = -1, quiet_ms = live_now_ms();
	faults_end(s);
	while (live_now_ms() - quiet_ms < REST_MS || !people_are_done(s)) {
		step(s);
		quiet_ms = s->calls != calls ? live_now_ms() : quiet_ms;
		calls = s->calls;
		if (live_now_ms() >= end_ms)
			break;
	}
	if (!people_are_done(s))
		people_say_who_waits(s);
	soak_judge(s, people_are_done(s) && live_now_ms() < end_ms,
		   "everybody was asked, answered or fell silent, and then it was quiet", "");
}

static void securitybot(struct soak *s, const char *what, const char *const *args)
{
	CLEANUP(buf_free) struct buf out = BUF(1 << 20);
	const int code = live_run_for(s->live, COPY_MS, args, &out);
	soak_judge(s, code == EX_OK, what, buf_z(&out));
}

static void run_verdict(struct soak *s)
{
	const char *config = live_file(s->live, "securitybot.yaml");
	const char *copy = live_file(s->live, "copy.db");
	const char *const backup[] = { "backup", copy, "--config", config, NULL };
	const char *const verify[] = { "audit", "verify", "--db", copy, "--config", config, NULL };
	char seen[160];
	watch_judge(s);
	securitybot(s, "the running bot is backed up", backup);
	securitybot(s, "the record verifies", verify);
	check_all(s, copy);
	soak_judge(s, stop(s) == EX_OK, "SIGTERM ends the bot with exit code 0", "");
	(void)snprintf(seen, sizeof(seen), "%d kills, %d stops, %d ends of its own", s->kills,
		       s->stops, s->surprises);
	soak_judge(s, s->surprises == 0, "the bot never ended by itself", seen);
	print_message("%zu alerts (%zu said again), %" PRId64 " calls, %zu incidents; %" PRId64
		      " faults armed, %" PRId64 " of sockets, %" PRId64 " outages\n",
		      s->posted, s->repeated, s->calls, s->pages_n, s->armed, s->socket_faults,
		      s->outages);
}

/* --- the test --- */

static void playbooks(struct soak *s)
{
	static const struct live_change brief = { "wait: 30m", "wait: 20s" };
	static const struct live_change wary = { "yes: [close]", "yes: [page]" };
	char text[8192];
	live_playbook(s->live, "process", NULL, 0);
	live_playbook(s->live, "brief", &brief, 1);
	live_playbook(s->live, "wary", &wary, 1);
	FILE *from = fopen("tests/lib/playbooks/edr-notice.yaml", "re");
	FILE *to = fopen(live_file(s->live, "playbooks/edr-notice.yaml"), "we");
	assert_true(from && to);
	const size_t n = fread(text, 1, sizeof(text), from);
	assert_int_equal(fwrite(text, 1, n, to), n);
	(void)fclose(from);
	assert_int_equal(fclose(to), 0);
}

static int set_up(void **state)
{
	const struct live_options none = { 0 };
	struct soak *s = mem_new(sizeof(*s));
	*state = s;
	s->live = live_open(&none);
	s->tasks = mem_new(TASKS_MAX * sizeof(*s->tasks));
	s->sent = mem_new(SENT_MAX * sizeof(*s->sent));
	s->pages = mem_new(PAGES_MAX * sizeof(*s->pages));
	s->posts = mem_new(POSTS_MAX * sizeof(*s->posts));
	return s->live ? 0 : -1;
}

static int tear_down(void **state)
{
	struct soak *s = *state;
	live_close(s->live);
	if (s->csv)
		(void)fclose(s->csv);
	free(s->tasks);
	free(s->sent);
	free(s->pages);
	free(s->posts);
	free(s->samples);
	free(s);
	return 0;
}

static void test_soak(void **state)
{
	struct soak *s = *state;
	const struct sigaction end = { .sa_handler = on_signal };
	const char *csv = getenv("SOAK_CSV");
	assert_int_equal(sigaction(SIGTERM, &end, NULL), 0);
	assert_int_equal(sigaction(SIGINT, &end, NULL), 0);
	s->random = (uint64_t)from_environment("SEED", live_now_ms());
	s->total_ms = from_environment("SOAK_S", 7200) * 1000;
	s->per_minute = from_environment("SOAK_PER_MIN", 300);
	print_message("SEED=%" PRIu64 " SOAK_S=%" PRId64 " SOAK_PER_MIN=%" PRId64 "\n", s->random,
		      s->total_ms / 1000, s->per_minute);
	playbooks(s);
	people_open(s);
	watch_open(s, csv ? csv : "soak.csv");
	/* Slack's own search for doubles is off: the bot has to see to it alone. */
	struct cJSON *args = json_object();
	json_put_bool(args, "on", false);
	json_free(live_control(s->live, "dedupe", args));
	s->begun_ms = live_now_ms();
	life_begin(s);
	live_bot_ready(s->live);
	run_load(s);
	run_rest(s);
	run_verdict(s);
	assert_int_equal(s->failed, 0);
	live_passed(s->live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_soak, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
