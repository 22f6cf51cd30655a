/* All groups of stories, one after the other. LAB_TELL=1 shows all that crosses the border and the
 * program's own log lines. */
#include <stdlib.h>

#include "base/log.h"
#include "scenario.h"

static void nowhere(void *self, const char *line)
{
	(void)self;
	(void)line;
}

int all_stories(void)
{
	/* clang-format off */
	static int (*const groups[])(void) = {
		stories_of_answers,
		stories_of_threads,
		stories_of_priorities,
		stories_of_races,
		stories_of_strangers,
		stories_of_deadlines,
		stories_of_owners,
		stories_of_the_pager,
		stories_of_confirming,
		stories_of_slack,
		stories_of_slacks_errors,
		stories_of_the_socket,
		stories_of_alerts,
		stories_of_deaths,
		stories_of_poison,
		stories_of_clocks,
		stories_of_a_full_disk,
		stories_of_hostile_text,
		stories_of_the_directory,
		stories_of_commands,
		stories_of_drills,
		stories_of_the_record,
	};
	/* clang-format on */
	int failed = 0;
	if (!getenv("LAB_TELL")) /* banned: a developer's switch */
		log_sink(nowhere, NULL);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		failed += groups[i]();
	lab_done();
	return failed;
}
