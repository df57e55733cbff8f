/* What workers are told and say: commands taken apart, first lines, answers; and what was made up of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/json.h"
#include "guest/command.h"
#include "guest/keeper.h"
#include "guest/process.h"
#include "guest/protocol.h"
#include "unit.h"

static void expect_words(const char *text, const char *const *words) {
  struct nsw_command_line line;
  struct nsw_error err;
  assert_int_equal(nsw_command_line_read(text, &line, &err), NSW_OK);
  size_t n = 0;
  for (; words[n]; n++) assert_string_equal(line.word[n], words[n]);
  assert_int_equal(line.words, n);
  assert_null(line.word[n]);
  nsw_command_line_free(&line);
}

static void test_words(void **state) {
  (void)state;
  expect_words("a=b", (const char *[]){"b", NULL});
  expect_words("a=  python3\tx.py  -k=v ", (const char *[]){"python3", "x.py", "-k=v", NULL});
  expect_words("a=x 'b c' \"d 'e'\" f\\ g h''i \"\" '\\n' \"q\\\"r\"",
               (const char *[]){"x", "b c", "d 'e'", "f g", "hi", "", "\\n", "q\"r", NULL});
  static const char *const bad[] = {"", "a", "=x", "a=", "a=  ", "a='x", "a=\"x", "1a=x", "a b=x", "a=''", "a\n=x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct nsw_command_line line;
    struct nsw_error err = {{0}};
    assert_int_equal(nsw_command_line_read(bad[i], &line, &err), NSW_USAGE);
    assert_true(err.text[0]);
    nsw_command_line_free(&line);
  }
}

static void test_identity(void **state) {
  (void)state;
  char path[] = "/tmp/nasweep-guest-XXXXXX", text[200], *identity;
  struct nsw_command_line line;
  struct nsw_error err;
  int fd = mkstemp(path);
  assert_true(fd >= 0 && dprintf(fd, "abc") == 3);
  snprintf(text, sizeof text, "a=run (x; y), %s", path);
  assert_int_equal(nsw_command_line_read(text, &line, &err), NSW_OK);
  assert_int_equal(nsw_command_line_identity(&line, &identity, &err), NSW_OK);
  char wanted[400];
  snprintf(
      wanted, sizeof wanted,
      "command=run %%28x%%3B y%%29%%2C %s, files=%s:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      path, path);
  assert_string_equal(identity, wanted);
  free(identity);
  nsw_command_line_free(&line);
  close(fd);
  unlink(path);
}

static void test_hello(void **state) {
  (void)state;
  struct nsw_hello hello, other;
  struct nsw_error err;
  assert_int_equal(nsw_hello_read("{\"nasweep\":1,\"columns\":[{}]}", "mine", &hello, &err), NSW_OK);
  assert_string_equal(hello.column[0].name, "mine");
  assert_int_equal(hello.column[0].direction, 1);
  assert_int_equal(hello.batch, 1);
  assert_null(hello.column[1].name);
  assert_int_equal(
      nsw_hello_read("{\"nasweep\":1,\"columns\":[{\"name\":\"a\",\"direction\":-1,\"long_name\":\"b\\nc\"},"
                     "{\"name\":\"d\"}],\"needs\":[\"data\",\"seed\"],\"by_class\":true,\"batch\":256}",
                     "mine", &other, &err),
      NSW_OK);
  assert_int_equal(other.columns, 2);
  assert_string_equal(other.column[0].long_name, "b c");
  assert_int_equal(other.needs, NSW_NEEDS_DATA | NSW_NEEDS_SEED);
  assert_int_equal(other.samples, 64);
  assert_true(nsw_hello_same(&hello, &hello) && !nsw_hello_same(&hello, &other));
  nsw_hello_free(&hello);
  nsw_hello_free(&other);
  static const char *const bad[] = {"",
                                    "[]",
                                    "{}",
                                    "{\"nasweep\":1}",
                                    "{\"nasweep\":1,\"columns\":{}}",
                                    "{\"nasweep\":1,\"columns\":[1]}",
                                    "{\"nasweep\":1,\"columns\":[{\"name\":\"a b\"}]}",
                                    "{\"nasweep\":1,\"columns\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
                                    "{\"nasweep\":1,\"columns\":[{\"name\":\"a\"},{}]}",
                                    "{\"nasweep\":1,\"columns\":[{\"direction\":0}]}",
                                    "{\"nasweep\":1,\"columns\":[{}],\"needs\":[\"everything\"]}",
                                    "{\"nasweep\":1,\"columns\":[{}],\"batch\":257}",
                                    "{\"nasweep\":1,\"columns\":[{}],\"samples\":0}",
                                    "{\"nasweep\":1,\"nasweep\":1,\"columns\":[{}]}",
                                    "{\"nasweep\":1,\"columns\":[{}]} x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(nsw_hello_read(bad[i], "mine", &hello, &err), NSW_FAILED);
}

static void test_answers(void **state) {
  (void)state;
  struct nsw_hello hello;
  struct nsw_answer answer;
  struct nsw_error err;
  assert_int_equal(nsw_hello_read("{\"nasweep\":1,\"columns\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", "x", &hello, &err),
                   NSW_OK);
  assert_int_equal(nsw_answer_read("{\"index\":7,\"values\":{\"a\":1.5,\"b\":\"-inf\"}}", &hello, &answer, &err),
                   NSW_OK);
  assert_true(answer.index == 7 && answer.status == NSW_ROW_SCORED && answer.value[0] == 1.5);
  assert_true(answer.value[1] == -INFINITY);
  assert_int_equal(nsw_answer_read("{\"index\":7,\"values\":{\"a\":null,\"b\":3}}", &hello, &answer, &err), NSW_OK);
  assert_true(isnan(answer.value[0]) && answer.value[1] == 3);
  assert_int_equal(nsw_answer_read("{\"index\":7,\"error\":\"no\\u0007\"}", &hello, &answer, &err), NSW_OK);
  assert_int_equal(answer.status, NSW_ROW_FAILED);
  assert_string_equal(answer.error, "no ");
  assert_int_equal(nsw_answer_read("{\"index\":7,\"no_path\":true}", &hello, &answer, &err), NSW_OK);
  assert_int_equal(answer.status, NSW_ROW_NO_PATH);
  static const char *const bad[] = {"x",
                                    "{}",
                                    "{\"index\":-1,\"values\":{\"a\":1,\"b\":1}}",
                                    "{\"index\":4294967296,\"values\":{\"a\":1,\"b\":1}}",
                                    "{\"index\":7}",
                                    "{\"index\":7,\"values\":{\"a\":1}}",
                                    "{\"index\":7,\"values\":{\"a\":1,\"b\":\"inf\"}}",
                                    "{\"index\":7.0,\"values\":{\"a\":1,\"b\":1}}",
                                    "{\"index\":7,\"values\":[1,2]}",
                                    "{\"index\":7,\"values\":{\"a\":1,\"b\":1e999}}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(nsw_answer_read(bad[i], &hello, &answer, &err), NSW_FAILED);
  nsw_hello_free(&hello);
}

static void test_strings(void **state) {
  (void)state;
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  nsw_json_member(f, "x:", "a\"b\\c\td\xc3\xa9");
  fclose(f);
  assert_string_equal(text, "x:\"a\\\"b\\\\c\\u0009d\xc3\xa9\"");
  free(text);
}

/* Lines through a process and back, more than any pipe holds at once. */
static void test_process(void **state) {
  (void)state;
  struct nsw_process process = {.title = "cat"};
  struct nsw_error err;
  enum { LINES = 40000, LENGTH = 50 };
  static const char *const none[] = {NULL};
  char *text = malloc((size_t)LINES * LENGTH + 1), how[200], *line;
  size_t written = 0;
  for (int i = 0; i < LINES; i++) snprintf(text + (size_t)i * LENGTH, LENGTH + 1, "%0*d\n", LENGTH - 1, i);
  nsw_keeper_start();
  assert_int_equal(nsw_process_start(&process, "cat", (const char *const[]){"cat", NULL}, none, &err), NSW_OK);
  for (int i = 0; i < LINES; i++) {
    assert_int_equal(nsw_process_talk(&process, text, (size_t)LINES * LENGTH, &written, 20, &line), NSW_HEARD_LINE);
    assert_int_equal(strlen(line), LENGTH - 1);
    assert_int_equal(atoi(line), i);
  }
  assert_int_equal(nsw_process_talk(&process, "", 0, &written, 0.05, &line), NSW_HEARD_HANG);
  nsw_process_end(&process, 5, how, sizeof how);
  assert_string_equal(how, "exit status 0");
  assert_int_equal(
      nsw_process_start(&process, "sh", (const char *const[]){"sh", "-c", "sleep 100 & kill -9 $$", NULL}, none, &err),
      NSW_OK);
  written = 0;
  nsw_process_talk(&process, "", 0, &written, 0.5, &line); /* what it has started still has its output open */
  nsw_process_end(&process, 1, how, sizeof how);
  assert_string_equal(how, "signal 9 (Killed)");
  nsw_keeper_stop();
  assert_int_equal(nsw_process_start(&process, "cat", (const char *const[]){"cat", NULL}, none, &err), NSW_FAILED);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),   cmocka_unit_test(test_identity),
                                     cmocka_unit_test(test_hello),   cmocka_unit_test(test_answers),
                                     cmocka_unit_test(test_strings), cmocka_unit_test(test_process)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
