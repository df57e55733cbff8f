/* Command lines: parsing, defaults, suggestions, lists, ranges. */
#include <stdint.h>
#include <string.h>

#include "cli/args.h"
#include "unit.h"

static const struct nsw_option options[] = {
    {.name = "out", .argument = "FILE.h5", .help = "where"},
    {.name = "seed", .argument = "S", .value = "777", .help = "seeds", .repeatable = true},
    {.name = "range", .argument = "A:B", .help = "part"},
    {.name = "lambda", .argument = "X", .value = "0.5", .help = "a number"},
    {.name = "unique", .help = "a flag"},
    {0}};
static const struct nsw_command command = {
    .name = "score", .operands = "SPACE", .summary = "s", .options = options, .min_operands = 1, .max_operands = 2};

#define PARSE(args, err, ...) parse((args), (err), (char *[]){__VA_ARGS__, NULL})

static int parse(struct nsw_args **args, struct nsw_error *err, char **words) {
  int n = 0;
  while (words[n]) n++;
  return nsw_args_parse(&command, n, words, args, err);
}

static void values_and_defaults(void **state) {
  (void)state;
  struct nsw_args *args;
  struct nsw_error err = {{0}};
  assert_int_equal(PARSE(&args, &err, "nb201", "--out=a b.h5", "--unique", "--seed", "1,2", "--seed", "3"), NSW_OK);
  assert_string_equal(nsw_args_operand(args, 0), "nb201");
  assert_int_equal(nsw_args_operands(args), 1);
  assert_null(nsw_args_operand(args, 1));
  assert_string_equal(nsw_args_text(args, "out"), "a b.h5");
  assert_true(nsw_args_flag(args, "unique"));
  assert_int_equal(nsw_args_count(args, "seed"), 2);
  assert_string_equal(nsw_args_value(args, "seed", 0), "1,2");
  assert_string_equal(nsw_args_text(args, "seed"), "3");
  assert_null(nsw_args_value(args, "seed", 2));
  assert_string_equal(nsw_args_text(args, "lambda"), "0.5");
  assert_false(nsw_args_given(args, "lambda"));
  assert_null(nsw_args_text(args, "range"));
  assert_string_equal(nsw_args_line(args), "nasweep score nb201 '--out=a b.h5' --unique --seed 1,2 --seed 3");
  nsw_args_free(&args);
  assert_null(args);
  nsw_args_free(&args);
}

static void the_last_value_counts(void **state) {
  (void)state;
  struct nsw_args *args;
  struct nsw_error err = {{0}};
  assert_int_equal(PARSE(&args, &err, "x", "--out", "a", "--out", "b"), NSW_OK);
  assert_string_equal(nsw_args_text(args, "out"), "b");
  nsw_args_free(&args);
}

static void words_after_two_dashes_are_operands(void **state) {
  (void)state;
  struct nsw_args *args;
  struct nsw_error err = {{0}};
  assert_int_equal(PARSE(&args, &err, "-5", "--", "--out"), NSW_OK);
  assert_string_equal(nsw_args_operand(args, 0), "-5");
  assert_string_equal(nsw_args_operand(args, 1), "--out");
  nsw_args_free(&args);
}

