/* NAS-Bench-101's module hash by its definition, text by text: what the one of many graphs at once is held to. */
#ifndef NSW_TESTS_NAIVE_NB101_H
#define NSW_TESTS_NAIVE_NB101_H

#include <stdio.h>
#include <string.h>

#include "space/md5.h"
#include "space/nb101.h"

typedef char hex[33];

static void hex_md5(const char *text, size_t n, hex out) {
  uint8_t digest[16];
  nsw_md5(text, n, digest);
  for (int i = 0; i < 16; i++) sprintf(out + 2 * i, "%02x", digest[i]);
}

/* Sorts by insertion; there are at most seven. */
static void sort(hex *list, int n) {
  hex t;
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && strcmp(list[j], list[j - 1]) < 0; j--)
      memcpy(t, list[j], 33), memcpy(list[j], list[j - 1], 33), memcpy(list[j - 1], t, 33);
}

/* Appends the digests of all neighbours in the mask, sorted; returns the new length. */
static size_t append(char *text, size_t length, const hex *digest, uint32_t mask) {
  hex list[NSW_MAX_VERTICES];
  int n = 0;
  for (int v = 0; v < NSW_MAX_VERTICES; v++)
    if (mask >> v & 1) memcpy(list[n++], digest[v], 33);
  sort(list, n);
  for (int i = 0; i < n; i++, length += 32) memcpy(text + length, list[i], 32);
  return length;
}

static void nsw_nb101_hash_naive(uint32_t graph, uint8_t key[NSW_NB101_KEY_SIZE]) {
  int vertices = nsw_nb101_vertices(graph);
  uint32_t bits = nsw_nb101_bits(graph), labels = nsw_nb101_labels(graph);
  uint32_t in[NSW_MAX_VERTICES] = {0}, out[NSW_MAX_VERTICES] = {0};
  for (int y = 1; y < vertices; y++)
    for (int x = 0; x < y; x++)
      if (bits >> nsw_edge(x, y) & 1) in[y] |= 1u << x, out[x] |= 1u << y;
  hex digest[NSW_MAX_VERTICES], next[NSW_MAX_VERTICES];
  char text[512];
  for (int v = vertices - 1; v >= 0; v--) {
    int label = v == 0 ? -1 : v == vertices - 1 ? -2 : (int)(labels % 3);
    if (label >= 0) labels /= 3;
    int n = sprintf(text, "(%d, %d, %d)", __builtin_popcount(out[v]), __builtin_popcount(in[v]), label);
    hex_md5(text, (size_t)n, digest[v]);
  }
  for (int round = 0; round < vertices; round++) {
    for (int v = 0; v < vertices; v++) {
      size_t n = append(text, 0, digest, in[v]);
      text[n++] = '|';
      n = append(text, n, digest, out[v]);
      text[n++] = '|';
      memcpy(text + n, digest[v], 32);
      hex_md5(text, n + 32, next[v]);
    }
    memcpy(digest, next, sizeof next);
  }
  sort(digest, vertices);
  size_t n = 0;
  for (int v = 0; v < vertices; v++) n += (size_t)sprintf(text + n, "%s'%s'", v ? ", " : "[", digest[v]);
  text[n++] = ']';
  nsw_md5(text, n, key);
}

#endif
