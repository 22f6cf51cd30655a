/* config: reads, checks and compiles everything the operator writes: securitybot.yaml, playbooks/,
 * connectors/, and the embedded templates and texts. Called by main, once, at start. The only
 * reader of files and of the environment besides io/; it opens no socket and no database. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H
#include "base/fail.h"
#include "base/text.h"
#include "model/policy.h"
struct config;

/* One file under connectors/, its expressions compiled: where the file has jq, doc has the number
 * of the expression in jq. */
struct connector_file {
	const char *name, *file;
	const struct cJSON *doc;
	const struct jq_set *jq;
};

/* Told of each error: "file:line: what is wrong, what was expected". */
struct config_report {
	void (*say)(void *self, const char *line);
	void *self;
	size_t errors;
};

/* Everything, or NULL with every error reported. file: path of securitybot.yaml; folders in it are
 * relative to its place. needs_secrets false (check): a secret that is not there is no error. */
struct config *config_load(const char *file, bool needs_secrets, struct config_report *report);
void config_free(struct config *c);
const struct policy *config_policy(const struct config *c);
size_t config_connectors(const struct config *c, const struct connector_file **out);

/* What main needs itself. */
struct config_place {
	const char *listen_host;
	int listen_port;        /* 0 = any */
	const char *database;   /* path */
	const char *socket;     /* path of the local socket */
	const char *ca_file;    /* "" = the system's */
	const char *proxy;      /* for our requests, "" = none; never from the environment */
	const char *supervisor; /* NOTIFY_SOCKET, "" = none: who is told that we live */
	int64_t watchdog_ms; /* WATCHDOG_USEC: told at least so often, or it ends us; 0 = need not
			      */
};
struct config_place config_place(const struct config *c);

/* What a playbook makes of an alert: {match, benign, key, subject, summary, question, facts,
 * priority}, to json_free(); NULL and a sentence if the alert would be held. main brings the
 * function that decides in earnest. */
struct config_mapper {
	struct cJSON *(*map)(void *self, const struct playbook *p, const struct cJSON *alert,
			     struct fail *fail);
	void *self;
};
/* Runs the tests in the playbooks; returns how many failed, each reported; *run counts all. A
 * playbook without a test that matches and one that does not is a failed test. */
size_t config_run_tests(struct config *c, const struct config_mapper *mapper,
			struct config_report *report, size_t *run);
#endif
