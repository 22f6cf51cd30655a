/* live: the processes, their folder and their logs, see live.h. What people and senders do is in
 * live_world.c. */
#include "lib/live.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/live_inside.h"

enum { START_MS = 20 * 1000, STOP_MS = 5 * 1000, FILE_MAX = 16 << 20, TAIL = 6000, ENV_MAX = 24 };
enum { ARGS_MAX = 32, UNDER_FOUND = 99 };

int64_t live_now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t live_slow(void)
{
	const char *text = getenv("TEST_SLOW");
	const long n = text ? strtol(text, NULL, 10) : 0;
	return n > 1 ? n : 1;
}

void live_pause(struct live *l, int64_t until_ms, const char *what, const char *file, int line)
{
	(void)l;
	if (live_now_ms() >= until_ms) {
		print_error("waited in vain: %s\n", what);
		_fail(file, line);
	}
	(void)poll(NULL, 0, 4);
}

const char *live_file(struct live *l, const char *name)
{
	return arena_f(&l->memory, "%s/%s", l->folder, name);
}

const char *live_keep(struct live *l, const char *z) { return arena_z(&l->memory, z); }

void live_passed(struct live *l) { l->has_passed = true; }

/* --- files --- */

static bool file_read(const char *path, struct buf *out)
{
	char piece[4096];
	FILE *f = fopen(path, "re");
	buf_clear(out);
	if (!f)
		return false;
	for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
		buf_add(out, (struct str){ piece, n });
	(void)fclose(f);
	return !out->broken;
}

static bool file_write(const char *path, struct str text)
{
	FILE *f = fopen(path, "we");
	if (!f)
		return false;
	const bool is_whole = fwrite(text.at, 1, text.n, f) == text.n;
	return fclose(f) == 0 && is_whole;
}

/* Every `from` becomes `to`. */
static const char *replaced(struct live *l, const char *text, const char *from, const char *to)
{
	CLEANUP(buf_free) struct buf b = BUF(FILE_MAX);
	assert_non_null(strstr(text, from));
	for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
		buf_add(&b, (struct str){ text, (size_t)(at - text) });
		buf_addz(&b, to);
	}
	buf_addz(&b, text);
	return arena_z(&l->memory, buf_z(&b));
}

void live_playbook(struct live *l, const char *name, const struct live_change *changes, size_t n)
{
	CLEANUP(buf_free) struct buf b = BUF(FILE_MAX);
	assert_true(file_read("tests/lib/playbooks/edr-process.yaml", &b));
	const char *text = arena_z(&l->memory, buf_z(&b));
	text = replaced(l, text, "playbook: edr-process",
			arena_f(&l->memory, "playbook: %s", name));
	text = replaced(l, text, ".type == \"process\"",
			arena_f(&l->memory, ".type == \"%s\"", name));
	text = replaced(l, text, "type: process", arena_f(&l->memory, "type: %s", name));
	for (size_t i = 0; i < n; i++)
		text = replaced(l, text, changes[i].from, changes[i].to);
	const char *path = live_file(l, arena_f(&l->memory, "playbooks/%s.yaml", name));
	assert_true(file_write(path, str_z(text)));
}

static bool config_write(struct live *l, const struct live_options *o)
{
	CLEANUP(buf_free) struct buf b = BUF(FILE_MAX);
	char tree[4096];
	const char *pager = o->pager_url ? o->pager_url
					 : arena_f(&l->memory, "http://127.0.0.1:%d/pagerduty/v2",
						   l->sandbox_port);
	if (!getcwd(tree, sizeof(tree)) || mkdir(live_file(l, "playbooks"), 0700) != 0)
		return false;
	buf_addf(&b,
		 "listen: 127.0.0.1:0\ndatabase: securitybot.db\nsocket: securitybot.sock\n"
		 "playbooks: playbooks\nconnectors: \"%s/connectors\"\n",
		 tree);
	buf_addf(&b,
		 "slack:\n  api_url: \"http://%s:%d/api/\"\n  channel: " LIVE_CHANNEL
		 "\n  pacing: off\n",
		 o->api_host ? o->api_host : "127.0.0.1", l->sandbox_port);
	buf_addz(&b, "sources:\n  " LIVE_SOURCE ": {bearer: \"${secret:LIVE_SOURCE_TOKEN}\"}\n");
	buf_addz(&b, "people: {domain: duff.example}\n");
	buf_addf(&b, "pager: {connector: pagerduty, base_url: \"%s\"}\n", pager);
	return file_write(live_file(l, "securitybot.yaml"), buf_str(&b));
}

