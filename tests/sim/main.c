/* main of the simulator: --seeds A..B [--until-failure] [--once]. Each seed runs twice and must
 * leave the same trace. A failing seed is printed with the invariant it broke; LAB_TELL=1 shows all
 * that crossed the border. Ends "N passed, N failed". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sim/sim.h"

struct wish {
	int64_t from, to;
	bool until_failure, once;
};

static bool parse_seeds(const char *text, struct wish *r)
{
	struct str from, to;
	return str_cut(str_z(text), '.', &from, &to) && to.n > 1 && to.at[0] == '.' &&
	       str_int(from, &r->from) && str_int((struct str){ to.at + 1, to.n - 1 }, &r->to) &&
	       r->from > 0 && r->to >= r->from;
}

static void nowhere(void *self, const char *line)
{
	(void)self;
	(void)line;
}

static void report(const struct lab_points *points)
{
	uint64_t deaths = 0, never = 0;
	for (size_t i = 0; i < points->n; i++) {
		deaths += points->at[i].died;
		never += points->at[i].died == 0;
	}
	printf("points of death: %zu, deaths: %" PRIu64 ", never died at: %" PRIu64 "\n", points->n,
	       deaths, never);
	for (size_t i = 0; i < points->n; i++)
		printf("  %-32s passed %9" PRIu64 "  died %6" PRIu64 "\n", points->at[i].name,
		       points->at[i].passed, points->at[i].died);
	printf("invariants:\n");
	for (size_t i = 0; check_names[i]; i++)
		printf("  %s\n", check_names[i]);
}

static bool run_seed(const struct wish *r, uint64_t seed, struct lab_points *points)
{
	static struct sim s;
	char first[65], second[65];
	bool fine = sim_run(seed, points, &s, first);
	if (fine && !r->once) {
		fine = sim_run(seed, NULL, &s, second);
		if (fine && strcmp(first, second) != 0) {
			fine = false;
			sim_break(&s, "I-57 two runs, two traces");
		}
	}
	if (!fine)
		printf("seed %" PRIu64 ": %s\n", seed, s.broken);
	return fine;
}

int main(int argc, char **argv)
{
	static struct lab_points points;
	struct wish r = { .from = 1, .to = 500 };
	const char *seeds = getenv("SEEDS"); /* banned: how make hands them over */
	bool good = !seeds || parse_seeds(seeds, &r);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--until-failure") == 0)
			r.until_failure = true;
		else if (strcmp(argv[i], "--once") == 0)
			r.once = true;
		else
			good = strcmp(argv[i], "--seeds") == 0 && i + 1 < argc &&
			       parse_seeds(argv[++i], &r);
	}
	if (!good) {
		fprintf(stderr, "usage: sim [--seeds A..B] [--until-failure] [--once]\n");
		return 64;
	}
	if (!getenv("LAB_TELL")) /* banned: a developer's switch */
		log_sink(nowhere, NULL);
	int64_t passed = 0, failed = 0;
	for (int64_t seed = r.from; seed <= r.to && !(failed && r.until_failure); seed++)
		*(run_seed(&r, (uint64_t)seed, &points) ? &passed : &failed) += 1;
	if (!r.until_failure)
		report(&points);
	lab_done();
	printf("%" PRId64 " passed, %" PRId64 " failed\n", passed, failed);
	return failed ? 1 : 0;
}
