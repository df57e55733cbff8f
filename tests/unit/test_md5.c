/* The reference against RFC 1321, the streams against the reference. */
#include <stdio.h>
#include <string.h>

#include "base/isa.h"
#include "space/md5.h"
#include "unit.h"

static void reference_gives_the_digests_of_rfc_1321(void **state) {
  static const char *const cases[][2] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t digest[16];
    char hex[33];
    nsw_md5(cases[i][0], strlen(cases[i][0]), digest);
    for (int k = 0; k < 16; k++) sprintf(hex + 2 * k, "%02x", digest[k]);
    assert_string_equal(hex, cases[i][1]);
  }
}

enum { LONGEST = 300, BLOCKS = (LONGEST + 9 + 63) / 64 };

/* Text of a stream: bytes of a linear congruence, another one for each. */
static void make_text(int stream, uint8_t text[LONGEST]) {
  uint32_t x = 12345u + 977u * (uint32_t)stream;
  for (int i = 0; i < LONGEST; i++) text[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
}

/* Pads n bytes and puts them into the stream's lane; returns the number of blocks. */
static int put_stream(nsw_md5_row *message, int stream, const uint8_t *text, int n) {
  uint8_t padded[64 * BLOCKS] = {0};
  int blocks = (n + 9 + 63) / 64;
  memcpy(padded, text, (size_t)n);
  padded[n] = 0x80;
  padded[64 * blocks - 8] = (uint8_t)(n * 8);
  padded[64 * blocks - 7] = (uint8_t)(n * 8 >> 8);
  for (int w = 0; w < 16 * blocks; w++)
    message[w][stream] = (uint32_t)padded[4 * w] | (uint32_t)padded[4 * w + 1] << 8 |
                         (uint32_t)padded[4 * w + 2] << 16 | (uint32_t)padded[4 * w + 3] << 24;
  return blocks;
}

static void check_streams(nsw_md5_streams_fn *streams) {
  static uint8_t text[NSW_MD5_STREAMS][LONGEST];
  static nsw_md5_row message[16 * BLOCKS];
  nsw_md5_row digest[4];
  for (int s = 0; s < NSW_MD5_STREAMS; s++) make_text(s, text[s]);
  for (int n = 0; n <= LONGEST; n++) {
    int blocks = 0;
    for (int s = 0; s < NSW_MD5_STREAMS; s++) blocks = put_stream(message, s, text[s], n);
    streams(message, blocks, digest);
    for (int s = 0; s < NSW_MD5_STREAMS; s++) {
      uint8_t expected[16];
      nsw_md5(text[s], (size_t)n, expected);
      for (int i = 0; i < 16; i++) assert_int_equal((uint8_t)(digest[i / 4][s] >> 8 * (i % 4)), expected[i]);
    }
  }
}

static void streams_equal_the_reference(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)nsw_cpu_isa(); isa++) check_streams(NSW_DISPATCH(isa, nsw_md5_streams));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reference_gives_the_digests_of_rfc_1321),
                                     cmocka_unit_test(streams_equal_the_reference)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
