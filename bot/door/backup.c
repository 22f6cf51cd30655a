/* backup: what `securitybot backup` asks at the local socket, and what it is told. Called by door.c
 * and turn; pure. */
#include "base/json.h"
#include "door/inside.h"

static bool is_flag(const struct cJSON *j) { return json_is_null(j) || json_is_bool(j); }

void backup_read(const struct arrival *a, struct arena *arena, struct door *out)
{
	struct fail fail = { .rc = RC_OK };
	struct cJSON CLEANUP(json_done) *j = json_parse(a->asked.body, &fail);
	const char *path = json_text_at(j, "path");
	const struct cJSON *force = json_get(j, "force"), *wait = json_get(j, "wait");

	if (path[0] != '/' || str_z(path).n >= DOOR_PATH_MAX || !is_flag(force) || !is_flag(wait)) {
		*out = (struct door){ .kind = DOOR_PROBLEM,
				      .status = 400,
				      .body = door_problem(arena, 400,
							   "wanted a JSON object with an absolute "
							   "path of under 1024 bytes; force and "
							   "wait are true or false") };
		return;
	}
	*out = (struct door){ .kind = DOOR_BACKUP,
			      .backup = { .path = arena_z(arena, path),
					  .may_replace = json_true(force),
					  .is_waiting = json_true(wait) } };
}

const char *door_backup(struct arena *arena, bool is_done, int64_t done, int64_t pages)
{
	struct cJSON CLEANUP(json_done) *j = json_object();

	json_put_text(j, "status", is_done ? "done" : "running");
	json_put_num(j, "done", (double)done);
	json_put_num(j, "pages", (double)pages);
	return json_print_arena(j, arena);
}
