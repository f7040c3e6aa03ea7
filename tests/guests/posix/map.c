/* Memory and a file from the header of that name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  size_t length = 200000;
  char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int sum = 0;
  for (size_t at = 0; at < length; at++) sum += memory[at];
  memset(memory, 1, length);
  printf("%d %d\n", sum, munmap(memory, length));
  int fd = open("/text", O_RDONLY);
  char *text = mmap(NULL, 5, PROT_READ, MAP_PRIVATE, fd, 0);
  printf("%.5s\n", text == MAP_FAILED ? strerror(errno) : text);
  close(fd);
  void *none = mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANON, -1, 0);
  printf("%d %d\n", none == MAP_FAILED, errno == EINVAL);
  none = mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANON, -1, 0);
  printf("%d %s\n", none == MAP_FAILED, strerror(errno));
  printf("%d\n", munmap((void *)1, 4096));
  return 0;
}
