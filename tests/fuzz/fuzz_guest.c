/* Bytes from a worker: its first line, then answers; and command lines. */
#include <stdlib.h>
#include <string.h>

#include "guest/command.h"
#include "guest/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char first[] = "{\"nasweep\":1,\"columns\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";
  char *text = malloc(size + 1);
  struct nsw_hello hello, known;
  struct nsw_answer answer;
  struct nsw_command_line line;
  struct nsw_error err;
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  if (nsw_hello_read(text, "mine", &hello, &err) == NSW_OK) {
    if (hello.columns < 1 || hello.columns > NSW_GUEST_COLUMNS || hello.batch < 1 || !nsw_hello_same(&hello, &hello))
      abort();
    nsw_hello_free(&hello);
  }
  if (nsw_hello_read(first, "mine", &known, &err)) abort();
  if (nsw_answer_read(text, &known, &answer, &err) == NSW_OK && answer.status > NSW_ROW_FAILED) abort();
  nsw_hello_free(&known);
  if (nsw_command_line_read(text, &line, &err) == NSW_OK && !line.words) abort();
  nsw_command_line_free(&line);
  free(text);
  return 0;
}
