/* blocks_find: finding things in blocks already judged, and filling the ids that Slack fills. Pure.
 */
#include "sandbox/inside.h"
#include <string.h>

const struct cJSON *block_by_id(const struct cJSON *blocks, const char *block_id)
{
	for (const struct cJSON *b = json_first(blocks); b; b = json_next(b))
		if (strcmp(json_text_at(b, "block_id"), block_id) == 0)
			return b;
	return NULL;
}

const struct cJSON *element_find(const struct cJSON *blocks, const char *action_id,
				 const char **block_id)
{
	for (const struct cJSON *b = json_first(blocks); b; b = json_next(b)) {
		const struct cJSON *found = NULL;
		*block_id = json_text_at(b, "block_id");
		for (const struct cJSON *e = json_first(json_key(b, "elements")); e && !found;
		     e = json_next(e))
			if (strcmp(json_text_at(e, "action_id"), action_id) == 0)
				found = e;
		static const char *const single[] = { "accessory", "element" };
		for (size_t i = 0; i < 2 && !found; i++) {
			const struct cJSON *e = json_key(b, single[i]);
			if (e && strcmp(json_text_at(e, "action_id"), action_id) == 0)
				found = e;
		}
		if (found)
			return found;
	}
	*block_id = "";
	return NULL;
}

static void short_id(struct world *w, char out[16])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	uint64_t x = world_dice(w);
	for (size_t i = 0; i < 5; i++, x /= 62)
		out[i] = letters[x % 62];
	out[5] = 0;
}

/* Buttons and pickers always come back with an action_id; images and texts have none. */
static bool takes_action(const struct cJSON *element)
{
	const char *type = json_text_at(element, "type");
	static const char *const without[] = { "image", "plain_text", "mrkdwn" };
	for (size_t i = 0; i < sizeof without / sizeof *without; i++)
		if (strcmp(type, without[i]) == 0)
			return false;
	return strncmp(type, "rich_text", 9) != 0;
}

static struct cJSON *element_finish(struct world *w, const struct cJSON *element)
{
	struct cJSON *e = json_copy(element);
	char id[16];
	short_id(w, id);
	if (takes_action(e) && !*json_text_at(e, "action_id"))
		json_put_text(e, "action_id", id);
	return e;
}

struct cJSON *blocks_finish(struct world *w, struct cJSON *blocks)
{
	struct cJSON *finished = json_array();
	for (const struct cJSON *b = json_first(blocks); b; b = json_next(b)) {
		struct cJSON *block = json_copy(b), *elements = json_array();
		char id[16];
		short_id(w, id);
		if (!*json_text_at(b, "block_id"))
			json_put_text(block, "block_id", id);
		bool is_row = strcmp(json_text_at(b, "type"), "actions") == 0;
		for (const struct cJSON *e = json_first(json_key(b, "elements")); is_row && e;
		     e = json_next(e))
			json_push(elements, element_finish(w, e));
		static const char *const single[] = { "accessory", "element" };
		for (size_t i = 0; i < 2; i++)
			if (json_key(b, single[i]))
				json_put(block, single[i],
					 element_finish(w, json_key(b, single[i])));
		if (is_row)
			json_put(block, "elements", elements);
		else
			json_free(elements);
		json_push(finished, block);
	}
	json_free(blocks);
	return finished;
}
