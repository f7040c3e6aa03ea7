/* A client as C programs have had it for forty years, from headers of their names: it asks a server that the environment names,
   and one that it may not reach. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *what, long result) {
  printf("%s %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
}

int main(void) {
  struct addrinfo hints, *list;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  say("getaddrinfo", getaddrinfo("localhost", getenv("PORT"), &hints, &list));
  struct sockaddr_in to;
  memcpy(&to, list->ai_addr, sizeof to);
  char text[INET6_ADDRSTRLEN];
  printf("%s %d\n", inet_ntop(AF_INET, &to.sin_addr, text, sizeof text), ntohs(to.sin_port) == atoi(getenv("PORT")));
  freeaddrinfo(list);

  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), one = 1;
  say("connect", connect(fd, (struct sockaddr *)&to, sizeof to));
  say("setsockopt", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
  say("send", send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL));
  char answer[64] = {0};
  say("peek", recv(fd, answer, 4, MSG_PEEK));
  for (size_t have = 0, more = 1; more > 0 && have < sizeof answer - 1; have += more) {
    ssize_t count = read(fd, answer + have, sizeof answer - 1 - have);
    more = count > 0 ? (size_t)count : 0;
  }
  printf("%s\n", answer);
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  say("getpeername", getpeername(fd, (struct sockaddr *)&peer, &length));
  printf("peer %d %u\n", peer.ss_family == AF_INET, (unsigned)length);
  say("shutdown", shutdown(fd, SHUT_RDWR));
  say("close", close(fd));

  fd = socket(AF_INET6, SOCK_DGRAM, 0);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  say("sendto", sendto(fd, "x", 1, 0, (struct sockaddr *)&six, sizeof six));
  to.sin_port = htons(1);
  to.sin_addr.s_addr = inet_addr("127.0.0.1");
  say("refused", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
  say("bind", bind(fd, (struct sockaddr *)&six, sizeof six));
  say("listen", listen(fd, SOMAXCONN));
  say("closed", send(99, "x", 1, 0));
  printf("%d %d %d %s\n", inet_pton(AF_INET6, "::1", &six.sin6_addr), inet_pton(AF_INET, "1.2.3.4", &to.sin_addr),
         inet_pton(AF_INET, "1.2.3", &to.sin_addr), inet_ntoa(to.sin_addr));
  printf("%s\n", gai_strerror(getaddrinfo("not.named", "80", NULL, &list)));
  return 0;
}
