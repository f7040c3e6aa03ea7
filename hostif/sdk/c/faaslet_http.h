/** HTTP requests; part of faaslet.h. The host speaks TLS; what may be reached stands in the function's settings. */
#ifndef FAASLET_HTTP_H
#define FAASLET_HTTP_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "faaslet_imports.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Sends a request to an http or https URL and waits for the head of its answer; `headers` are lines "Name: value", or NULL.
 * Returns a descriptor: `read` gives the answer's body, `close` ends it. -1 and `errno` when there is no answer.
 */
static inline int http_request(const char *method, const char *url, const char *headers, const void *body,
                               size_t length) {
  int answer = (int)__faaslet_http(FAASLET_AT(method), FAASLET_AT(url), FAASLET_AT(headers), FAASLET_AT(body),
                                   (uint32_t)length);
  if (answer == -1) errno = (int)__faaslet_errno();
  return answer;
}

/**
 * What TLS did not like about the server of a request that failed with EPROTO, as much as fits, ended by NUL; empty when that
 * was not it. Returns the length of all of it.
 */
static inline int http_problem(char *buffer, size_t length) {
  uint32_t room = length > 0 ? (uint32_t)length - 1 : 0;
  uint32_t size = __faaslet_http_problem(FAASLET_AT(buffer), room);
  if (length > 0) buffer[size < room ? size : room] = 0;
  return (int)size;
}

/** The shortest request. */
static inline int http_get(const char *url) { return http_request("GET", url, NULL, NULL, 0); }

/** An answer's status, e.g. 200. */
static inline int http_status(int answer) {
  int status = (int)__faaslet_http_status((uint32_t)answer);
  if (status == -1) errno = (int)__faaslet_errno();
  return status;
}

/**
 * The value of a header of an answer, as much as fits, ended by NUL; of one that came more than once all values, a line
 * each. Returns the length of all of it, or -1 and ENOENT when there is none.
 */
static inline int http_header(int answer, const char *name, char *buffer, size_t length) {
  uint32_t room = length > 0 ? (uint32_t)length - 1 : 0;
  int size = (int)__faaslet_http_header((uint32_t)answer, FAASLET_AT(name), FAASLET_AT(buffer), room);
  if (size == -1) errno = (int)__faaslet_errno();
  if (length > 0) buffer[size < 0 ? 0 : (uint32_t)size < room ? (uint32_t)size : room] = 0;
  return size;
}

#ifdef __cplusplus
}
#endif

#endif
