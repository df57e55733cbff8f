#include "arch/json.h"

#include <string.h>

#include "arch/fold.h"

void nsw_json_member(FILE *f, const char *before, const char *text) {
  fputs(before, f);
  fputc('"', f);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') fputc('\\', f);
    if (c < ' ')
      fprintf(f, "\\u%04x", c);
    else
      fputc(c, f);
  }
  fputc('"', f);
}

static void put_node(FILE *f, const struct nsw_graph *graph, int n, int slot) {
  const struct nsw_node *node = &graph->node[n];
  bool conv = nsw_op_is_conv(node->op), norm = node->around & NSW_NORM && (conv || node->op == NSW_OP_SUM);
  fprintf(f, "%s{\"op\":\"%s\",\"inputs\":[", n ? "," : "", nsw_op_facts[node->op].name);
  for (int i = 0; i < node->inputs; i++) fprintf(f, i ? ",%d" : "%d", node->input[i]);
  fputc(']', f);
  if (conv || norm) {
    nsw_json_member(f, ",\"name\":", graph->names[node->place]);
    fprintf(f, ",\"slot\":%d", slot);
    if (conv && node->around & NSW_RELU_FIRST) fputs(",\"relu_before\":true", f);
    if (norm) fputs(",\"norm\":true", f);
    if (node->around & NSW_RELU_LAST) fputs(",\"relu_after\":true", f);
  }
  if (node->around & NSW_CUT) fputs(",\"cut\":true", f);
  if (node->stride > 1) fprintf(f, ",\"stride\":%d", node->stride);
  if (node->parts > 1) fprintf(f, ",\"share\":[%d,%d]", node->part, node->parts);
  if (node->scale != 0 && node->scale != 1) fprintf(f, ",\"scale\":%.9g", (double)node->scale);
  fputc('}', f);
}

/* Weights' places: their own, or in a graph that is folded their canonical ones (net/program.c). */
static void find_slots(const struct nsw_arch *arch, int g, uint8_t slot[NSW_MAX_NODES]) {
  const struct nsw_graph *graph = &arch->graph[g];
  for (int n = 0; n < graph->nodes; n++) slot[n] = graph->node[n].place;
  if (!arch->fold || g != arch->cell) return;
  struct nsw_fold fold;
  nsw_fold_graph(graph, false, &fold);
  memcpy(slot, fold.slot, graph->nodes);
}

static void put_graph(FILE *f, const struct nsw_arch *arch, int g) {
  const struct nsw_graph *graph = &arch->graph[g];
  uint8_t slot[NSW_MAX_NODES];
  find_slots(arch, g, slot);
  fputs(g ? ",{\"nodes\":[" : "{\"nodes\":[", f);
  for (int n = 0; n < graph->nodes; n++) put_node(f, graph, n, slot[n]);
  fputs("]}", f);
}

void nsw_arch_json(FILE *f, const struct nsw_arch *arch) {
  fprintf(f,
          "{\"resolution\":%d,\"classes\":%d,\"init\":\"%s\",\"slots\":%d,\"classifier_slot\":%d,\"cell\":%d,"
          "\"graphs\":[",
          arch->resolution, arch->classes, arch->rule == NSW_RULE_NB101 ? "nb101" : "pytorch", arch->slots,
          arch->classifier_slot, arch->cell);
  for (int g = 0; g < arch->graphs; g++) put_graph(f, arch, g);
  fputs("],\"stages\":[", f);
  for (int s = 0; s < arch->stages; s++) {
    const struct nsw_stage *stage = &arch->stage[s];
    fprintf(f, "%s{\"graph\":%d,\"repeat\":%d,\"channels\":%d", s ? "," : "", stage->graph, stage->repeat,
            stage->channels);
    if (stage->numbered) fputs(",\"numbered\":true", f);
    if (stage->reduction) fputs(",\"reduction\":true", f);
    fputc('}', f);
  }
  fputs("]}", f);
}
