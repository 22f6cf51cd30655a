/* soak_watch: figures of the processes and files, every ten seconds, and what they must not do:
 * grow. See soak.h. */
#include "soak/soak.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WARM_MS = 10 * 60 * 1000,
	JUDGED_MS = 30 * 60 * 1000, /* a shorter life says nothing about growth */
	KB_PER_HOUR_MAX = 1024,
	FDS_MAX = 64,
	WAL_MAX = 17 << 20, /* bot/store/open.c: it is copied back at 16 MiB */
	MINUTE = 60 * 1000,
};

int64_t file_bytes(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Of a file of /proc, the number behind a word; sums all lines that begin with it. */
static int64_t proc_number(pid_t pid, const char *file, const char *word)
{
	char path[64], line[512];
	int64_t sum = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, word, strlen(word)) == 0)
			sum += strtoll(line + strlen(word), NULL, 10);
	if (f)
		(void)fclose(f);
	return sum;
}

static int64_t fds_of(pid_t pid)
{
	char path[64];
	int64_t n = -2; /* . and .. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return n > 0 ? n : 0;
}

static int64_t cpu_ms_of(pid_t pid)
{
	char path[64], line[1024] = "", *at;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	(void)fclose(f);
	for (int i = 0; at && i < 12; i++) /* utime is the 12th field behind the name */
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	const int64_t user = strtoll(at, &at, 10), kernel = strtoll(at, NULL, 10);
	return (user + kernel) * 1000 / sysconf(_SC_CLK_TCK);
}

