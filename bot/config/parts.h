/* parts: what the files of config/ share. Called inside config/ only. */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H
#include "base/arena.h"
#include "config/config.h"
#include "lang/jq.h"
#include "lang/yaml.h"

enum {
	PLAYBOOKS_MAX = 512,
	CONNECTORS_MAX = 64,
	SOURCES_MAX = 64,
	PEOPLE_MAX = 4096,
	ANALYSTS_MAX = 256,
	SECRETS_MAX = 16, /* of a connector */
	PAGER_NAME_MAX = 40
};

struct playbook_file { /* beside its struct playbook: what only check needs */
	const struct yaml *tree;
	const char *file;
};
/* What stands under pager: for one of them; policy.pagers[i] is made of pagers[i]. */
struct pager_settings {
	const struct yaml *at;      /* for messages */
	const char *connector;      /* "" = it has none, which was reported */
	const struct yaml *secrets; /* may be NULL */
	struct named_secret *list;  /* SECRETS_MAX */
	struct cJSON *config;
};
struct config {
	struct arena arena;
	struct policy policy;
	struct config_place place;
	struct config_report *report;
	const char *folder; /* of securitybot.yaml, ends in '/' or "" */
	const char *playbooks_folder, *connectors_folder;
	bool needs_secrets;
	struct playbook *playbooks;
	struct playbook_file *playbook_files;
	struct connector_file *connectors;
	size_t connectors_n;
	struct source *sources; /* SOURCES_MAX */
	struct pager_settings pagers[PAGERS_MAX];
	struct cJSON *texts;
};

/* --- read.c: members of YAML maps. Each reports what is wrong and goes on. --- */

void report_fail(struct config *c, const struct fail *fail);
void report_at(struct config *c, const struct yaml *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The member that must (may) be there, of that kind; NULL if it is not. A NULL map has no members,
 * and was reported by whoever missed it. */
const struct yaml *want(struct config *c, const struct yaml *map, const char *name,
			enum yaml_kind kind);
const struct yaml *may(struct config *c, const struct yaml *map, const char *name,
		       enum yaml_kind kind);
/* True: it is a map that has no other keys than these (which end with NULL). */
bool check_keys(struct config *c, const struct yaml *map, const char *const *allowed);
/* The text of a scalar that may be absent. */
const char *text_or(struct config *c, const struct yaml *map, const char *name,
		    const char *otherwise);
/* Index of the scalar in words (which end with NULL); -1, and the nearest is named, if it is none
 * of them. */
int choice(struct config *c, const struct yaml *scalar, const char *const *words);
/* Where to point at: the member, else the map. */
const struct yaml *spot(const struct yaml *map, const char *name);
/* What a URL should have been, or NULL if it will do: https://, or http:// to a loopback host, and
 * nothing in front of the host that only looks like one. */
const char *url_complaint(struct str url, bool *is_loopback);
/* Slack's ids of people (U, W) and of channels (C, G). */
bool is_slack_id(struct str s, char first, char or_first);

/* --- files.c --- */

/* A file of at most YAML_BYTES_MAX bytes, in the arena; RC_ABSENT, RC_TOO_BIG with the path in the
 * sentence. */
MUST_CHECK enum rc file_read(struct arena *a, const char *path, struct str *out, struct fail *fail);
/* Names in folder that end in suffix, sorted, without those that begin with a dot; RC_ABSENT if
 * there is no such folder. */
struct names {
	const char **at;
	size_t max, n;
};
MUST_CHECK enum rc folder_list(struct arena *a, const char *folder, const char *suffix,
			       struct names *out, struct fail *fail);
/* NAME of "${secret:NAME}"; NULL if it is not such a reference. */
const char *secret_name(struct arena *a, struct str reference);
/* Reads $CREDENTIALS_DIRECTORY/NAME, else the variable NAME. */
MUST_CHECK enum rc secret_read(struct arena *a, const char *name, struct secret *out,
			       struct fail *fail);

/* Each reports its errors and leaves what it could not read empty. */
void settings_read(struct config *c, const char *file);
void sources_read(struct config *c, const struct yaml *sources);
void playbooks_read(struct config *c);
void connectors_read(struct config *c);
void templates_read(struct config *c);

/* pagers.c: what stands under pager:, then (after connectors_read) the connector of each. */
void pagers_read(struct config *c, const struct yaml *root);
void pagers_choose(struct config *c);

/* connector_shape.c: the keys, kinds and words of a connector file, and that it is called name. */
bool connector_is_shaped(struct config *c, const struct yaml *root, const char *name);
/* connector_needs.c: of a pager's file: the secrets it names are read (into its list), its
 * ${config.x} are there, its URL will do, and it can page. */
void connector_needs(struct config *c, size_t pager, const struct yaml *root);
#endif
