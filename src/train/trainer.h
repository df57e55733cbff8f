/* Training: a network's weights, stepped by a recipe over the images of a run. Deterministic: what comes out depends on
 * recipe, images, seed and network alone, also where it was interrupted and taken up again. */
#ifndef NSW_TRAIN_TRAINER_H
#define NSW_TRAIN_TRAINER_H

#include "net/engine.h"
#include "train/parts.h"

/* What a loss is called that was no longer a number: the training diverged. */
#define NSW_DIVERGED 1e30

/* What a training leaves. Accuracies in percent, losses the mean cross-entropy in nats. */
struct nsw_trained {
  double train_accuracy, train_loss; /* over the last epoch, of images as they were cut, before each step */
  double valid_accuracy, valid_loss; /* of the part to validate on, with running statistics, at the end */
  double valid_best;                 /* the best valid accuracy of any epoch */
  double sotl_e, sotl;               /* sum over steps of their losses: of the last epoch, of all */
  int epochs;                        /* done; fewer than asked where it diverged */
  bool diverged;                     /* accuracies are those of chance then, losses NSW_DIVERGED */
};

/* One row of a learning curve. */
enum { NSW_CURVE_TRAIN_ACCURACY, NSW_CURVE_TRAIN_LOSS, NSW_CURVE_VALID_ACCURACY, NSW_CURVE_VALID_LOSS, NSW_CURVES };

/* What a long training asks of those who run it; functions may be NULL. */
struct nsw_break {
  void *with;
  bool (*stop)(void *with); /* whether to stop after this step */
  /* Keeps a state, and gives back what was kept: *bytes is the caller's to free, NULL where there is nothing. */
  int (*keep)(void *with, const void *bytes, size_t size, struct nsw_error *err);
  int (*fetch)(void *with, void **bytes, size_t *size, struct nsw_error *err);
};

struct nsw_trainer;

/* Makes one for many networks: reduced and divided images, an engine. images are borrowed. Free with nsw_trainer_free.
 */
int nsw_trainer_create(const struct nsw_recipe *recipe, const struct nsw_images *images, int resolution,
                       struct nsw_trainer **trainer, struct nsw_error *err);
void nsw_trainer_free(struct nsw_trainer **trainer);

/* Trains a network from weights drawn by its own rule. NSW_STOPPED where rest->stop said so; its state was kept then.
 * curve: [epochs][NSW_CURVES], or NULL. rest: may be NULL. */
int nsw_trainer_run(struct nsw_trainer *trainer, const struct nsw_net *net, uint64_t seed, const struct nsw_break *rest,
                    float *curve, struct nsw_trained *trained, struct nsw_error *err);

/* The weights of the last training; the trainer's own, until the next. */
struct nsw_weights *nsw_trainer_weights(struct nsw_trainer *trainer);

/* Accuracy in percent and mean loss of a network over images order[count] (numbers in parts), by running statistics. */
int nsw_trainer_evaluate(struct nsw_trainer *trainer, const struct nsw_net *net, const struct nsw_weights *weights,
                         const uint32_t *image, size_t count, double *accuracy, double *loss, struct nsw_error *err);

const struct nsw_parts *nsw_trainer_parts(const struct nsw_trainer *trainer);

/* Losses with smoothed labels and their gradient: loss and slopes [classes] of one image's logits, the slope of its own
 * loss. Returns whether the label's logit is the largest. */
bool nsw_cross_entropy(const float *logits, int classes, int label, double smoothing, double *loss, float *slopes);

#endif
