/* Opens libraries before the snapshot and after it, calls them, is called by them, shares data with them. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int shared = 100;
int add_to_shared(int n) { return shared += n; }
int twice(int n) { return 2 * n; }

typedef int (*function)(int);
typedef int (*applied)(function, int);
typedef function (*giver)(void);

static void *early;
static function counter;

static void *must(void *pointer, const char *what) {
    if (!pointer) printf("%s: %s\n", what, dlerror()), exit(1);
    return pointer;
}

void _faasm_zygote(void) {
    early = must(dlopen("libcounter.so", RTLD_NOW), "early");
    counter = must(dlsym(early, "count"), "count");
    printf("early %d\n", counter(5));
}

int main(void) {
    /* The library's own data is where the initialiser left it: 1000 by its constructor, 5 by the initialiser. */
    printf("count %d\n", counter(1));
    printf("again %d\n", dlopen("/lib/libcounter.so", RTLD_NOW) == early);
    int *value = must(dlsym(early, "value"), "value");
    printf("value %d\n", *value);
    *value = 7;
    printf("count %d\n", counter(1));

    void *math = must(dlopen("libmath.so", RTLD_NOW), "math");
    applied apply = must(dlsym(math, "apply"), "apply");
    printf("apply %d\n", apply(twice, 21));
    giver give = must(dlsym(math, "give"), "give");
    printf("square %d same %d\n", give()(9), give() == (function)must(dlsym(math, "square"), "square"));
    printf("twice is twice %d\n", ((giver)must(dlsym(math, "program_twice"), "program_twice"))() == twice);
    function touch = must(dlsym(math, "touch_shared"), "touch");
    printf("touch %d shared %d\n", touch(11), shared);
    function chained = must(dlsym(math, "count_twice"), "count_twice");
    printf("count_twice %d\n", chained(3));
    printf("through needed %d\n", dlsym(math, "count") == (void *)counter);
    printf("text %s\n", ((const char *(*)(int))must(dlsym(math, "text"), "text"))(1));

    printf("global %d", dlsym(RTLD_DEFAULT, "square") == 0);
    dlerror();
    must(dlopen("libmath.so", RTLD_NOW | RTLD_GLOBAL), "global");
    printf(" %d\n", dlsym(RTLD_DEFAULT, "square") != 0);

    printf("missing %d %s\n", dlopen("libnone.so", RTLD_NOW) != 0, dlerror());
    printf("symbol %d %s\n", dlsym(math, "none") != 0, dlerror());
    printf("broken %d %s\n", dlopen("libbroken.so", RTLD_NOW) != 0, dlerror());
    printf("text file %d %s\n", dlopen("/lib/notes.txt", RTLD_NOW) != 0, dlerror());
    printf("clean %d\n", dlerror() == 0);
    printf("close %d %d\n", dlclose(math), dlclose(math));
    printf("closed %d %s\n", dlclose(math), dlerror());
    printf("still %d\n", apply(twice, 4));
    FILE *file = fopen("/lib/libmath.so", "ab");
    fputc(0, file);
    fclose(file);
    printf("written %d %s\n", dlopen("libmath.so", RTLD_NOW) != 0, dlerror());
    return 0;
}
