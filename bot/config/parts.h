/* parts: what the files of config/ share. */
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
	SECRETS_MAX = 64,
	LIST_MAX = 256
};

struct playbook_file { /* beside its struct playbook: what only check needs */
	const struct yaml *tree;
	const char *file;
};
struct config {
	struct arena arena;
	struct policy policy;
	struct config_place place;
	const char *folder; /* of securitybot.yaml, ends in '/' or "" */
	const char *playbooks_folder, *connectors_folder, *pager;
	bool needs_secrets;
	struct playbook *playbooks;
	struct playbook_file *playbook_files;
	struct connector_file *connectors;
	size_t connectors_n;
	struct named_secret *secrets;
	struct cJSON *texts, *pager_config;
};

void report_fail(struct config_report *r, const struct fail *fail);
void report_at(struct config_report *r, const struct yaml *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* files.c */
/* A file of at most YAML_BYTES_MAX bytes, in the arena; RC_ABSENT, RC_TOO_BIG with the path in the
 * sentence. */
MUST_CHECK enum rc file_read(struct arena *a, const char *path, struct str *out, struct fail *fail);
/* Names in folder that end in suffix, sorted; RC_ABSENT if there is no such folder. */
MUST_CHECK enum rc folder_list(struct arena *a, const char *folder, const char *suffix,
			       const char **out, size_t max, size_t *n, struct fail *fail);
/* "${secret:NAME}": reads $CREDENTIALS_DIRECTORY/NAME, else the variable NAME. */
MUST_CHECK enum rc secret_resolve(struct arena *a, struct str reference, struct secret *out,
				  struct fail *fail);
const char *secret_name(struct arena *a,
			struct str reference); /* NULL if it is not such a reference */

/* Each reports its errors and leaves what it could not read empty. */
void settings_read(struct config *c, const char *file, struct config_report *r);
void playbooks_read(struct config *c, struct config_report *r);
void connectors_read(struct config *c, struct config_report *r);
void templates_read(struct config *c, struct config_report *r);
#endif
