/* libFuzzer target: TFRecord framing and NAS-Bench-101's records. The first byte chooses: the bytes as a file; as a
 * file whose checksums are made right first, so that what lies behind them is reached; as one record's JSON; as its
 * metrics. */
#include <stdlib.h>
#include <string.h>

#include "files/crc32c.h"
#include "files/tfrecord.h"
#include "naive_crc32c.h"
#include "truth/nb101_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_word(uint8_t *at, uint32_t word) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(word >> 8 * i);
}

static void repair(uint8_t *bytes, size_t size) {
  for (size_t at = 0; size - at >= 16;) {
    size_t length = bytes[at] | (size_t)bytes[at + 1] << 8;
    if (length > size - at - 16) length = size - at - 16;
    memset(bytes + at, 0, 8);
    bytes[at] = (uint8_t)length;
    bytes[at + 1] = (uint8_t)(length >> 8);
    put_word(bytes + at + 8, nsw_crc32c_masked(nsw_crc32c_naive(bytes + at, 8)));
    put_word(bytes + at + 12 + length, nsw_crc32c_masked(nsw_crc32c_naive(bytes + at + 12, length)));
    at += 16 + length;
  }
}

static void read_file(const uint8_t *bytes, size_t size) {
  struct nsw_input *input;
  struct nsw_tfrecord *file = NULL;
  struct nsw_nb101_record record;
  struct nsw_error err;
  bool end = false;
  char *json;
  size_t length;
  if (nsw_input_memory(bytes, size, "fuzz", &input, &err)) return;
  if (!nsw_tfrecord_open(input, &file, &err))
    while (!nsw_tfrecord_next(file, &json, &length, &end, &err) && !end) nsw_nb101_record_parse(json, length, &record);
  nsw_tfrecord_close(&file);
  nsw_input_close(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct nsw_nb101_record record;
  if (!size) return 0;
  uint8_t *bytes = malloc(size); /* exactly what is read, so that one byte more is found */
  if (!bytes) return 0;
  memcpy(bytes, data + 1, size - 1);
  if (data[0] % 4 == 1) repair(bytes, size - 1);
  if (data[0] % 4 < 2) read_file(bytes, size - 1);
  if (data[0] % 4 == 2) nsw_nb101_record_parse((char *)bytes, size - 1, &record);
  if (data[0] % 4 == 3) nsw_nb101_record_metrics(bytes, size - 1, &record);
  free(bytes);
  return 0;
}
