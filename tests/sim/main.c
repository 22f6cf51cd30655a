/* main of the simulator: [--seeds A..B] [--jobs N] [--until-failure] [--once]. Every 16th seed
 * runs twice and must leave the same trace (--once: none does). Seeds are dealt out to N processes;
 * what they found is added up, so that the report is the same for any N. A failing seed is printed
 * with the invariant it broke; LAB_TELL=1 shows all that crossed the border. Ends "N passed, N
 * failed". */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"

enum { JOBS_MAX = 64, FAILURES_MAX = 64, TWICE = 16, ENOUGH = 2000, PLENTY = 10000, KEPT_MAX = 64 };

struct wish {
	int64_t from, to, jobs;
	int64_t kept[KEPT_MAX], kept_n; /* tests/sim/seeds: run before the others */
	bool until_failure, once;
};
struct failure {
	int64_t seed;
	char why[sizeof(((struct sim *)0)->broken)];
};
/* What one process found; lies in memory that the first one reads. */
struct found {
	struct lab_points points;
	uint64_t fired[SIM_FAULTS_MAX];
	int64_t passed, failed, at; /* at: the number of the run it is in */
	struct failure failures[FAILURES_MAX];
	bool is_done;
};
struct shared {
	_Atomic int64_t first_failed;
	struct found found[JOBS_MAX];
};

static int64_t runs_of(const struct wish *r) { return r->kept_n + r->to - r->from + 1; }

static int64_t seed_of(const struct wish *r, int64_t at)
{
	return at < r->kept_n ? r->kept[at] : r->from + at - r->kept_n;
}

/* One seed a line; what follows says what it found. */
static void read_kept(struct wish *r)
{
	char line[300];
	FILE *f = fopen("tests/sim/seeds", "re");
	while (f && r->kept_n < KEPT_MAX && fgets(line, sizeof(line), f)) {
		struct str seed, rest;
		str_cut(str_z(line), ' ', &seed, &rest);
		if (str_int(str_trim(seed), &r->kept[r->kept_n]))
			r->kept_n++;
	}
	if (f)
		(void)fclose(f);
}

static bool parse_seeds(const char *text, struct wish *r)
{
	struct str from, to;
	return str_cut(str_z(text), '.', &from, &to) && to.n > 1 && to.at[0] == '.' &&
	       str_int(from, &r->from) && str_int((struct str){ to.at + 1, to.n - 1 }, &r->to) &&
	       r->from > 0 && r->to >= r->from;
}

bool sim_tells(void) { return getenv("LAB_TELL") != NULL; } /* banned: a developer's switch */

/* --- one process --- */

static bool run_seed(const struct wish *r, int64_t seed, struct found *f, struct sim *s)
{
	char first[65], second[65];
	bool fine = sim_run((uint64_t)seed, &f->points, s, first);
	for (size_t i = 0; i < faults_n(); i++)
		f->fired[i] += s->fired[i];
	if (fine && !r->once && seed % TWICE == 0) {
		fine = sim_run((uint64_t)seed, NULL, s, second);
		if (fine && strcmp(first, second) != 0) {
			fine = false;
			sim_break(s, "I-57 two runs, two traces");
		}
	}
	return fine;
}

static void failed(const struct wish *r, struct shared *all, struct found *f, int64_t seed,
		   const char *why)
{
	if (f->failed < FAILURES_MAX) {
		struct failure *x = &f->failures[f->failed];
		x->seed = seed;
		(void)snprintf(x->why, sizeof(x->why), "%s", why);
	}
	f->failed++;
	if (r->to - r->from >= PLENTY) /* hours: nobody wants to wait for the report */
		(void)fprintf(stderr, "seed %" PRId64 ": %s\n", seed, why);
	int64_t first = atomic_load(&all->first_failed);
	while (f->at < first && !atomic_compare_exchange_weak(&all->first_failed, &first, f->at)) {
	}
}

static void run_job(const struct wish *r, struct shared *all, int64_t job)
{
	static struct sim s;
	struct found *f = &all->found[job];
	for (; f->at < runs_of(r); f->at += r->jobs) {
		/* The first failing seed is found whoever runs ahead. */
		if (r->until_failure && f->at > atomic_load(&all->first_failed))
			break;
		if (run_seed(r, seed_of(r, f->at), f, &s))
			f->passed++;
		else
			failed(r, all, f, seed_of(r, f->at), s.broken);
	}
	f->is_done = true;
}

static pid_t start_job(const struct wish *r, struct shared *all, int64_t job)
{
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* who is interrupted leaves nobody behind */
	run_job(r, all, job);
	lab_done();
	exit(0);
}

/* A seed that kills the simulator is counted, and the others are run all the same. */
static void end_job(const struct wish *r, struct shared *all, int64_t job, pid_t pid)
{
	struct found *f = &all->found[job];
	for (;;) {
		int status = 0;
		char why[80];
		(void)waitpid(pid, &status, 0);
		if (status == 0 && f->is_done)
			return;
		(void)snprintf(why, sizeof(why), "the simulator died (status %#x)",
			       (unsigned)status);
		failed(r, all, f, seed_of(r, f->at), why);
		f->at += r->jobs;
		if (f->is_done) /* at its end: what was found is complete */
			return;
		pid = start_job(r, all, job);
	}
}

