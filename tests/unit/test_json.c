/* The JSON reader: tokens of good text, and what it says of bad. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/json.h"
#include "truth/suite_zero.h"
#include "unit.h"

/* Reads all of it into a line of tokens: { } [ ] k(text) s(text) n(number) t f 0, or the error's text after '!'. */
static const char *tokens(const char *text, size_t size) {
  static char line[20000];
  size_t used = 0;
  struct nsw_input *input;
  struct nsw_json *json;
  struct nsw_error err;
  enum nsw_json_token token = NSW_JSON_NULL;
  assert_int_equal(nsw_input_memory(text, size, "test", &input, &err), NSW_OK);
  assert_int_equal(nsw_json_open(input, &json, &err), NSW_OK);
  line[0] = 0;
  for (;;) {
    if (nsw_json_next(json, &token, &err)) {
      snprintf(line, sizeof line, "!%s", err.text);
      break;
    }
    if (token == NSW_JSON_END) break;
    char *to = line + used;
    size_t room = sizeof line - used;
    if (token == NSW_JSON_KEY)
      used += (size_t)snprintf(to, room, "k(%s)", nsw_json_text(json));
    else if (token == NSW_JSON_TEXT)
      used += (size_t)snprintf(to, room, "s(%s)", nsw_json_text(json));
    else if (token == NSW_JSON_NUMBER)
      used += (size_t)snprintf(to, room, "n(%.17g)", nsw_json_number(json));
    else
      used += (size_t)snprintf(to, room, "%c", "E{}[]..#tf0"[token]);
    assert_true(used < sizeof line - 100);
  }
  nsw_json_close(&json);
  nsw_input_close(&input);
  return line;
}

#define GOOD(text, line) assert_string_equal(tokens(text, sizeof text - 1), line)
#define BAD(text, line) assert_string_equal(tokens(text, sizeof text - 1), "!test: JSON, byte " line)

static void tokens_come_in_order(void **state) {
  (void)state;
  GOOD("{\"a\": [1, -2.5e3, true, false, null, \"x\"], \"\": {}}", "{k(a)[n(1)n(-2500)tf0s(x)]k(){}}");
  GOOD(" [ ] ", "[]");
  GOOD("0.1", "n(0.10000000000000001)");
  GOOD("\"\\u00e9\\ud83d\\ude00\\n\\\"\\/\"", "s(\xc3\xa9\xf0\x9f\x98\x80\n\"/)");
}

static void bad_text_is_named_by_its_byte(void **state) {
  (void)state;
  BAD("", "0: the input ends in the middle");
  BAD("{\"a\": NaN}", "9: NaN, which is no JSON");
  BAD("[-Infinity]", "10: an infinity, which is no JSON");
  BAD("[1e999]", "6: a number too large for a double");
  BAD("[01]", "3: neither a value nor a number");
  BAD("[1,]", "3: neither a value nor a number");
  BAD("[1 2]", "3: a comma or an end was to be here");
  BAD("{1: 2}", "1: a key was to be here");
  BAD("{\"a\" 2}", "5: a colon was to be here");
  BAD("{} {}", "3: something follows the value");
  BAD("\"\xff\"", "3: a text that is not UTF-8");
  BAD("\"\\ud800x\"", "8: half a surrogate pair");
  BAD("\"\\x\"", "3: an unknown escape");
  BAD("\"a\nb\"", "3: a control character in a text");
}

static void cuts_and_bombs_are_errors(void **state) {
  (void)state;
  static const char text[] = "{\"cifar10\": {\"(0, 1)\": {\"val\": 9.5, \"\\u0041\": [true, null]}}}";
  for (size_t cut = 0; cut < sizeof text - 2; cut++) {
    char *part = malloc(cut ? cut : 1);
    memcpy(part, text, cut);
    assert_int_equal(tokens(part, cut)[0], '!');
    free(part);
  }
  char *bomb = malloc(100000);
  memset(bomb, '[', 100000);
  assert_non_null(strstr(tokens(bomb, 100000), "more than 64 containers nested"));
  memset(bomb, 'a', 100000);
  bomb[0] = '"';
  assert_non_null(strstr(tokens(bomb, 100000), "a text of more than 8192 bytes"));
  memset(bomb, '1', 100000);
  assert_non_null(strstr(tokens(bomb, 100000), "a number of more than 399 characters"));
  free(bomb);
}

static void suite_zero_keys_are_cells(void **state) {
  (void)state;
  char text[256];
  assert_string_equal(nsw_suite_zero_cell("(4, 3, 3, 3, 2, 0)", NULL, text), "nb201");
  assert_string_equal(
      text, "|avg_pool_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|skip_connect~2|");
  assert_string_equal(
      nsw_suite_zero_cell("(0,1,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
                          "0,0,0,0,0,0,0,0,0,0, 0,3,1,2,2,2,4)",
                          NULL, text),
      "nb101");
  assert_string_equal(text,
                      "0100000|0010000|0000000|0000000|0000000|0000000|0000000 "
                      "input,conv1x1,output,maxpool3x3,maxpool3x3,maxpool3x3,conv3x3");
  assert_null(nsw_suite_zero_cell("(4, 3, 3, 3, 2)", NULL, text));
  assert_null(nsw_suite_zero_cell("(4, 3, 3, 3, 2, 5)", NULL, text));
  assert_null(nsw_suite_zero_cell("abcdef", NULL, text));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_come_in_order),
      cmocka_unit_test(bad_text_is_named_by_its_byte),
      cmocka_unit_test(cuts_and_bombs_are_errors),
      cmocka_unit_test(suite_zero_keys_are_cells),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
