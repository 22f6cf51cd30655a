/* policy: configuration, read, checked and compiled. Built once by config/ at start, const
 * afterwards. */
#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H
#include "base/secret.h"
#include "model/nouns.h"
#include <stddef.h>
struct cJSON;
struct jq_set;

enum answer { ANSWER_YES, ANSWER_NO, ANSWER_SILENCE, ANSWER_UNDELIVERABLE, ANSWERS_N };
/* What an answer sets off, as bits. */
enum { SETS_OFF_CLOSE = 1, SETS_OFF_PAGE = 2, SETS_OFF_REVIEW = 4 };

/* Each playbook is one jq program; these are the indexes of its expressions (-1 = not given). */
struct playbook {
	const char *name, *title, *goal, *response;
	const char *const *sources;
	size_t sources_n;
	const char *const *attack;
	size_t attack_n;
	const struct jq_set *jq; /* of this file: all but match */
	int x_key, x_at, x_subject, x_summary, x_facts, x_priority, x_question;
	int x_notify; /* looked at only where it notifies */
	int priority; /* when x_priority is -1 */
	int match;    /* index in policy.matches */
	struct {
		int when;
		const char *reason;
		int64_t expires_ms;
	} known_benign[16];
	size_t known_benign_n;
	bool asks;     /* has an ask: section */
	bool notifies; /* has a notify: section */
	int64_t wait_ms;
	unsigned on[ANSWERS_N];
};

/* How a signature over the raw body is made and sent. Names of headers are in lower case. */
struct hmac_rule {
	struct secret keys[2]; /* two while they are rotated; none: this source does not sign */
	const char *header; /* of the signature: one, or several with spaces (or commas) between */
	const char *prefix; /* in front of each: "sha256=", "" = nothing */
	bool is_base64;     /* else hex */
	const char *text;   /* what is signed: "{id}.{timestamp}.{body}" */
	const char *timestamp; /* header with Unix seconds (or ms), "" = none is sent */
	const char *id;        /* header with the delivery's id, "" = none; text has {id} then */
	int64_t window_ms;     /* how far timestamp may be from our clock, either way */
};
struct source { /* proves itself by exactly one of bearer, url_secret and hmac */
	const char *name;
	struct secret bearer;
	struct secret url_secret;
	struct hmac_rule hmac;
	const char *each; /* where a body holds several alerts: "data.events"; "" = one a body */
	bool can_wait;    /* refused first, with 503, when the disk is nearly full */
};
struct named_secret {
	const char *name;
	struct secret value;
};
/* A way to wake the on-call: a connector with values and secrets of its own. */
enum { PAGERS_MAX = 4 };
struct pager {
	const char *name; /* also the gate of the pages that go through it */
	const struct cJSON
		*doc; /* the connector document (connectors/NAME.yaml) as JSON, checked */
	const struct jq_set *jq;
	const struct cJSON *config;         /* ${config.x} values */
	const struct named_secret *secrets; /* under the names that the connector has for them */
	size_t secrets_n;
	bool confirms; /* it can be asked what became of a page that it accepted */
};
struct known_person {                    /* a line under people: */
	const char *name, *email, *user; /* one of email and user is "" */
};

struct policy {
	const struct playbook *playbooks; /* in file-name order: the first match wins */
	size_t playbooks_n;
	const struct jq_set *matches;   /* all match expressions, one program */
	const struct jq_set *templates; /* all templates/NAME.jq, one program */
	const char *const *template_names;
	size_t template_names_n;
	const struct cJSON *texts;       /* templates/texts/en.yaml as an object of strings */
	struct pager pagers[PAGERS_MAX]; /* in the order in which they are called */
	size_t pagers_n;                 /* 1 or more */
	const struct source *sources;
	size_t sources_n;
	const struct known_person *people;
	size_t people_n;
	const char *people_domain;   /* "" = none */
	const char *const *analysts; /* Slack ids: they may show any case */
	size_t analysts_n;
	const char *channel;                /* the analysts' channel id (C… or G…) */
	struct secret mac_key;              /* tokens we hand out; MAC_KEY */
	struct secret app_token, bot_token; /* xapp-…, xoxb-… */
	const char *api_url;                /* ends in '/': "https://slack.com/api/" */
	struct secret audit_key;            /* the chain of the record; AUDIT_KEY */
	const char *heartbeat_url; /* told every minute that turns finish; "" or NULL = nobody */
	bool pacing;               /* false: loopback api_url with slack.pacing: off */
};
#endif
