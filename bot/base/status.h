/* status: the words of HTTP's status codes (RFC 9110 section 15), for the status line and for
 * problem documents. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H
const char *status_words(int status); /* "Error" for one that we never answer */
#endif
