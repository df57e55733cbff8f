#include "data/sets.h"

/* Means and deviations are those that NAS-Bench-201's program normalises by. */

const struct nsw_data_set nsw_cifar10 = {.name = "cifar10",
                                         .classes = 10,
                                         .resolution = 32,
                                         .most = 50000,
                                         .mean = {125.3, 123.0, 113.9},
                                         .deviation = {63.0, 62.1, 66.7}};

const struct nsw_data_set nsw_cifar100 = {.name = "cifar100",
                                          .classes = 100,
                                          .resolution = 32,
                                          .most = 50000,
                                          .mean = {129.3, 124.1, 112.4},
                                          .deviation = {68.2, 65.4, 70.4}};

const struct nsw_data_set nsw_imagenet16 = {.name = "ImageNet16-120",
                                            .classes = 120,
                                            .resolution = 16,
                                            .most = 151700, /* of NAS-Bench-201's paper */
                                            .mean = {122.68, 116.66, 104.01},
                                            .deviation = {63.22, 61.26, 65.09}};
