#include "truth/header.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 24 };

/* Words that make a column something else than an accuracy, and what that is. */
static const struct {
  const char *words, *what;
} others[] = {
    {" error err errors errs er misclassification ", "an error rate"},
    {" rank ranks ranking ranked percentile quantile ", "a rank"},
    {" std stdev stddev sd deviation var variance sem stderr se ci spread iqr range mad ", "a deviation"},
    {" loss losses nll crossentropy xent ce ", "a loss"},
    {" time times seconds sec secs second minutes hours hour ms latency duration runtime ", "a time"},
    {" flops macs params param parameters mparams memory energy size ", "a cost"},
    {" min minimum max maximum lower upper low high worst p5 p95 ", "one end of several runs"},
    {" top5 acc5 acc5es top3 ", "a top-5 accuracy"},
    {" pred predicted prediction predictions estimate estimated surrogate ", "a prediction"},
    {" score scores proxy synflow naswot nwot zen zico snip grasp fisher jacov jacob plain epe sed knas ntk swap meco kendall spearman pearson corr correlation entropy logit logits confidence grad ",
     "a score"},
    {" gap diff difference delta regret improvement gain drop ", "a difference"},
    {" count num n samples total status flag name path file split_name ", "no measurement"},
    {" median ", "a median"},
};

static bool among(const char *word, const char *list) {
  char spaced[NSW_HEADER_NAME + 2];
  snprintf(spaced, sizeof spaced, " %s ", word);
  return strstr(list, spaced) != NULL;
}

void nsw_header_words(const char *name, char words[NSW_HEADER_NAME]) {
  size_t n = 0;
  for (size_t i = 0; name[i] && n + 2 < NSW_HEADER_NAME; i++) {
    unsigned char c = (unsigned char)name[i], before = i ? (unsigned char)name[i - 1] : 0;
    if (isupper(c) && islower(before)) words[n++] = '_';
    words[n++] = isalnum(c) ? (char)tolower(c) : '_';
  }
  words[n] = 0;
}

/* A data set's name at the beginning of text (any case), its length in *size. */
static const char *dataset_at(const char *text, size_t *size) {
  static const struct {
    const char *spelling, *name;
  } known[] = {{"imagenet16-120", "ImageNet16-120"},
               {"imagenet16120", "ImageNet16-120"},
               {"imagenet16", "ImageNet16-120"},
               {"imagenet", "ImageNet16-120"},
               {"in16-120", "ImageNet16-120"},
               {"cifar100", "cifar100"},
               {"cifar-100", "cifar100"},
               {"cifar10", "cifar10"},
               {"cifar-10", "cifar10"}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    size_t i = 0, j = 0;
    const char *spelling = known[k].spelling;
    while (spelling[j]) {
      char c = (char)tolower((unsigned char)text[i]);
      if (spelling[j] == '-' ? c == '-' || c == '_' || c == ' ' : c == spelling[j])
        i++, j++;
      else
        break;
    }
    if (spelling[j] || (isdigit((unsigned char)spelling[j - 1]) && isdigit((unsigned char)text[i]))) continue;
    *size = i;
    return known[k].name;
  }
  return NULL;
}

/* Copies the name without its data set, which goes to *dataset. */
static void take_dataset(const char *name, char *rest, size_t room, const char **dataset) {
  size_t n = 0, size;
  *dataset = NULL;
  while (*name && n + 2 < room) {
    const char *found = *dataset ? NULL : dataset_at(name, &size);
    if (found) {
      *dataset = found;
      rest[n++] = '_';
      name += size;
    } else {
      rest[n++] = *name++;
    }
  }
  rest[n] = 0;
}

const char *nsw_dataset_named(const char *text) {
  char rest[256];
  const char *dataset;
  take_dataset(text, rest, sizeof rest, &dataset);
  for (const char *c = rest; *c; c++)
    if (isalnum((unsigned char)*c)) return NULL;
  return dataset;
}

static const char *split_word(const char *word) {
  if (among(word, " test tst testing ")) return "test";
  if (among(word, " valid val validation valids dev ")) return "valid";
  if (among(word, " train training trn ")) return "train";
  return NULL;
}

const char *nsw_split_named(const char *text) {
  char words[NSW_HEADER_NAME];
  nsw_header_words(text, words);
  if (!strcmp(words, "x_valid")) return "x-valid";
  if (!strcmp(words, "x_test")) return "x-test";
  if (!strcmp(words, "ori_test")) return "ori-test";
  return split_word(words);
}

/* The number in a word of letters and digits ("ep200", "200ep"), its letters in rest; -1 where it is not of that form.
 */