static void run_jobs(const struct wish *r, struct shared *all)
{
	pid_t pids[JOBS_MAX];
	lab_configure("tests/lib/lab-confirm.yaml");
	(void)lab_policy(); /* compiled once, for all */
	for (int64_t i = 0; i < r->jobs; i++)
		all->found[i].at = i;
	if (r->jobs == 1) {
		run_job(r, all, 0);
		return;
	}
	for (int64_t i = 0; i < r->jobs; i++)
		pids[i] = start_job(r, all, i);
	for (int64_t i = 0; i < r->jobs; i++)
		end_job(r, all, i, pids[i]);
}

/* --- the report --- */

static int by_seed(const void *a, const void *b)
{
	const struct failure *x = a, *y = b;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

static void report_failures(const struct wish *r, const struct shared *all)
{
	static struct failure sorted[JOBS_MAX * FAILURES_MAX];
	size_t n = 0;
	for (int64_t i = 0; i < r->jobs; i++)
		for (int64_t k = 0; k < all->found[i].failed && k < FAILURES_MAX; k++)
			sorted[n++] = all->found[i].failures[k];
	qsort(sorted, n, sizeof(sorted[0]), by_seed);
	for (size_t i = 0; i < (r->until_failure && n ? 1 : n); i++)
		printf("seed %" PRId64 ": %s\n", sorted[i].seed, sorted[i].why);
}

static int by_name(const void *a, const void *b)
{
	const struct lab_point *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* True if one of them never fired. */
static bool report_faults(const struct wish *r, const struct shared *all)
{
	size_t never = 0;
	printf("faults: %zu\n", faults_n());
	for (size_t i = 0; i < faults_n(); i++) {
		uint64_t sum = 0;
		for (int64_t k = 0; k < r->jobs; k++)
			sum += all->found[k].fired[i];
		never += sum == 0;
		printf("  %-4s %-32s fired %9" PRIu64 "\n", fault_number(i), fault_name(i), sum);
	}
	printf("faults that never fired: %zu\n", never);
	return never != 0;
}

/* True if nobody died at one of them. */
static bool report_points(const struct wish *r, const struct shared *all)
{
	static struct lab_points sum;
	uint64_t deaths = 0, never = 0;
	for (int64_t i = 0; i < r->jobs; i++)
		lab_points_add(&sum, &all->found[i].points);
	qsort(sum.at, sum.n, sizeof(sum.at[0]), by_name);
	for (size_t i = 0; i < sum.n; i++) {
		deaths += sum.at[i].died;
		never += sum.at[i].died == 0;
	}
	printf("points of death: %zu, deaths: %" PRIu64 ", never died at: %" PRIu64 "\n", sum.n,
	       deaths, never);
	for (size_t i = 0; i < sum.n; i++)
		printf("  %-32s passed %9" PRIu64 "  died %6" PRIu64 "\n", sum.at[i].name,
		       sum.at[i].passed, sum.at[i].died);
	return never != 0;
}

static bool parse(int argc, char **argv, struct wish *r)
{
	const char *seeds = getenv("SEEDS"); /* banned: how make hands them over */
	bool good = !seeds || parse_seeds(seeds, r), is_chosen = false;
	for (int i = 1; i < argc && good; i++) {
		if (strcmp(argv[i], "--until-failure") == 0)
			r->until_failure = true;
		else if (strcmp(argv[i], "--once") == 0)
			r->once = true;
		else if (strcmp(argv[i], "--jobs") == 0)
			good = i + 1 < argc && str_int(str_z(argv[++i]), &r->jobs) && r->jobs > 0 &&
			       r->jobs <= JOBS_MAX;
		else
			good = is_chosen = strcmp(argv[i], "--seeds") == 0 && i + 1 < argc &&
					   parse_seeds(argv[++i], r);
	}
	if (!is_chosen)
		read_kept(r);
	return good;
}

int main(int argc, char **argv)
{
	/* Blocks of some KiB come and go each turn: by default each sweeps all the small free ones.
	 */
	(void)mallopt(M_MXFAST, 0);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct wish r = { .from = 1,
			  .to = 500,
			  .jobs = cores < 1          ? 1
				  : cores > JOBS_MAX ? JOBS_MAX
						     : cores };
	if (!parse(argc, argv, &r)) {
		fprintf(stderr,
			"usage: sim [--seeds A..B] [--jobs N] [--until-failure] [--once]\n");
		return 64;
	}
	struct shared *all =
		mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		abort();
	atomic_store(&all->first_failed, INT64_MAX);
	if (runs_of(&r) < r.jobs)
		r.jobs = runs_of(&r);
	run_jobs(&r, all);
	report_failures(&r, all);
	int64_t passed = 0, bad = 0;
	if (!r.until_failure) {
		bool lacks_points = report_points(&r, all), lacks_faults = report_faults(&r, all);
		int64_t n = r.to - r.from + 1;
		if ((lacks_faults && n >= ENOUGH) || (lacks_points && n >= PLENTY)) {
			printf("something that can go wrong never did: the run proves too "
			       "little\n");
			bad++;
		}
		printf("invariants:\n");
		for (size_t i = 0; check_names[i]; i++)
			printf("  %s\n", check_names[i]);
	}
	lab_done();
	for (int64_t i = 0; i < r.jobs; i++) {
		passed += all->found[i].passed;
		bad += all->found[i].failed;
	}
	(void)munmap(all, sizeof(*all));
	printf("%" PRId64 " passed, %" PRId64 " failed\n", passed, bad);
	return bad ? 1 : 0;
}