/* Each wrong line gives NSW_USAGE, no arguments, and a message with these words. */
static void wrong_lines(void **state) {
  (void)state;
  static const struct {
    const char *word[4];
    const char *says;
  } wrong[] = {{{"x", "--otu", "f"}, "unknown option '--otu'; did you mean '--out'?"},
               {{"x", "--uniq"}, "did you mean '--unique'?"},
               {{"x", "--zzzzzz"}, "`nasweep score --help` lists them"},
               {{"x", "-o", "f"}, "unknown option '-o'"},
               {{"x", "--out"}, "--out needs a value: FILE.h5"},
               {{"x", "--out", "--unique"}, "--out needs a value: FILE.h5"},
               {{"x", "--unique=1"}, "--unique takes no value, got '1'"},
               {{"--unique"}, "SPACE missing"},
               {{"x", "y", "z"}, "'z' is one operand too many"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct nsw_args *args = (void *)1;
    struct nsw_error err = {{0}};
    int n = 0;
    while (n < 4 && wrong[i].word[n]) n++;
    assert_int_equal(nsw_args_parse(&command, n, (char *const *)wrong[i].word, &args, &err), NSW_USAGE);
    assert_null(args);
    assert_non_null(strstr(err.text, "score: "));
    if (!strstr(err.text, wrong[i].says)) fail_msg("'%s' lacks '%s'", err.text, wrong[i].says);
  }
}

static int integer(const char *text, int64_t *value) {
  struct nsw_args *args;
  struct nsw_error err = {{0}};
  assert_int_equal(PARSE(&args, &err, "x", "--seed", (char *)text), NSW_OK);
  int status = nsw_args_integer(args, "seed", -5, 100, value, &err);
  if (status != NSW_OK) assert_non_null(strstr(err.text, "--seed"));
  nsw_args_free(&args);
  return status;
}

static void integers(void **state) {
  (void)state;
  int64_t n = 0;
  assert_int_equal(integer("100", &n), NSW_OK);
  assert_int_equal(n, 100);
  assert_int_equal(integer("-5", &n), NSW_OK);
  assert_int_equal(n, -5);
  static const char *const wrong[] = {"101", "-6", "", " 1", "1 ", "0x10", "1.5", "ten", "99999999999999999999"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(integer(wrong[i], &n), NSW_USAGE);
  assert_int_equal(n, -5);
}

static void reals(void **state) {
  (void)state;
  struct nsw_args *args;
  struct nsw_error err = {{0}};
  double x = 0;
  assert_int_equal(PARSE(&args, &err, "x"), NSW_OK);
  assert_int_equal(nsw_args_real(args, "lambda", &x, &err), NSW_OK);
  assert_true(x == 0.5);
  nsw_args_free(&args);
  static const char *const wrong[] = {"", "1x", "nan", " 1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(PARSE(&args, &err, "x", "--lambda", (char *)wrong[i]), NSW_OK);
    assert_int_equal(nsw_args_real(args, "lambda", &x, &err), NSW_USAGE);
    nsw_args_free(&args);
  }
}

static void lists(void **state) {
  (void)state;
  struct nsw_args *args;
  struct nsw_error err = {{0}};
  struct nsw_list list;
  assert_int_equal(PARSE(&args, &err, "x", "--seed", "1, 2", "--seed=3"), NSW_OK);
  assert_int_equal(nsw_args_list(args, "seed", &list, &err), NSW_OK);
  assert_int_equal(list.count, 3);
  assert_string_equal(list.item[1], "2");
  assert_string_equal(list.item[2], "3");
  nsw_list_free(&list);
  nsw_args_free(&args);
  assert_int_equal(PARSE(&args, &err, "x"), NSW_OK);
  assert_int_equal(nsw_args_list(args, "seed", &list, &err), NSW_OK);
  assert_int_equal(list.count, 1);
  assert_string_equal(list.item[0], "777");
  nsw_list_free(&list);
  assert_int_equal(nsw_args_list(args, "range", &list, &err), NSW_OK);
  assert_int_equal(list.count, 0);
  nsw_args_free(&args);
  static const char *const wrong[] = {"", ",", "1,,2", "1,", " "};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(PARSE(&args, &err, "x", "--seed", (char *)wrong[i]), NSW_OK);
    assert_int_equal(nsw_args_list(args, "seed", &list, &err), NSW_USAGE);
    assert_int_equal(list.count, 0);
    nsw_args_free(&args);
  }
}

static void ranges(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int status;
    uint64_t first, end;
  } cases[] = {{NULL, NSW_OK, 0, 50},    {"0:50", NSW_OK, 0, 50},    {"3:4", NSW_OK, 3, 4},
               {"7:", NSW_OK, 7, 50},    {":9", NSW_OK, 0, 9},       {":", NSW_OK, 0, 50},
               {"4:4", NSW_USAGE, 0, 0}, {"5:4", NSW_USAGE, 0, 0},   {"0:51", NSW_USAGE, 0, 0},
               {"50:", NSW_USAGE, 0, 0}, {"-1:4", NSW_USAGE, 0, 0},  {"4", NSW_USAGE, 0, 0},
               {"", NSW_USAGE, 0, 0},    {"1:2:3", NSW_USAGE, 0, 0}, {"a:b", NSW_USAGE, 0, 0},
               {"1:b", NSW_USAGE, 0, 0}, {"1:+2", NSW_USAGE, 0, 0},  {"99999999999999999999:", NSW_USAGE, 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct nsw_args *args;
    struct nsw_error err = {{0}};
    uint64_t first, end;
    char *words[] = {"x", "--range", (char *)cases[i].text};
    assert_int_equal(nsw_args_parse(&command, cases[i].text ? 3 : 1, words, &args, &err), NSW_OK);
    assert_int_equal(nsw_args_range(args, "range", 50, &first, &end, &err), cases[i].status);
    if (cases[i].status == NSW_OK) {
      assert_int_equal(first, cases[i].first);
      assert_int_equal(end, cases[i].end);
    }
    nsw_args_free(&args);
  }
}

static void nearest(void **state) {
  (void)state;
  static const char *const names[] = {"sed", "sed_conv", "params", "macs", "knas"};
  assert_string_equal(nsw_nearest("sde", names, 5), "sed");
  assert_string_equal(nsw_nearest("parms", names, 5), "params");
  assert_string_equal(nsw_nearest("param", names, 5), "params");
  assert_string_equal(nsw_nearest("sed_con", names, 5), "sed_conv");
  assert_null(nsw_nearest("synflow", names, 5));
  assert_null(nsw_nearest("x", names, 5));
  assert_null(nsw_nearest("", names, 5));
}

static void every_command_is_whole(void **state) {
  (void)state;
  for (size_t i = 0; nsw_commands[i]; i++) {
    const struct nsw_command *c = nsw_commands[i];
    struct nsw_error err = {{0}};
    assert_ptr_equal(nsw_command_find(c->name, &err), c);
    assert_non_null(c->summary);
    assert_non_null(c->run);
    for (const struct nsw_option *o = c->options; o && o->name; o++) {
      if (!o->help || !*o->help || o->help[strlen(o->help) - 1] == '.')
        fail_msg("%s --%s: help is one sentence without a full stop", c->name, o->name);
      for (const struct nsw_option *p = c->options; p != o; p++) assert_string_not_equal(p->name, o->name);
    }
  }
  struct nsw_error err = {{0}};
  assert_null(nsw_command_find("hepl", &err));
  assert_non_null(strstr(err.text, "did you mean 'help'?"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(values_and_defaults),
                                     cmocka_unit_test(the_last_value_counts),
                                     cmocka_unit_test(words_after_two_dashes_are_operands),
                                     cmocka_unit_test(wrong_lines),
                                     cmocka_unit_test(integers),
                                     cmocka_unit_test(reals),
                                     cmocka_unit_test(lists),
                                     cmocka_unit_test(ranges),
                                     cmocka_unit_test(nearest),
                                     cmocka_unit_test(every_command_is_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