static int64_t number_in(const char *word, char rest[NSW_HEADER_NAME]) {
  size_t digits = strspn(word, "0123456789"), length = strlen(word);
  const char *number = word;
  if (digits) {
    snprintf(rest, NSW_HEADER_NAME, "%s", word + digits);
  } else {
    size_t letters = strcspn(word, "0123456789");
    digits = strspn(word + letters, "0123456789");
    if (!digits || letters + digits != length) return -1;
    number = word + letters;
    snprintf(rest, NSW_HEADER_NAME, "%.*s", (int)letters, word);
  }
  if (digits > 8 || rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz")]) return -1;
  return strtol(number, NULL, 10);
}

static const char epoch_words[] = " ep eps epoch epochs e hp budget ", run_words[] = " seed run repeat rep trial r s ";
static const char accuracy_words[] = " acc accs accuracy accuracies top1 acc1 acc1es ";

/* Words with a number in them or behind them. Returns how many words were used, 0 where it is none of those. */
static int read_number(char *const *word, int left, struct nsw_header *h) {
  char rest[NSW_HEADER_NAME] = "", more[NSW_HEADER_NAME];
  if (among(word[0], accuracy_words)) return 0; /* acc1 is top-1 */
  int64_t number = number_in(word[0], rest);
  bool named = number < 0 && left > 1 && (among(word[0], epoch_words) || among(word[0], run_words));
  int used = 1;
  if (named) {
    number = number_in(word[1], more);
    if (number < 0 || *more) return 0;
    snprintf(rest, sizeof rest, "%s", word[0]);
    used = 2;
  } else if (number >= 0 && !*rest && left > 1 && among(word[1], " ep eps epoch epochs ")) {
    snprintf(rest, sizeof rest, "epochs");
    used = 2;
  }
  if (number < 0) return 0;
  if (among(rest, epoch_words) && number > 0 && number <= 100000) {
    h->epochs = (int)number;
  } else if (among(rest, run_words)) {
    h->run = number;
  } else if (!*rest) {
    h->number = number;
  } else {
    /* "acc12", "test0": a word of ours with a bare number behind it. */
    const char *split = split_word(rest);
    if (!split && !among(rest, accuracy_words)) return 0;
    if (split) snprintf(h->split, sizeof h->split, "%s", split);
    h->accuracy = true;
    h->number = number;
  }
  return used;
}

static void read_word(const char *word, bool after_x, bool after_ori, struct nsw_header *h) {
  const char *split = split_word(word);
  if (split && h->split[0] && !strcmp(h->split, "valid") && !strcmp(h->dataset, "cifar10")) {
    /* "cifar10_valid_x_valid", "cifar10-valid_test": the data set that the benchmark calls so. */
    snprintf(h->dataset, sizeof h->dataset, "cifar10-valid");
    h->split[0] = 0;
  }
  if (split) {
    h->accuracy = true;
    if (!h->split[0])
      snprintf(h->split, sizeof h->split, "%s%s",
               after_x && strcmp(split, "train")     ? "x-"
               : after_ori && !strcmp(split, "test") ? "ori-"
                                                     : "",
               split);
    return;
  }
  if (among(word, accuracy_words)) h->accuracy = true;
  if (among(word, " half halfway midway mid ")) h->half = true;
  if (among(word, " mean avg average averaged ")) h->mean = true;
  for (size_t i = 0; i < sizeof others / sizeof *others && !h->against; i++)
    if (among(word, others[i].words)) h->against = others[i].what;
}

void nsw_header_read(const char *name, struct nsw_header *h) {
  char rest[256], words[NSW_HEADER_NAME], *word[WORDS + 1] = {NULL}, *more = NULL;
  const char *dataset;
  int count = 0;
  *h = (struct nsw_header){.run = -1, .number = -1};
  take_dataset(name, rest, sizeof rest, &dataset);
  if (dataset) snprintf(h->dataset, sizeof h->dataset, "%s", dataset);
  /* acc@1 is top-1; split@199, as NATS-Bench writes it, is after the 200th epoch. */
  for (char *at = rest; (at = strchr(at, '@'));) {
    long epoch = strtol(at + 1, NULL, 10);
    if (epoch == 1 || epoch == 5)
      memmove(at, at + 1, strlen(at));
    else if (epoch > 5 && epoch < 100000)
      h->epochs = (int)epoch + 1, *at = 0;
    else
      *at = '_';
  }
  nsw_header_words(rest, words);
  for (char *w = strtok_r(words, "_", &more); w && count < WORDS; w = strtok_r(NULL, "_", &more)) word[count++] = w;
  for (int i = 0; i < count;) {
    if (i + 1 < count && !strcmp(word[i], "half") && !strcmp(word[i + 1], "way")) i++;
    int used = read_number(word + i, count - i, h);
    if (!used) read_word(word[i], i && !strcmp(word[i - 1], "x"), i && !strcmp(word[i - 1], "ori"), h);
    if (!strcmp(word[i], "way")) h->half = true;
    i += used ? used : 1;
  }
  if (h->against) h->accuracy = false;
}
