/* The initialiser fills everything that a Proto-Faaslet holds; each call says what it finds, and spoils it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*function)(int);

static int plus_one(int n) { return n + 1; }
static int times_two(int n) { return n * 2; }

static function chosen = plus_one;
static unsigned long long drawn;
static char *large;
static int opened;
static function counter;
static double half;

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

void _faasm_zygote(void) {
    getentropy(&drawn, sizeof drawn);
    chosen = times_two;
    half = drawn / 2.0;
    large = malloc(3 << 20);
    memset(large, 7, 3 << 20);
    mkdir("/work", 0755);
    write_file("/work/made", "made by the initialiser");
    rename("/data/moved", "/work/moved");
    unlink("/data/removed");
    write_file("/data/changed", "changed");
    symlink("made", "/work/link");
    link("/work/made", "/work/second");
    chdir("/work");
    opened = open("made", O_RDWR);
    lseek(opened, 8, SEEK_SET);
    /* Open, and without a name. */
    int nameless = open("nameless", O_CREAT | O_RDWR, 0644);
    write(nameless, "nameless", 8);
    unlink("nameless");
    void *library = dlopen("libcounter.so", RTLD_NOW);
    if (!library) printf("%s\n", dlerror()), exit(1);
    counter = (function)dlsym(library, "count");
    printf("initialised %d\n", counter(5));
}

static void show(const char *path) {
    char text[100] = "";
    FILE *file = fopen(path, "r");
    if (file) fread(text, 1, 99, file), fclose(file);
    printf("%s %s\n", path, file ? text : "is not there");
}

int main(void) {
    char text[100] = "", here[100] = "";
    struct stat second;
    read(opened, text, 99);
    stat("second", &second);
    getcwd(here, 100);
    printf("%016llx %d %d %d\n", drawn, half == drawn / 2.0, chosen(21), large[(3 << 20) - 1]);
    printf("%s %s links %d counter %d\n", text, here, (int)second.st_nlink, counter(1));
    show("link");
    show("/work/moved");
    show("/data/moved");
    show("/data/removed");
    show("/data/changed");
    show("/data/kept");
    char nameless[9] = "";
    pread(opened + 1, nameless, 8, 0);
    printf("%s again %d\n", nameless, dlopen("/lib/libcounter.so", RTLD_NOW) != 0);
    /* The next call must find nothing of this. */
    chosen = plus_one;
    large[(3 << 20) - 1] = 0;
    write_file("/work/made", "spoiled");
    unlink("/work/moved");
    close(opened);
    return 0;
}
