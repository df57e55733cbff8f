/* Writing and reading result files: all of nb101 with six scores. A checkpoint is plain, the last file deflated.
 * Beside it the time to write as many bytes with write and fsync, which no file format can beat. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/file.h"

enum { ROWS = 423624, SCORES = 6, RUNS = 7 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *times) {
  qsort(times, RUNS, sizeof *times, ascending);
  return times[RUNS / 2];
}

/* Columns as a sweep fills them: hashes, counts, scores with all bits in use, times of pieces. */
static struct nsw_table *make_table(void) {
  struct nsw_table *t;
  struct nsw_error err;
  struct nsw_stream stream = {.seed = 1, .purpose = NSW_FOR_RANDOM};
  if (nsw_table_create("nb101", ROWS, 32, &t, &err)) return NULL;
  for (uint32_t i = 0; i < ROWS; i++) {
    char hash[33];
    snprintf(hash, sizeof hash, "%016llx%016llx", (unsigned long long)nsw_random_bits(stream, 2 * i),
             (unsigned long long)nsw_random_bits(stream, 2 * i + 1));
    memcpy(t->id + 32 * (size_t)i, hash, 32);
    t->index[i] = t->class_of[i] = i;
    t->params[i] = nsw_random_below(stream, i, 50000000);
    t->macs[i] = 150 * t->params[i];
  }
  for (int c = 0; c < SCORES; c++) {
    struct nsw_score *s;
    char name[16];
    snprintf(name, sizeof name, "score%d", c);
    stream.which = (uint64_t)c + 1;
    if (nsw_table_add_score(t, name, 1, 1, &s, &err)) return NULL;
    for (uint32_t i = 0; i < ROWS; i++) {
      s->value[i] = nsw_random_double(stream, i);
      s->status[i] = 1;
      s->seconds[i] = (float)(i / 64 % 100) * 1e-4f;
    }
  }
  return t;
}

static double write_plainly(const char *path, size_t size) {
  char *bytes = malloc(size);
  memset(bytes, 7, size);
  double start = nsw_now();
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  for (size_t at = 0; at < size;) {
    ssize_t n = write(fd, bytes + at, size - at);
    if (n <= 0) break;
    at += (size_t)n;
  }
  fsync(fd);
  close(fd);
  free(bytes);
  return nsw_now() - start;
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "results/bench_store.h5";
  struct nsw_table *table = make_table(), *back;
  struct nsw_error err;
  if (!table) return 1;
  for (int deflate = 0; deflate < 2; deflate++) {
    double wrote[RUNS], read[RUNS], plain[RUNS];
    struct stat s;
    for (int run = 0; run < RUNS; run++) {
      double start = nsw_now();
      if (nsw_file_write(path, &table, 1, deflate, &err)) return fprintf(stderr, "%s\n", err.text), 1;
      wrote[run] = nsw_now() - start;
      start = nsw_now();
      if (nsw_file_read(path, NULL, &back, &err)) return fprintf(stderr, "%s\n", err.text), 1;
      read[run] = nsw_now() - start;
      nsw_table_free(&back);
      stat(path, &s);
      plain[run] = write_plainly(path, (size_t)s.st_size);
    }
    printf("%-9s %5.1f MB: write %.3f s, read %.3f s; write and fsync alone %.3f s (medians of %d)\n",
           deflate ? "deflated" : "plain", (double)s.st_size * 1e-6, median(wrote), median(read), median(plain), RUNS);
  }
  unlink(path);
  nsw_table_free(&table);
  return 0;
}