static int64_t own_cpu_ms(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

void watch_open(struct soak *s, const char *csv)
{
	s->samples = mem_new(SAMPLES_MAX * sizeof(*s->samples));
	s->csv = fopen(csv, "we");
	assert_non_null(s->csv);
	(void)fputs("t_s,life,life_s,rss_kb,pss_kb,private_kb,fds,threads,cpu_ms,db_bytes,"
		    "wal_bytes,cases,posted,sent,pages,calls,armed,outage,sandbox_kb,"
		    "sandbox_cpu_ms,own_cpu_ms\n",
		    s->csv);
}

static int64_t cases_of(const struct soak *s)
{
	int64_t n = 0;
	for (size_t i = 0; i < s->posted; i++)
		n += s->tasks[i].script->has_card;
	return n;
}

static void write_line(const struct soak *s, const struct sample *a)
{
	(void)fprintf(
		s->csv,
		"%" PRId64 ",%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
		",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%zu,%zu,%zu,%" PRId64
		",%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
		a->at_ms / 1000, a->life, a->life_ms / 1000, a->rss_kb, a->pss_kb, a->private_kb,
		a->fds, a->threads, a->cpu_ms, a->db_bytes, a->wal_bytes, a->cases, s->posted,
		s->sent_n, s->pages_n, s->calls, s->armed, s->outage ? s->outage->where[0] : "",
		a->sandbox_kb, a->sandbox_cpu_ms, a->own_cpu_ms);
	(void)fflush(s->csv);
}

static void say(struct soak *s, const struct sample *a)
{
	if (a->at_ms - s->said_ms < MINUTE)
		return;
	s->said_ms = a->at_ms;
	print_message("%3" PRId64 " min: life %d, %" PRId64 " kB private, %" PRId64
		      " descriptors, database %" PRId64 " kB, WAL %" PRId64
		      " kB, %zu of %zu alerts, %zu clicks, %zu pages%s%s\n",
		      a->at_ms / MINUTE, a->life, a->private_kb, a->fds, a->db_bytes / 1024,
		      a->wal_bytes / 1024, s->posted, s->made, s->sent_n, s->pages_n,
		      s->outage ? ", down: " : "", s->outage ? s->outage->where[0] : "");
	(void)fflush(stdout);
}

void watch(struct soak *s)
{
	const pid_t bot = live_bot_pid(s->live), sandbox = live_sandbox_pid(s->live);
	const int64_t now_ms = live_now_ms();
	if (now_ms - s->sampled_ms < SAMPLE_MS || s->samples_n == SAMPLES_MAX || !bot)
		return;
	s->sampled_ms = now_ms;
	struct sample *a = &s->samples[s->samples_n++];
	*a = (struct sample){
		.at_ms = soak_age_ms(s),
		.life_ms = now_ms - s->life_ms,
		.life = s->life,
		.rss_kb = proc_number(bot, "status", "VmRSS:"),
		.pss_kb = proc_number(bot, "smaps_rollup", "Pss:"),
		.private_kb = proc_number(bot, "smaps_rollup", "Private_Clean:") +
			      proc_number(bot, "smaps_rollup", "Private_Dirty:"),
		.fds = fds_of(bot),
		.threads = proc_number(bot, "status", "Threads:"),
		.cpu_ms = cpu_ms_of(bot),
		.db_bytes = file_bytes(live_file(s->live, "securitybot.db")),
		.wal_bytes = file_bytes(live_file(s->live, "securitybot.db-wal")),
		.cases = cases_of(s),
		.sandbox_kb = proc_number(sandbox, "status", "VmRSS:"),
		.sandbox_cpu_ms = cpu_ms_of(sandbox),
		.own_cpu_ms = own_cpu_ms(),
	};
	write_line(s, a);
	say(s, a);
}

/* --- judging --- */

struct line { /* least squares */
	double n, x, y, xx, xy;
};
static void line_add(struct line *l, double x, double y)
{
	l->n++;
	l->x += x;
	l->y += y;
	l->xx += x * x;
	l->xy += x * y;
}
static double line_slope(const struct line *l)
{
	const double below = l->n * l->xx - l->x * l->x;
	return below > 0 ? (l->n * l->xy - l->x * l->y) / below : 0;
}

/* The samples of the last life, after it was warm. */
static size_t last_life(const struct soak *s, int64_t warm_ms)
{
	size_t first = s->samples_n;
	while (first > 0 && s->samples[first - 1].life == s->life &&
	       s->samples[first - 1].life_ms >= warm_ms)
		first--;
	return first;
}

static void judge_memory(struct soak *s, size_t from)
{
	const struct sample *a = &s->samples[from], *z = &s->samples[s->samples_n - 1];
	struct line memory = { 0 };
	char seen[200];
	for (const struct sample *i = a; i <= z; i++)
		line_add(&memory, (double)i->life_ms / HOUR_MS, (double)i->private_kb);
	const double slope = line_slope(&memory);
	const double hours = (double)(z->life_ms - a->life_ms) / HOUR_MS;
	(void)snprintf(seen, sizeof(seen),
		       "%" PRId64 " kB at %" PRId64 " min of the life, %" PRId64 " kB at %" PRId64
		       " min; %.0f kB an hour by least squares",
		       a->private_kb, a->life_ms / MINUTE, z->private_kb, z->life_ms / MINUTE,
		       slope);
	if (z->life_ms < JUDGED_MS) {
		print_message("not judged, the life is short: memory: %s\n", seen);
		return;
	}
	soak_judge(s, slope < KB_PER_HOUR_MAX || slope * hours < (double)a->private_kb / 20,
		   "private memory grows by less than 1 MiB an hour or 5 % once it is warm", seen);
}

/* How many bytes a further case costs, in one half of the samples. */
static double bytes_per_case(const struct sample *from, size_t n)
{
	struct line l = { 0 };
	for (size_t i = 0; i < n; i++)
		line_add(&l, (double)from[i].cases, (double)from[i].db_bytes);
	return line_slope(&l);
}

static void judge_database(struct soak *s, size_t from)
{
	const size_t half = (s->samples_n - from) / 2;
	const struct sample *z = &s->samples[s->samples_n - 1];
	const double early = bytes_per_case(&s->samples[from], half);
	const double later = bytes_per_case(&s->samples[from + half], half);
	char seen[200];
	(void)snprintf(seen, sizeof(seen),
		       "%.0f bytes a case in the first half of the last life, %.0f in the second, "
		       "%" PRId64 " over all; %" PRId64 " kB with %" PRId64 " cases",
		       early, later, z->cases ? z->db_bytes / z->cases : 0, z->db_bytes / 1024,
		       z->cases);
	if (z->life_ms < JUDGED_MS) {
		print_message("not judged, the life is short: database: %s\n", seen);
		return;
	}
	soak_judge(s, later < early * 1.25 && later > 0,
		   "a case costs the database the same in the second half as in the first", seen);
}

static void judge_files(struct soak *s, size_t from)
{
	const size_t half = from + (s->samples_n - from) / 2;
	int64_t early = 0, later = 0, wal = 0, threads = 0;
	char seen[120];
	for (size_t i = 0; i < s->samples_n; i++) {
		const struct sample *a = &s->samples[i];
		int64_t *most = i >= half ? &later : &early;
		if (i >= from && a->fds > *most)
			*most = a->fds;
		wal = a->wal_bytes > wal ? a->wal_bytes : wal;
		threads = i >= from && a->threads > threads ? a->threads : threads;
	}
	(void)snprintf(seen, sizeof(seen),
		       "at most %" PRId64 " in the first half of the last life, %" PRId64
		       " in the second, %" PRId64 " at the end; %" PRId64 " threads",
		       early, later, s->samples[s->samples_n - 1].fds, threads);
	soak_judge(s, later <= early + 4 && later <= FDS_MAX, "descriptors stay few", seen);
	(void)snprintf(seen, sizeof(seen), "at most %" PRId64 " kB", wal / 1024);
	soak_judge(s, wal <= WAL_MAX, "the WAL stays under 17 MiB", seen);
}

static void say_cpu(const struct soak *s)
{
	const struct sample *z = &s->samples[s->samples_n - 1];
	int64_t bot_ms = 0;
	for (size_t i = 0; i < s->samples_n; i++)
		if (i + 1 == s->samples_n || s->samples[i + 1].life != s->samples[i].life)
			bot_ms += s->samples[i].cpu_ms;
	print_message("the sandbox let %" PRId64 " questions of this driver go unanswered\n",
		      s->unanswered);
	print_message("CPU of one core: bot %.1f %%, sandbox %.1f %%, this driver %.1f %%; "
		      "sandbox %" PRId64 " kB\n",
		      100.0 * (double)bot_ms / (double)z->at_ms,
		      100.0 * (double)z->sandbox_cpu_ms / (double)z->at_ms,
		      100.0 * (double)z->own_cpu_ms / (double)z->at_ms, z->sandbox_kb);
}

void watch_judge(struct soak *s)
{
	const int64_t third_ms = (live_now_ms() - s->life_ms) / 3;
	const size_t from = last_life(s, third_ms < WARM_MS ? third_ms : WARM_MS);
	if (s->samples_n < from + 4) {
		soak_judge(s, false, "the last life is long enough for figures", "too few samples");
		return;
	}
	say_cpu(s);
	judge_memory(s, from);
	judge_files(s, from);
	judge_database(s, from);
}
