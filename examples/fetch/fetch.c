// Fetches the page whose URL is the input: http:// over a socket of its own, as C programs have always done, https:// by
// the host, which speaks TLS.
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faaslet.h"

static int failed(const char *what) {
    perror(what);
    return 1;
}

// A connection to the first address that takes one; -1 without.
static int connect_to(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int error = getaddrinfo(host, port, &hints, &list);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *one = list; one != NULL && fd < 0; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd < 0 || connect(fd, one->ai_addr, one->ai_addrlen) == 0) continue;
        perror("connect");
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

// What is behind a descriptor goes to standard output; returns how much it was, or -1.
static long copy(int fd, int skips_head) {
    char piece[4096];
    long total = 0, count;
    int matched = skips_head ? 0 : 4;
    while ((count = read(fd, piece, sizeof piece)) > 0) {
        long at = 0;
        // The head ends with an empty line.
        for (; at < count && matched < 4; at++) matched = piece[at] == "\r\n\r\n"[matched] ? matched + 1 : piece[at] == '\r';
        fwrite(piece + at, 1, (size_t)(count - at), stdout);
        total += count - at;
    }
    return count < 0 ? -1 : total;
}

static int fetch_over_socket(const char *host, const char *port, const char *path) {
    int fd = connect_to(host, port);
    if (fd < 0) return 1;
    char request[2048];
    int length = snprintf(request, sizeof request, "GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host);
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length) return failed("send");
    if (copy(fd, 1) < 0) return failed("recv");
    close(fd);
    return 0;
}

static int fetch_by_host(const char *url) {
    int answer = http_get(url);
    char problem[256];
    if (answer < 0 && http_problem(problem, sizeof problem) > 0) fprintf(stderr, "%s\n", problem);
    if (answer < 0) return failed(url);
    if (http_status(answer) != 200) fprintf(stderr, "status %d\n", http_status(answer));
    if (copy(answer, 0) < 0) return failed("read");
    close(answer);
    return 0;
}

int main(void) {
    char url[1024] = {0}, host[256], port[8] = "80", path[1024] = "";
    read_call_input(url, sizeof url - 1);
    url[strcspn(url, "\r\n")] = 0;
    if (sscanf(url, "http://%255[^:/]:%7[0-9]/%1023s", host, port, path) >= 2 ||
        sscanf(url, "http://%255[^:/]/%1023s", host, path) >= 1) {
        return fetch_over_socket(host, port, path);
    }
    return fetch_by_host(url);
}
