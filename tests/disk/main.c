/* main of the disk test: every scenario on a disk that remembers, and then every power cut that
 * could have come: what is found must be a sound database with a whole number of turns, none
 * missing of which a word had left the process. By default a part of the crash points, drawn from
 * the seed, that fits into `make test`; DISK_POINTS=all looks at all of them (make disk),
 * DISK_POINTS=200 at about so many of each. Of the thousands of nearly equal runs that die at each
 * statement in turn, some are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "disk_test.h"
#include "scenario/scenario.h"

static void it_has_looked(void **state)
{
	(void)state;
	printf("disk: %zu scenarios, %zu commits, %zu moments of release, %zu crash points, "
	       "%zu of them looked at, %zu images, %zu of them different, %zu wrong\n",
	       tally.labs, tally.commits, tally.releases, tally.points, tally.seen, tally.images,
	       tally.opened, tally.failed);
	assert_true(tally.labs > 100);
	assert_true(tally.commits > 20 * tally.labs && tally.releases > 10 * tally.labs);
	assert_true(tally.images > effort.share / 2 * tally.labs);
	assert_true(!effort.is_whole || tally.seen == tally.points);
}

int main(void)
{
	const char *points = getenv("DISK_POINTS"), *seed = getenv("SEED"); /* banned: of make */
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_has_looked) };
	int64_t n = 0;

	effort.is_whole = points && strcmp(points, "all") == 0;
	if (points && !effort.is_whole && str_int(str_z(points), &n) && n > 0)
		effort.share = (uint64_t)n;
	if (seed && str_int(str_z(seed), &n) && n > 0)
		effort.seed = (uint64_t)n;
	story_stride = effort.is_whole ? 64 : 256;
	disk_plug();
	watch_all();
	int failed = all_stories();
	failed += cmocka_run_group_tests_name("power cuts", tests, NULL, NULL);
	disk_unplug();
	return failed ? 1 : 0;
}
