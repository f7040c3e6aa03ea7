/* Matrix product: floating point in nested loops, with memory in a regular order. Prints a sum that depends on all of it. */
#include <stdio.h>

enum { SIZE = 512 };

static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

static void multiply(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int inner = 0; inner < SIZE; inner++) {
      double factor = left[row][inner];
      for (int column = 0; column < SIZE; column++) product[row][column] += factor * right[inner][column];
    }
  }
}

int main(void) {
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) {
      left[row][column] = (row * 7 + column * 3) % 11 - 5;
      right[row][column] = (row * 5 + column * 13) % 17 - 8;
    }
  }
  multiply();
  double sum = 0;
  for (int row = 0; row < SIZE; row++) {
    for (int column = 0; column < SIZE; column++) sum += product[row][column] * ((row + column) % 3);
  }
  printf("%.0f\n", sum);
  return 0;
}