/* --- processes --- */

/* Out and errors are appended to files; a child never outlives us. */
static pid_t spawn(const char *const *argv, const char *const *env, const char *out,
		   const char *errors, unsigned files)
{
	const struct rlimit limit = { files, files };
	const pid_t parent = getpid(), child = fork();
	if (child != 0)
		return child;
	const int flags = O_WRONLY | O_CREAT | O_APPEND;
	const int to = open(out, flags, 0600), also = open(errors, flags, 0600);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent || to < 0 ||
	    also < 0 || dup2(to, 1) < 0 || dup2(also, 2) < 0)
		_exit(126);
	(void)close(0);
	(void)open("/dev/null", O_RDONLY);
	if (files && setrlimit(RLIMIT_NOFILE, &limit) != 0)
		_exit(126);
	execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	_exit(127);
}

static void add_sanitizers(const char **env, size_t *n)
{
	static const char *const kept[] = { "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=",
					    "LD_LIBRARY_PATH=" };
	for (char **e = environ; *e; e++)
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (strncmp(*e, kept[i], strlen(kept[i])) == 0)
				env[(*n)++] = *e;
}

static void env_make(struct live *l, const struct live_options *o)
{
	static const char *const ours[] = {
		"SLACK_APP_TOKEN=xapp-1-A0SANDBOX-1-secret",
		"SLACK_BOT_TOKEN=xoxb-T0SANDBOX-secret",
		"PAGERDUTY_ROUTING_KEY=R0SANDBOXR0SANDBOXR0SANDBOX00000",
		("LIVE_SOURCE_TOKEN=" LIVE_BEARER),
		"MAC_KEY=00112233445566778899aabbccddeeff",
		"AUDIT_KEY=ffeeddccbbaa99887766554433221100",
	};
	size_t n = 0;
	for (; n < sizeof(ours) / sizeof(ours[0]); n++)
		l->env[n] = ours[n];
	add_sanitizers(l->env, &n);
	for (size_t i = 0; o->env && o->env[i]; i++) {
		assert_true(n + 1 < ENV_MAX);
		l->env[n++] = o->env[i];
	}
}

/* False: it still runs. It is not buried, so its number is nobody else's. */
static bool has_ended(pid_t pid, int64_t patience_ms)
{
	const int64_t end_ms = live_now_ms() + patience_ms * live_slow();
	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid == pid)
			return true;
		if (live_now_ms() >= end_ms)
			return false;
		(void)poll(NULL, 0, 3);
	}
}

static int bury(struct live *l, pid_t *pid)
{
	int status = 0;
	(void)waitpid(*pid, &status, 0);
	*pid = 0;
	l->has_found = l->has_found ||
		       (l->under[0] && WIFEXITED(status) && WEXITSTATUS(status) == UNDER_FOUND);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void end_process(struct live *l, pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGTERM);
	if (!has_ended(*pid, STOP_MS))
		(void)kill(*pid, SIGKILL);
	(void)bury(l, pid);
}

/* --- the sandbox --- */

