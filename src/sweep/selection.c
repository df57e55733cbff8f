#include "sweep/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* The named architectures, each once. */
static int from_ids(const struct nsw_space *space, const struct nsw_request *request, uint32_t *index, size_t *count,
                    struct nsw_error *err) {
  for (size_t i = 0; i < request->archs; i++) {
    int status = nsw_space_find(space, request->arch[i], &index[i], err);
    if (status) return status;
  }
  qsort(index, request->archs, sizeof *index, ascending);
  *count = 0;
  for (size_t i = 0; i < request->archs; i++)
    if (!*count || index[*count - 1] != index[i]) index[(*count)++] = index[i];
  return NSW_OK;
}

/* Draws n of count by the first n steps of a Fisher-Yates shuffle, and puts them in order. */
static void draw(uint32_t *index, size_t count, size_t n, uint64_t seed) {
  struct nsw_stream stream = {.seed = seed, .purpose = NSW_FOR_SAMPLING};
  for (size_t i = 0; i < n; i++) {
    size_t j = i + nsw_random_below(stream, i, count - i);
    uint32_t swap = index[i];
    index[i] = index[j];
    index[j] = swap;
  }
  qsort(index, n, sizeof *index, ascending);
}

int nsw_selection_make(const struct nsw_space *space, const struct nsw_request *request, uint32_t **index,
                       size_t *count, struct nsw_error *err) {
  uint32_t total = nsw_space_count(space);
  uint64_t end = request->end ? request->end : total;
  if (request->first >= end || end > total)
    return nsw_usage(err, "range %" PRIu64 ":%" PRIu64 " is not within the %" PRIu32 " architectures of %s",
                     request->first, end, total, request->space);
  size_t room = request->archs ? request->archs : (size_t)(end - request->first);
  uint32_t *list = malloc(room * sizeof *list);
  if (!list) return nsw_no_memory(err, "%zu architectures", room);
  size_t n = 0;
  int status = NSW_OK;
  if (request->archs)
    status = from_ids(space, request, list, &n, err);
  else
    for (uint64_t i = request->first; i < end; i++) list[n++] = (uint32_t)i;
  if (request->unique) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
      if (nsw_space_class(space, list[i]) == list[i]) list[kept++] = list[i];
    n = kept;
  }
  if (!status && !n) status = nsw_usage(err, "no architecture is left: none of those asked is the first of its class");
  if (!status && request->sample > n)
    status = nsw_usage(err, "--sample %" PRIu64 ": there are only %zu architectures to draw from", request->sample, n);
  if (!status && request->sample) {
    draw(list, n, (size_t)request->sample, request->sample_seed);
    n = (size_t)request->sample;
  }
  if (status) {
    free(list);
    return status;
  }
  *index = list;
  *count = n;
  return NSW_OK;
}

char *nsw_selection_text(const struct nsw_space *space, const struct nsw_request *request) {
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  if (!f) return NULL;
  uint64_t end = request->end ? request->end : nsw_space_count(space);
  if (request->archs) {
    fprintf(f, "arch=");
    for (size_t i = 0; i < request->archs; i++) fprintf(f, "%s%s", i ? "," : "", request->arch[i]);
  } else if (request->first || end < nsw_space_count(space)) {
    fprintf(f, "range=%" PRIu64 ":%" PRIu64, request->first, end);
  } else {
    fprintf(f, "all");
  }
  if (request->unique) fprintf(f, ",unique");
  if (request->sample) fprintf(f, ",sample=%" PRIu64 ",sample_seed=%" PRIu64, request->sample, request->sample_seed);
  if (fclose(f)) {
    free(text);
    return NULL;
  }
  return text;
}
