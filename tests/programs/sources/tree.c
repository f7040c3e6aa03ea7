// Changes a file system as its arguments say: "show PATH", "write PATH TEXT", "append PATH TEXT", "remove PATH",
// "directory PATH", "rename FROM TO", "link TARGET PATH", "fill PATH COUNT", "wait" (for a line), "exit CODE", "trap".
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int show(const char *path) {
    char bytes[256];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return -1;
    size_t length = fread(bytes, 1, sizeof bytes, file);
    printf("%.*s\n", (int)length, bytes);
    return fclose(file);
}

static int put(const char *path, const char *mode, const char *text) {
    FILE *file = fopen(path, mode);
    if (file == NULL) return -1;
    int result = fputs(text, file) < 0 ? -1 : 0;
    return fclose(file) != 0 ? -1 : result;
}

static int fill(const char *path, int count) {
    char name[200];
    for (int number = 0; number < count; number++) {
        snprintf(name, sizeof name, "%s/%d", path, number);
        int fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0600);
        if (fd < 0) {
            printf("filled %d: ", number);
            return -1;
        }
        close(fd);
    }
    printf("filled %d\n", count);
    return 0;
}

int main(int argc, char **argv) {
    for (int at = 1; at < argc;) {
        const char *what = argv[at++];
        int result = 0;
        if (strcmp(what, "show") == 0) result = show(argv[at++]);
        else if (strcmp(what, "write") == 0) result = put(argv[at], "wb", argv[at + 1]), at += 2;
        else if (strcmp(what, "append") == 0) result = put(argv[at], "ab", argv[at + 1]), at += 2;
        else if (strcmp(what, "remove") == 0) result = remove(argv[at++]);
        else if (strcmp(what, "directory") == 0) result = mkdir(argv[at++], 0777);
        else if (strcmp(what, "rename") == 0) result = rename(argv[at], argv[at + 1]), at += 2;
        else if (strcmp(what, "link") == 0) result = symlink(argv[at], argv[at + 1]), at += 2;
        else if (strcmp(what, "fill") == 0) result = fill(argv[at], atoi(argv[at + 1])), at += 2;
        else if (strcmp(what, "wait") == 0) {
            printf("waiting\n");
            fflush(stdout);
            result = getchar() == EOF ? -1 : 0;
        } else if (strcmp(what, "exit") == 0) exit(atoi(argv[at]));
        else if (strcmp(what, "trap") == 0) __builtin_trap();
        else return 99;
        if (result != 0) printf("%s: %s\n", what, strerror(errno));
    }
    return 0;
}