static bool sandbox_start(struct live *l)
{
	CLEANUP(buf_free) struct buf b = BUF(FILE_MAX);
	const char *const argv[] = { arena_f(&l->memory, "%s/sandbox", l->build), "--listen",
				     "127.0.0.1:0", "--limits=fast", NULL };
	const char *out = live_file(l, "sandbox.out");
	const char *at;
	l->sandbox = spawn(argv, l->env, out, live_file(l, "sandbox.log"), 0);
	if (l->sandbox < 0)
		return false;
	for (const int64_t end_ms = live_now_ms() + START_MS; live_now_ms() < end_ms;) {
		if (file_read(out, &b) && (at = strstr(buf_z(&b), "http://127.0.0.1:"))) {
			l->sandbox_port = (int)strtol(at + strlen("http://127.0.0.1:"), NULL, 10);
			return l->sandbox_port > 0;
		}
		if (has_ended(l->sandbox, 4))
			return false;
	}
	return false;
}

/* --- the bot --- */

static void under_read(struct live *l)
{
	const char *text = getenv("UNDER");
	struct str word, rest = str_z(text ? text : "");
	for (size_t n = 0; rest.n;) {
		(void)str_cut(rest, ' ', &word, &rest);
		assert_true(n + 1 < sizeof(l->under) / sizeof(l->under[0]));
		if (word.n)
			l->under[n++] = arena_str(&l->memory, word);
	}
}

static void command_line(const struct live *l, const char *const *args, const char *argv[ARGS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; l->under[i]; i++)
		argv[n++] = l->under[i];
	argv[n++] = l->program;
	for (size_t i = 0; args[i]; i++) {
		assert_true(n + 1 < ARGS_MAX);
		argv[n++] = args[i];
	}
	argv[n] = NULL;
}

void live_bot_start(struct live *l)
{
	const char *const args[] = { "run", "--config", live_file(l, "securitybot.yaml"), NULL };
	const char *argv[ARGS_MAX];
	assert_int_equal(l->bot, 0);
	command_line(l, args, argv);
	l->log_from = strlen(live_log(l));
	l->bot_port = 0;
	l->bot = spawn(argv, l->env, live_file(l, "bot.out"), live_file(l, "bot.log"), l->files);
	assert_true(l->bot > 0);
}

int live_bot_pidfd(struct live *l)
{
	if (l->bot_fd < 0 && l->bot > 0)
		l->bot_fd = pidfd_open(l->bot, 0); /* only then: valgrind does not know it */
	return l->bot_fd;
}
pid_t live_bot_pid(const struct live *l) { return l->bot; }
pid_t live_sandbox_pid(const struct live *l) { return l->sandbox; }

static int bot_bury(struct live *l)
{
	const int code = bury(l, &l->bot);
	if (l->bot_fd >= 0)
		(void)close(l->bot_fd);
	l->bot_fd = -1;
	return code;
}

bool live_bot_is_alive(struct live *l)
{
	if (l->bot > 0 && has_ended(l->bot, 0))
		(void)bot_bury(l);
	return l->bot > 0;
}

bool live_bot_listens(struct live *l)
{
	static const char says[] = "event=door.listening port=";
	const char *at = l->bot_port ? NULL : strstr(live_log(l) + l->log_from, says);
	if (at)
		l->bot_port = (int)strtol(at + sizeof(says) - 1, NULL, 10);
	return live_bot_is_alive(l) && l->bot_port;
}

static bool listens_or_fails(struct live *l)
{
	if (!live_bot_is_alive(l))
		fail_msg("the bot ended at its start");
	return live_bot_listens(l);
}

void live_bot_listen(struct live *l) { LIVE_UNTIL(l, START_MS, listens_or_fails(l)); }

static bool is_up(struct live *l)
{
	const struct cJSON *sockets = json_key(live_state(l), "sockets");
	for (const struct cJSON *s = json_first(sockets); s; s = json_next(s))
		if (json_true(json_key(s, "up")))
			return true;
	return false;
}

void live_bot_ready(struct live *l)
{
	live_bot_listen(l);
	LIVE_UNTIL(l, START_MS, is_up(l));
}

int live_bot_wait(struct live *l, int64_t patience_ms)
{
	assert_true(l->bot > 0);
	if (!has_ended(l->bot, patience_ms))
		fail_msg("the bot has not ended after %lld ms", (long long)patience_ms);
	return bot_bury(l);
}

