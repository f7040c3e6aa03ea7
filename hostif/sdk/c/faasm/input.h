/** FAASM's helpers for input and output in C++. */
#ifndef FAASLET_FAASM_INPUT_H
#define FAASLET_FAASM_INPUT_H

#include "core.h"

namespace faasm {

/** The input as a value of that type, or another one when there is no input. */
template <typename T>
T getTypedInput(T otherwise) {
  if (faasmGetInputSize() == 0) return otherwise;
  T value;
  faasmGetInput(reinterpret_cast<uint8_t *>(&value), sizeof(T));
  return value;
}

/** The input as a string that lives as long as the call, or another one when there is no input. */
inline const char *getStringInput(const char *otherwise) {
  long size = faasmGetInputSize();
  if (size == 0) return otherwise;
  char *text = static_cast<char *>(malloc(static_cast<size_t>(size) + 1));
  if (text == nullptr) return otherwise;
  faasmGetInput(reinterpret_cast<uint8_t *>(text), size);
  text[size] = '\0';
  return text;
}

inline void setStringOutput(const char *text) {
  faasmSetOutput(reinterpret_cast<const uint8_t *>(text), static_cast<long>(strlen(text)));
}

}  // namespace faasm

#endif
