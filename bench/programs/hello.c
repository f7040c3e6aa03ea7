/* A C program as small as they come: stdio, and the start of the C library. */
#include <stdio.h>

int main(void) {
  printf("hello\n");
  return 0;
}