void live_bot_kill(struct live *l)
{
	(void)kill(l->bot, SIGKILL);
	(void)live_bot_wait(l, STOP_MS);
}

int live_bot_stop(struct live *l)
{
	(void)kill(l->bot, SIGTERM);
	return live_bot_wait(l, STOP_MS);
}

const char *live_log(struct live *l)
{
	(void)file_read(live_file(l, "bot.log"), &l->log);
	return buf_z(&l->log);
}

size_t live_log_count(struct live *l, const char *words)
{
	size_t n = 0;
	for (const char *at = live_log(l); (at = strstr(at, words)); at += strlen(words))
		n++;
	return n;
}

int live_run(struct live *l, const char *const *args, struct buf *out)
{
	return live_run_for(l, START_MS, args, out);
}

int live_run_for(struct live *l, int64_t patience_ms, const char *const *args, struct buf *out)
{
	const char *argv[ARGS_MAX];
	const char *to = live_file(l, arena_f(&l->memory, "run-%d.out", ++l->runs));
	command_line(l, args, argv);
	pid_t pid = spawn(argv, l->env, to, to, 0);
	assert_true(pid > 0);
	if (!has_ended(pid, patience_ms)) {
		end_process(l, &pid);
		fail_msg("securitybot %s does not end", args[0]);
	}
	const int code = bury(l, &pid);
	assert_true(file_read(to, out));
	return code;
}

/* --- life --- */

static bool find_programs(struct live *l)
{
	char self[4096];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return false;
	self[n] = '\0';
	char *slash = strrchr(self, '/');
	*slash = '\0';
	l->build = arena_z(&l->memory, self);
	l->program = arena_f(&l->memory, "%s/securitybot", self);
	return access(l->program, X_OK) == 0;
}

struct live *live_open(const struct live_options *o)
{
	struct live *l = mem_new(sizeof(*l));
	const char *temp = getenv("TMPDIR");
	l->memory = ARENA(64 << 20);
	l->log = BUF(FILE_MAX);
	l->bot_fd = -1;
	l->files = o->files;
	l->folder = mem_str(str_z(arena_f(&l->memory, "%s/securitybot-live-XXXXXX",
					  temp && temp[0] ? temp : "/tmp")));
	env_make(l, o);
	under_read(l);
	if (find_programs(l) && mkdtemp(l->folder) && sandbox_start(l) && config_write(l, o) &&
	    live_world_open(l))
		return l;
	(void)fprintf(stderr, "live: the sandbox does not start: %s\n", strerror(errno));
	live_close(l);
	return NULL;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *where)
{
	(void)s;
	(void)kind;
	(void)where;
	return remove(path);
}

static void show_end(struct live *l, const char *name)
{
	CLEANUP(buf_free) struct buf b = BUF(FILE_MAX);
	if (!file_read(live_file(l, name), &b))
		return;
	const char *text = buf_z(&b);
	(void)fprintf(stderr, "---- the end of %s\n%s\n", name,
		      text + (b.n > TAIL ? b.n - TAIL : 0));
}

void live_close(struct live *l)
{
	if (!l)
		return;
	end_process(l, &l->bot); /* first: it says goodbye to Slack */
	end_process(l, &l->sandbox);
	if (l->bot_fd >= 0)
		(void)close(l->bot_fd);
	if (!l->has_passed || l->has_found) {
		show_end(l, "bot.log");
		show_end(l, "sandbox.log");
	}
	if (getenv("LIVE_KEEP"))
		(void)fprintf(stderr, "kept: %s\n", l->folder);
	else
		(void)nftw(l->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	const bool has_found = l->has_found;
	live_world_close(l);
	buf_free(&l->log);
	free(l->folder);
	arena_clear(&l->memory);
	free(l);
	if (has_found)
		fail_msg("see above what was found in securitybot");
}
