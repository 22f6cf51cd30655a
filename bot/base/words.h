/* words: text from outside made harmless before it is stored or shown: whoever writes an alert, a
 * comment, a directory entry or an error message decides nothing about how our messages look, and
 * puts no secret into them. Anybody may call it. Pure; in time that grows with the text and no
 * faster; it never looks a name up and never fails. Cleaning what is clean changes nothing. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H
#include "base/arena.h"

#define WORDS_MASK "•••" /* what stands for a secret */

/* One line of at most that many code points, in the arena:
 *  - control characters, bidi controls, zero-width and other invisible characters are gone, any run
 *    of white space (newlines too) is one space, bytes that are no UTF-8 are U+FFFD;
 *  - secrets are WORDS_MASK: vendors' tokens, JWTs, what follows Bearer and Basic, private keys,
 *    passwords in URLs, values of password=, token=, api_key= and the like;
 *  - URLs can't be clicked: hxxps://evil[.]example (reliability.md T11);
 *  - what was cut off shows as an ellipsis (counted), and *cut becomes true (never false; NULL is
 *    fine). A secret is masked before the cut, so that no half of one is left. */
const char *words_clean(struct arena *a, struct str s, size_t points, bool *cut);
/* The same for a name that will be looked up: nothing vanishes from it, an invisible character
 * becomes U+FFFD. Otherwise a disguised name would turn into the name of somebody else. */
const char *words_name(struct arena *a, struct str s, size_t points);
#endif
