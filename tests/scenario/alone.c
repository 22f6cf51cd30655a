/* main of the scenarios, when nothing else looks at them. */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

int main(void)
{
	const char *deaths =
		getenv("DEATHS"); /* banned: how make hands it over: "all", or a number */
	int64_t n = 0;
	if (deaths && strcmp(deaths, "all") == 0)
		story_stride = 1;
	else if (deaths && str_int(str_z(deaths), &n) && n > 0)
		story_stride = n;
	return all_stories() ? 1 : 0;
}
