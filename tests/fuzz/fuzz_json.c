/* libFuzzer target: the JSON reader, and the architectures that keys of NAS-Bench-Suite-Zero name. */
#include <string.h>

#include "files/json.h"
#include "truth/suite_zero.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct nsw_input *input;
  struct nsw_json *json = NULL;
  struct nsw_error err;
  enum nsw_json_token token = NSW_JSON_NULL;
  char text[256];
  volatile size_t sum = 0; /* so that the texts are read */
  if (nsw_input_memory(data, size, "fuzz", &input, &err)) return 0;
  if (!nsw_json_open(input, &json, &err))
    while (!nsw_json_next(json, &token, &err) && token != NSW_JSON_END) {
      if (token == NSW_JSON_KEY && nsw_suite_zero_cell(nsw_json_text(json), NULL, text)) sum += strlen(text);
      if (token == NSW_JSON_TEXT) sum += strlen(nsw_json_text(json)) + nsw_json_text_size(json);
      if (token == NSW_JSON_ARRAY && nsw_json_offset(json) % 2 && nsw_json_skip(json, token, &err)) break;
    }
  (void)sum;
  nsw_json_close(&json);
  nsw_input_close(&input);
  return 0;
}
