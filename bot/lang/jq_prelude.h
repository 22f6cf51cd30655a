/* jq_prelude: the definitions every program begins with. Called by lang/jq.c only. See lang/jq.h
 * for what they mean to the writer of an expression; why each is there, to the reader of this file.
 */
#ifndef LANG_JQ_PRELUDE_H
#define LANG_JQ_PRELUDE_H

extern const char *const jq_prelude[]; /* to be put one behind another; ends with NULL */
#endif
