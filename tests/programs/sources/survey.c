// Tries what a program may expect of its surroundings, by stock C, and says what it found: one line a subject. Every
// language's survey says the same; the tests compare them. The first line of standard input is the exit code.
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint32_t sum_of(const unsigned char *bytes, size_t length) {
    uint32_t sum = 0;
    for (size_t at = 0; at < length; at++) sum = sum * 31 + bytes[at];
    return sum;
}

static unsigned char *read_all(FILE *file, size_t *length) {
    size_t room = 4096;
    unsigned char *bytes = malloc(room);
    *length = 0;
    for (size_t got; (got = fread(bytes + *length, 1, room - *length, file)) > 0;) {
        *length += got;
        if (*length == room) bytes = realloc(bytes, room *= 2);
    }
    return bytes;
}

static void show_file(const char *subject, const char *path, int is_text) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("%s: %s\n", subject, errno == ENOENT ? "absent" : strerror(errno));
        return;
    }
    size_t length;
    unsigned char *bytes = read_all(file, &length);
    fclose(file);
    if (is_text) printf("%s: %.*s\n", subject, (int)strcspn((char *)bytes, "\n"), bytes);
    else printf("%s: %zu bytes, sum %u\n", subject, length, sum_of(bytes, length));
    free(bytes);
}

static void write_file(const char *path, const char *mode, const char *text) {
    FILE *file = fopen(path, mode);
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) printf("cannot write %s: %s\n", path, strerror(errno));
}

static int by_name(const struct dirent **left, const struct dirent **right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

static void list(const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    printf("list:");
    for (int at = 0; at < count; at++) {
        if (entries[at]->d_name[0] != '.') printf(" %s", entries[at]->d_name);
    }
    printf("\n");
}

static long long now(clockid_t clock) {
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? time.tv_sec * 1000000000LL + time.tv_nsec : -1;
}

static const char *try_clocks(void) {
    long long first = now(CLOCK_MONOTONIC), second = now(CLOCK_MONOTONIC), wall = now(CLOCK_REALTIME);
    return first >= 0 && second >= first && wall > 1704067200LL * 1000000000 ? "ok" : "wrong";
}

static const char *try_poll(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, 1000) != 1) return "standard input is not ready";
    long long before = now(CLOCK_MONOTONIC);
    struct timespec pause = {.tv_nsec = 3000000};
    nanosleep(&pause, NULL);
    return now(CLOCK_MONOTONIC) - before >= 3000000 ? "ok" : "woke too early";
}

int main(int argc, char **argv) {
    size_t length;
    printf("arguments:");
    for (int at = 1; at < argc; at++) printf(" [%s]", argv[at]);
    printf("\nenvironment: [%s] [%s]\n", getenv("A"), getenv("B"));
    unsigned char *input = read_all(stdin, &length);
    printf("stdin: %zu bytes, sum %u\n", length, sum_of(input, length));
    show_file("text", "/data/greeting.txt", 1);
    show_file("bytes", "/data/deep/down/bytes.bin", 0);
    list("/data");
    show_file("missing", "/data/none", 1);
    show_file("before", "/scratch/note.txt", 1);
    mkdir("/scratch", 0700);
    write_file("/scratch/note.txt", "wb", "noted\n");
    show_file("after", "/scratch/note.txt", 1);
    write_file("/data/deep/down/bytes.bin", "ab", "more");
    show_file("appended", "/data/deep/down/bytes.bin", 0);
    printf("clocks: %s\npoll: %s\n", try_clocks(), try_poll());
    unsigned char nonce[16];
    printf("random: %s\nnonce: ", getentropy(nonce, sizeof nonce) == 0 ? "ok" : strerror(errno));
    for (size_t at = 0; at < sizeof nonce; at++) printf("%02x", nonce[at]);
    printf("\n");
    fputs("surveyed\n", stderr);
    return atoi((char *)input);
}
