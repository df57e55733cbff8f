/* A score in C: the convolutions of the cell, weighted by the size of their kernels. A worker is any program that
 * writes one line, then answers each line it reads with one of its own. Built by `make`; needs jansson. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double score(const json_t *architecture) {
  const json_t *arch = json_object_get(architecture, "arch"), *node;
  size_t cell = (size_t)json_integer_value(json_object_get(arch, "cell")), i;
  const json_t *nodes = json_object_get(json_array_get(json_object_get(arch, "graphs"), cell), "nodes");
  double sum = 0;
  json_array_foreach(nodes, i, node) {
    const char *op = json_string_value(json_object_get(node, "op"));
    if (op && !strcmp(op, "conv3x3")) sum += 9;
    if (op && !strcmp(op, "conv1x1")) sum += 1;
  }
  return sum;
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  puts(
      "{\"nasweep\": 1, \"columns\": [{\"direction\": 1, \"long_name\": \"weights of the cell's kernels\"}],"
      " \"batch\": 64}");
  fflush(stdout);
  while (getline(&line, &room, stdin) > 0) {
    json_t *architecture = json_loads(line, 0, NULL);
    if (!architecture) return 1;
    printf("{\"index\": %lld, \"values\": {\"%s\": %g}}\n",
           (long long)json_integer_value(json_object_get(architecture, "index")), getenv("NASWEEP_WORKER"),
           score(architecture));
    fflush(stdout);
    json_decref(architecture);
  }
  free(line);
  return 0;
}
