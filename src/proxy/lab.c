/* The lab as measures of plugins see it; what there is, is told in nasweep/measure.h. */
#include "proxy/measure.h"

uint32_t nsw_lab_index(const struct nsw_lab *lab) { return lab->index; }
uint64_t nsw_lab_seed(const struct nsw_lab *lab) { return lab->seed; }
int nsw_lab_samples(const struct nsw_lab *lab) { return lab->samples; }

const float *nsw_lab_logits(const struct nsw_lab *lab, int *classes) {
  *classes = lab->net->classes;
  return nsw_engine_logits(lab->engine);
}

const double *nsw_lab_losses(const struct nsw_lab *lab) { return nsw_engine_losses(lab->engine); }

const float *nsw_lab_features(const struct nsw_lab *lab, int *channels) {
  *channels = lab->net->feature_channels;
  return nsw_engine_features(lab->engine);
}

const float *nsw_lab_jacobian(const struct nsw_lab *lab, int *values) {
  *values = 3 * lab->net->resolution * lab->net->resolution;
  return lab->jacobian;
}

const double *nsw_lab_kernel(const struct nsw_lab *lab) { return lab->kernel; }

int nsw_lab_params(const struct nsw_lab *lab) { return lab->net->params; }

struct nsw_lab_param nsw_lab_param(const struct nsw_lab *lab, int param) {
  const struct nsw_param *p = &lab->net->param[param];
  return (struct nsw_lab_param){.name = p->name,
                                .shape = {p->shape[0], p->shape[1], p->shape[2], p->shape[3]},
                                .size = nsw_param_size(p),
                                .matrix = p->kind == NSW_PARAM_CONV || p->kind == NSW_PARAM_LINEAR,
                                .live = p->live};
}

const float *nsw_lab_weight(const struct nsw_lab *lab, int param) {
  return nsw_weights_at(nsw_lab_weights(lab), param);
}

const float *nsw_lab_gradient(struct nsw_lab *lab, int param) {
  size_t n = nsw_param_size(&lab->net->param[param]);
  float share = 1.0f / (float)nsw_engine_images(lab->engine);
  nsw_engine_gradient(lab->engine, param, lab->gradient);
  for (size_t i = 0; i < n; i++) lab->gradient[i] *= share;
  return lab->gradient;
}
