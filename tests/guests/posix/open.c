/* Opens a library from the header of that name. */
#include <dlfcn.h>
#include <stdio.h>

int main(void) {
  void *library = dlopen("/lib/libdouble.so", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  int (*twice)(int) = (int (*)(int))dlsym(library, "twice");
  printf("%d\n", twice(21));
  printf("%d %s\n", dlsym(library, "none") == NULL, dlerror());
  printf("%d\n", dlclose(library));
  return 0;
}
