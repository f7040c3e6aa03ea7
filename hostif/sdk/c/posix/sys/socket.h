/**
 * <sys/socket.h> where WASI's own lacks clients: musl's structures and numbers, over imports of the host. The folder of this
 * file stands before the system's (-I), so that ordinary sources find it.
 */
#ifndef FAASLET_SYS_SOCKET_H
#define FAASLET_SYS_SOCKET_H
/* The system's own is not to follow: its numbers are others. */
#define _SYS_SOCKET_H
#define __wasilibc___header_sys_socket_h

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../faaslet_imports.h"

#include <__typedef_sa_family_t.h>
#include <__typedef_socklen_t.h>

/* Those of the system lie in memory as musl's do. */
#include <__struct_sockaddr.h>
#include <__struct_sockaddr_storage.h>

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_LOCAL AF_UNIX
#define AF_INET 2
#define AF_INET6 10
#define PF_UNSPEC AF_UNSPEC
#define PF_UNIX AF_UNIX
#define PF_INET AF_INET
#define PF_INET6 AF_INET6

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_NONBLOCK 04000
#define SOCK_CLOEXEC 02000000

#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_RCVTIMEO 66
#define SO_SNDTIMEO 67
#define SOMAXCONN 128

#define MSG_PEEK 2
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

#ifdef __cplusplus
extern "C" {
#endif

/* WASI's library has some of these names, for descriptors that a host opened: the symbols are others. */
#define FAASLET_SOCKET(name) \
  __asm__("__faaslet_" #name) __attribute__((import_module("env"), import_name(#name)))

extern int __faaslet_socket(int, int, int) FAASLET_SOCKET(socket);
extern int __faaslet_connect(int, const struct sockaddr *, socklen_t) FAASLET_SOCKET(connect);
extern int __faaslet_bind(int, const struct sockaddr *, socklen_t) FAASLET_SOCKET(bind);
extern int __faaslet_listen(int, int) FAASLET_SOCKET(listen);
extern int __faaslet_accept(int, struct sockaddr *, socklen_t *) FAASLET_SOCKET(accept);
extern int __faaslet_send(int, const void *, size_t, int) FAASLET_SOCKET(send);
extern int __faaslet_sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t) FAASLET_SOCKET(sendto);
extern int __faaslet_recv(int, void *, size_t, int) FAASLET_SOCKET(recv);
extern int __faaslet_recvfrom(int, void *, size_t, int, struct sockaddr *, socklen_t *) FAASLET_SOCKET(recvfrom);
extern int __faaslet_getsockname(int, struct sockaddr *, socklen_t *) FAASLET_SOCKET(getsockname);
extern int __faaslet_getpeername(int, struct sockaddr *, socklen_t *) FAASLET_SOCKET(getpeername);
extern int __faaslet_shutdown(int, int) FAASLET_SOCKET(shutdown);
extern int __faaslet_setsockopt(int, int, int, const void *, socklen_t) FAASLET_SOCKET(setsockopt);
extern int __faaslet_getsockopt(int, int, int, void *, socklen_t *) FAASLET_SOCKET(getsockopt);

/** The result, after `errno` was set when it is -1: not every program exports the variable for the host to set. */
static inline int __faaslet_with_errno(int result) {
  if (result == -1) errno = (int)__faaslet_errno();
  return result;
}

static inline int socket(int family, int type, int protocol) {
  return __faaslet_with_errno(__faaslet_socket(family, type, protocol));
}

static inline int connect(int fd, const struct sockaddr *address, socklen_t length) {
  return __faaslet_with_errno(__faaslet_connect(fd, address, length));
}

static inline int bind(int fd, const struct sockaddr *address, socklen_t length) {
  return __faaslet_with_errno(__faaslet_bind(fd, address, length));
}

static inline int listen(int fd, int backlog) { return __faaslet_with_errno(__faaslet_listen(fd, backlog)); }

static inline int accept(int fd, struct sockaddr *address, socklen_t *length) {
  return __faaslet_with_errno(__faaslet_accept(fd, address, length));
}

static inline ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  return __faaslet_with_errno(__faaslet_send(fd, bytes, length, flags));
}

static inline ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
                             socklen_t address_length) {
  return __faaslet_with_errno(__faaslet_sendto(fd, bytes, length, flags, address, address_length));
}

static inline ssize_t recv(int fd, void *buffer, size_t length, int flags) {
  return __faaslet_with_errno(__faaslet_recv(fd, buffer, length, flags));
}

static inline ssize_t recvfrom(int fd, void *buffer, size_t length, int flags, struct sockaddr *address,
                               socklen_t *address_length) {
  return __faaslet_with_errno(__faaslet_recvfrom(fd, buffer, length, flags, address, address_length));
}

static inline int getsockname(int fd, struct sockaddr *address, socklen_t *length) {
  return __faaslet_with_errno(__faaslet_getsockname(fd, address, length));
}

static inline int getpeername(int fd, struct sockaddr *address, socklen_t *length) {
  return __faaslet_with_errno(__faaslet_getpeername(fd, address, length));
}

static inline int shutdown(int fd, int how) { return __faaslet_with_errno(__faaslet_shutdown(fd, how)); }

static inline int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  return __faaslet_with_errno(__faaslet_setsockopt(fd, level, name, value, length));
}

static inline int getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
  return __faaslet_with_errno(__faaslet_getsockopt(fd, level, name, value, length));
}

#ifdef __cplusplus
}
#endif

#endif
