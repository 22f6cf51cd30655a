/* main of the scenarios, when nothing else looks at them. */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

int main(void)
{
	const char *deaths = getenv("DEATHS"); /* banned: how make hands it over */
	if (deaths && strcmp(deaths, "all") == 0)
		story_stride = 1;
	return all_stories() ? 1 : 0;
}
