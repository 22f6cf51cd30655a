/* scenario: the groups of stories, one function a file; each returns how many failed. */
#ifndef TESTS_SCENARIO_H
#define TESTS_SCENARIO_H
#include "lib/story.h"

int all_stories(void); /* every group below; how many failed */
/* Stories that die at every point there is take every so-manieth only; the first is always taken.
 */
extern int64_t story_stride;
int stories_of_answers(void);
int stories_of_threads(void);
int stories_of_priorities(void);
int stories_of_races(void);
int stories_of_strangers(void);
int stories_of_deadlines(void);
int stories_of_owners(void);
int stories_of_the_pager(void);
int stories_of_confirming(void);
int stories_of_slack(void);
int stories_of_slacks_errors(void);
int stories_of_the_socket(void);
int stories_of_alerts(void);
int stories_of_deaths(void);
int stories_of_poison(void);
int stories_of_clocks(void);
int stories_of_a_full_disk(void);
int stories_of_hostile_text(void);
int stories_of_the_directory(void);
int stories_of_commands(void);
int stories_of_drills(void);
int stories_of_the_record(void);
#endif
