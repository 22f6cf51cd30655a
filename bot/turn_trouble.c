/* turn_trouble: what is wrong with the bot itself, remembered until the next transaction decides
 * about it. Called by the turn's files, and by main through turn.h. */
#include <stdio.h>
#include <string.h>

#include "turn_parts.h"

/* The newest word about a name counts; there are fewer names than places. */
static struct turn_trouble *place_of(struct turn *t, const char *name)
{
	for (size_t i = 0; i < t->troubles_n; i++)
		if (strcmp(t->troubles[i].name, name) == 0)
			return &t->troubles[i];
	if (t->troubles_n == TROUBLES_MAX)
		return NULL;
	struct turn_trouble *w = &t->troubles[t->troubles_n++];
	snprintf(w->name, sizeof(w->name), "%s", name);
	return w;
}

void turn_trouble(struct turn *t, const char *name, const char *why)
{
	struct turn_trouble *w = place_of(t, name);
	if (!w)
		return;
	w->is_over = false;
	snprintf(w->why, sizeof(w->why), "%s", why);
}

void turn_trouble_over(struct turn *t, const char *name)
{
	struct turn_trouble *w = place_of(t, name);
	if (w)
		w->is_over = true;
}

struct decision decide_trouble_task(struct turn *t, const struct act *a, size_t i)
{
	const struct turn_trouble *w = &t->troubles[i];
	if (w->is_over && t->restored.is_asked && strcmp(w->name, "restored") == 0)
		return handle_restore_accepted(a);
	return w->is_over ? handle_trouble_over(a, w->name) : handle_trouble(a, w->name, w->why);
}
