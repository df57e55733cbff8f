#include "proxy/relu_codes.h"

#include <stdlib.h>
#include <string.h>

/* The tensor that shows the layer's ReLU; -1: none. */
static int rectified(const struct nsw_net *net, const struct nsw_layer *layer) {
  if (layer->relu_dst >= 0) return layer->relu_dst;
  bool whole = layer->kind != NSW_LAYER_COMBINE || layer->first + layer->count == net->tensor[layer->dst].channels;
  return layer->dst >= 0 && net->tensor[layer->dst].relu && whole ? layer->dst : -1;
}

static void pack(struct nsw_input x, int channels, uint64_t *words) {
  size_t at = 0;
  for (int h = 0; h < x.plane.size; h++)
    for (int w = 0; w < x.plane.size; w++) {
      const float *p = x.plane.p + h * x.plane.row + w * x.plane.col;
      for (int c = 0; c < channels; c++, at++) {
        float v = x.scale ? p[c] * x.scale[c] + x.shift[c] : p[c];
        words[at / 64] |= (uint64_t)(v > 0) << (at % 64);
      }
    }
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
  memset(codes->words, 0, need * sizeof *codes->words);
  for (int i = 0; i < images; i++)
    pack(nsw_engine_value(engine, tensor, i), x->channels, codes->words + (size_t)i * codes->length);
  return true;
}
