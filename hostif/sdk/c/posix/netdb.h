/** <netdb.h>: names and addresses, as far as a client needs them. */
#ifndef FAASLET_NETDB_H
#define FAASLET_NETDB_H

#include <netinet/in.h>
#include <sys/socket.h>

struct addrinfo {
  int ai_flags;
  int ai_family;
  int ai_socktype;
  int ai_protocol;
  socklen_t ai_addrlen;
  struct sockaddr *ai_addr;
  char *ai_canonname;
  struct addrinfo *ai_next;
};

#define AI_PASSIVE 1
#define AI_CANONNAME 2
#define AI_NUMERICHOST 4
#define AI_ADDRCONFIG 0x20
#define AI_NUMERICSERV 0x400

#define EAI_BADFLAGS -1
#define EAI_NONAME -2
#define EAI_AGAIN -3
#define EAI_FAIL -4
#define EAI_FAMILY -6
#define EAI_SOCKTYPE -7
#define EAI_SERVICE -8
#define EAI_MEMORY -10
#define EAI_SYSTEM -11

#ifdef __cplusplus
extern "C" {
#endif

extern int __faaslet_getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **)
    FAASLET_SOCKET(getaddrinfo);
extern void __faaslet_freeaddrinfo(struct addrinfo *) FAASLET_SOCKET(freeaddrinfo);

static inline int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                              struct addrinfo **list) {
  return __faaslet_getaddrinfo(name, service, hints, list);
}

static inline void freeaddrinfo(struct addrinfo *list) { __faaslet_freeaddrinfo(list); }

static inline const char *gai_strerror(int error) {
  switch (error) {
    case EAI_NONAME: return "Name does not resolve";
    case EAI_AGAIN: return "Try again";
    case EAI_FAMILY: return "Unrecognized address family or invalid length";
    case EAI_SOCKTYPE: return "Unrecognized socket type";
    case EAI_SERVICE: return "Unrecognized service";
    case EAI_MEMORY: return "Out of memory";
    case EAI_SYSTEM: return "System error";
    default: return "Unknown error";
  }
}

#ifdef __cplusplus
}
#endif

#endif
