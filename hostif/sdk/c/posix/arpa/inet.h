/** <arpa/inet.h>: WASI's own, with the numbers of families that this <sys/socket.h> has. */
#ifndef FAASLET_ARPA_INET_H
#define FAASLET_ARPA_INET_H

#include <sys/socket.h>

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

int inet_pton(int, const char *, void *);
const char *inet_ntop(int, const void *, char *, socklen_t);

/** A family as WASI's library counts them: from 1. */
static inline int __faaslet_family(int family) { return family == AF_INET ? 1 : family == AF_INET6 ? 2 : -1; }

#define inet_pton(family, text, address) inet_pton(__faaslet_family(family), text, address)
#define inet_ntop(family, address, text, length) inet_ntop(__faaslet_family(family), address, text, length)

/** Four decimal numbers, and no other form that some libraries take for an address. */
static inline int inet_aton(const char *text, struct in_addr *address) {
  return inet_pton(AF_INET, text, address) == 1;
}

static inline in_addr_t inet_addr(const char *text) {
  struct in_addr address;
  return inet_aton(text, &address) ? address.s_addr : (in_addr_t)-1;
}

static inline char *inet_ntoa(struct in_addr address) {
  static char text[16];
  return (char *)inet_ntop(AF_INET, &address, text, sizeof text);
}

#ifdef __cplusplus
}
#endif

#endif
