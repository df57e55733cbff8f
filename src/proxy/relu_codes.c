#include "proxy/relu_codes.h"

#include <stdlib.h>

#include "base/isa.h"

/* The tensor that shows the layer's ReLU; -1: none. */
static int rectified(const struct nsw_net *net, const struct nsw_layer *layer) {
  if (layer->relu_dst >= 0) return layer->relu_dst;
  bool whole = layer->kind != NSW_LAYER_COMBINE || layer->first + layer->count == net->tensor[layer->dst].channels;
  return layer->dst >= 0 && net->tensor[layer->dst].relu && whole ? layer->dst : -1;
}

bool nsw_relu_codes(const struct nsw_engine *engine, int layer, struct nsw_relu_codes *codes) {
  const struct nsw_net *net = nsw_engine_net(engine);
  const struct nsw_layer *l = &net->layer[layer];
  int images = nsw_engine_images(engine), tensor = rectified(net, l);
  if (tensor < 0) return false;
  const struct nsw_tensor *x = &net->tensor[tensor];
  codes->bits = (size_t)x->size * (size_t)x->size * (size_t)x->channels;
  codes->length = (codes->bits + 63) / 64;
  codes->modules = tensor == l->relu_dst ? x->readers : 1;
  size_t need = codes->length * (size_t)images;
  if (need > codes->room) {
    free(codes->words);
    codes->words = malloc(need * sizeof *codes->words);
    codes->room = codes->words ? need : 0;
  }
  codes->failed = !codes->words;
  if (codes->failed) return false;
  nsw_codes_pack_fn *pack = NSW_DISPATCH(nsw_cpu_isa(), nsw_codes_pack);
  for (int i = 0; i < images; i++) {
    struct nsw_view value = nsw_engine_value(engine, tensor, i);
    pack(&value, x->channels, codes->words + (size_t)i * codes->length);
  }
  return true;
}

size_t nsw_relu_codes_apart(const uint64_t *a, const uint64_t *b, size_t length) {
  return NSW_DISPATCH(nsw_cpu_isa(), nsw_codes_apart)(a, b, length);
}
