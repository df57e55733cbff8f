/* libFuzzer target: the pickle reader, with and without tensors, and the two-pass form with a filter. */
#include <stdlib.h>
#include <string.h>

#include "files/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep_some(void *context, const struct nsw_value *key) {
  (void)context;
  return key->kind != NSW_PICKLE_INTEGER || key->u.integer % 2;
}

static int pair(void *context, struct nsw_pickle_reader *reader, const struct nsw_value *key, struct nsw_value *value,
                bool *keep, struct nsw_error *err) {
  (void)err;
  ++*(size_t *)context;
  *keep = !nsw_value_is(key, "drop");
  nsw_value_filter(reader, value, keep_some, NULL);
  return NSW_OK;
}

/* Touches every byte that the value says it has, two levels down. */
static size_t look(const struct nsw_value *value, int depth) {
  size_t sum = 0;
  struct nsw_array array;
  const char *text = nsw_value_text(value);
  for (size_t i = 0; text && i < nsw_value_count(value); i++) sum += (uint8_t)text[i];
  if (nsw_value_array(value, &array)) {
    uint64_t bytes = array.size;
    for (unsigned i = 0; i < array.dimensions; i++) bytes *= array.shape[i];
    for (uint64_t i = 0; i < bytes; i++) sum += array.data[i];
  }
  if (depth == 2 || text) return sum;
  for (size_t i = 0; i < nsw_value_count(value) && i < 100; i++) {
    if (nsw_value_key(value, i))
      sum += look(nsw_value_key(value, i), depth + 1) + look(nsw_value_at(value, i), depth + 1);
    else
      sum += look(nsw_value_item(value, i), depth + 1);
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (int way = 0; way < 2; way++) {
    size_t pairs = 0;
    struct nsw_pickle_options options = {
        .memory = 1 << 22, .tensors = way, .pair = way ? pair : NULL, .context = &pairs};
    struct nsw_pickle_used *used = NULL;
    struct nsw_pickle *pickle = NULL;
    struct nsw_input *input = NULL;
    struct nsw_error err;
    if (way) {
      if (nsw_input_memory(data, size, "fuzz", &input, &err)) return 0;
      int status = nsw_pickle_scan(input, &used, &err);
      nsw_input_close(&input);
      if (status) return 0;
      options.used = used;
    }
    if (nsw_input_memory(data, size, "fuzz", &input, &err)) return 0;
    volatile size_t sum = 0;
    if (!nsw_pickle_read(input, &options, &pickle, &err)) sum = look(nsw_pickle_root(pickle), 0);
    (void)sum;
    nsw_pickle_free(&pickle);
    nsw_pickle_used_free(&used);
    nsw_input_close(&input);
  }
  return 0;
}
