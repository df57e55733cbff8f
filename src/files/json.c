#include "files/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/utf8.h"

enum { WINDOW = 1 << 16, NO_MORE = -1, FAILED = -2 };

/* What may come next. */
enum state { VALUE, FIRST_ITEM, FIRST_KEY, AFTER_KEY, AFTER_ITEM, DONE };

struct nsw_json {
  struct nsw_input *input;
  struct nsw_error *err; /* of the current call */
  size_t at, end;        /* unread bytes of the window */
  uint64_t offset;       /* of window[0] in the input */
  uint64_t token_at;     /* where the last token began */
  enum state state;
  char open[NSW_JSON_DEPTH]; /* '{' or '[' of every open container */
  int depth;
  double number;
  size_t text_size;
  char text[NSW_JSON_TEXT_MOST + 8];
  uint8_t window[WINDOW];
};

int nsw_json_open(struct nsw_input *input, struct nsw_json **json, struct nsw_error *err) {
  *json = malloc(sizeof **json);
  if (!*json) return nsw_fail(err, "%s: not enough memory", nsw_input_name(input));
  memset(*json, 0, offsetof(struct nsw_json, window));
  (*json)->input = input;
  return NSW_OK;
}

static int bad(const struct nsw_json *j, const char *what) {
  return nsw_fail(j->err, "%s: JSON, byte %llu: %s", nsw_input_name(j->input), (unsigned long long)(j->offset + j->at),
                  what);
}

/* The next byte without passing over it; NO_MORE at the end, FAILED with the error set. */
static int peek(struct nsw_json *j) {
  if (j->at < j->end) return j->window[j->at];
  j->offset += j->at;
  j->at = j->end = 0;
  size_t got;
  if (nsw_input_read(j->input, j->window, WINDOW, &got, j->err)) return FAILED;
  j->end = got;
  return got ? j->window[0] : NO_MORE;
}

static int take(struct nsw_json *j) {
  int byte = peek(j);
  if (byte >= 0) j->at++;
  return byte;
}

static int peek_solid(struct nsw_json *j) {
  int byte = peek(j);
  while (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r') {
    j->at++;
    byte = peek(j);
  }
  return byte;
}

/* The error for a byte that should not be there: NO_MORE, FAILED or any. */
static int unexpected(struct nsw_json *j, int byte, const char *what) {
  if (byte == FAILED) return NSW_FAILED;
  return byte == NO_MORE ? bad(j, "the input ends in the middle") : bad(j, what);
}

/* ---- texts ---- */

static int add_byte(struct nsw_json *j, int byte) {
  if (j->text_size == NSW_JSON_TEXT_MOST) return bad(j, "a text of more than 8192 bytes");
  j->text[j->text_size++] = (char)byte;
  return NSW_OK;
}

static int add_character(struct nsw_json *j, uint32_t code) {
  if (code < 0x80) return add_byte(j, (int)code);
  int bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  int status = add_byte(j, (int)((0xf00u >> bytes & 0xff) | code >> 6 * (bytes - 1)));
  for (int i = bytes - 2; !status && i >= 0; i--) status = add_byte(j, (int)(0x80 | (code >> 6 * i & 0x3f)));
  return status;
}

static int hexadecimal(struct nsw_json *j, uint32_t *code) {
  *code = 0;
  for (int i = 0; i < 4; i++) {
    int c = take(j);
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return unexpected(j, c, "a damaged escape");
    *code = *code * 16 + (uint32_t)digit;
  }
  return NSW_OK;
}

static int escape(struct nsw_json *j) {
  static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  uint32_t code, low;
  int byte = take(j);
  const char *known = byte > 0 ? strchr(plain, byte) : NULL;
  if (known) return add_byte(j, meant[known - plain]);
  if (byte != 'u') return unexpected(j, byte, "an unknown escape");
  int status = hexadecimal(j, &code);
  if (!status && code >> 10 == 0x36) { /* the first half of a pair */
    if (take(j) != '\\' || take(j) != 'u') return bad(j, "half a surrogate pair");
    status = hexadecimal(j, &low);
    if (!status && low >> 10 != 0x37) status = bad(j, "half a surrogate pair");
    code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
  } else if (!status && code >> 10 == 0x37) {
    status = bad(j, "half a surrogate pair");
  }
  return status ? status : add_character(j, code);
}

static int read_text(struct nsw_json *j) {
  j->text_size = 0;
  j->at++;
  for (;;) {
    int byte = take(j), status = NSW_OK;
    if (byte == '"') break;
    if (byte == '\\')
      status = escape(j);
    else if (byte < ' ')
      status = unexpected(j, byte, "a control character in a text");
    else
      status = add_byte(j, byte);
    if (status) return status;
  }
  j->text[j->text_size] = 0;
  return nsw_utf8_valid(j->text, j->text_size) ? NSW_OK : bad(j, "a text that is not UTF-8");
}

/* ---- numbers and words ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Whether text is what RFC 8259 calls a number. */
static bool is_number(const char *text) {
  if (*text == '-') text++;
  if (*text == '0')
    text++;
  else if (is_digit(*text))
    while (is_digit(*text)) text++;
  else
    return false;
  if (*text == '.') {
    if (!is_digit(*++text)) return false;
    while (is_digit(*text)) text++;
  }
  if (*text == 'e' || *text == 'E') {
    text++;
    if (*text == '+' || *text == '-') text++;
    if (!is_digit(*text)) return false;
    while (is_digit(*text)) text++;
  }
  return !*text;
}

/* Collects a run of word characters: a number, true, false, null, or something that is none of these. */
static int read_word(struct nsw_json *j, enum nsw_json_token *token) {
  char word[400];
  size_t n = 0;
  int byte;
  while ((byte = peek(j)) > ' ' && byte < 127 && !strchr(",]}:[{\"", byte)) {
    if (n == sizeof word - 1) return bad(j, "a number of more than 399 characters");
    word[n++] = (char)byte;
    j->at++;
  }
  if (byte == FAILED) return NSW_FAILED;
  word[n] = 0;
  *token = NSW_JSON_NUMBER;
  if (is_number(word)) {
    j->number = strtod(word, NULL);
    return isfinite(j->number) ? NSW_OK : bad(j, "a number too large for a double");
  }
  if (!strcmp(word, "true"))
    *token = NSW_JSON_TRUE;
  else if (!strcmp(word, "false"))
    *token = NSW_JSON_FALSE;
  else if (!strcmp(word, "null"))
    *token = NSW_JSON_NULL;
  else if (!strcmp(word, "NaN"))
    return bad(j, "NaN, which is no JSON");
  else if (!strcmp(word, "Infinity") || !strcmp(word, "-Infinity"))
    return bad(j, "an infinity, which is no JSON");
  else
    return unexpected(j, n ? 0 : byte, "neither a value nor a number");
  return NSW_OK;
}

/* ---- structure ---- */

static int open_container(struct nsw_json *j, char kind, enum nsw_json_token *token) {
  if (j->depth == NSW_JSON_DEPTH) return bad(j, "more than 64 containers nested");
  j->at++;
  j->open[j->depth++] = kind;
  j->state = kind == '{' ? FIRST_KEY : FIRST_ITEM;
  *token = kind == '{' ? NSW_JSON_OBJECT : NSW_JSON_ARRAY;
  return NSW_OK;
}

static int close_container(struct nsw_json *j, enum nsw_json_token *token) {
  j->at++;
  *token = j->open[--j->depth] == '{' ? NSW_JSON_OBJECT_END : NSW_JSON_ARRAY_END;
  j->state = j->depth ? AFTER_ITEM : DONE;
  return NSW_OK;
}

static int read_value(struct nsw_json *j, int byte, enum nsw_json_token *token) {
  if (byte == '{' || byte == '[') return open_container(j, (char)byte, token);
  *token = NSW_JSON_TEXT;
  int status = byte == '"' ? read_text(j) : read_word(j, token);
  j->state = j->depth ? AFTER_ITEM : DONE;
  return status;
}

static int read_key(struct nsw_json *j, int byte, enum nsw_json_token *token) {
  if (byte != '"') return unexpected(j, byte, "a key was to be here");
  int status = read_text(j);
  if (status) return status;
  byte = peek_solid(j);
  if (byte != ':') return unexpected(j, byte, "a colon was to be here");
  j->at++;
  j->state = AFTER_KEY;
  *token = NSW_JSON_KEY;
  return NSW_OK;
}

int nsw_json_next(struct nsw_json *j, enum nsw_json_token *token, struct nsw_error *err) {
  j->err = err;
  int byte = peek_solid(j);
  char closing = j->depth && j->open[j->depth - 1] == '{' ? '}' : ']';
  j->token_at = j->offset + j->at;
  switch (j->state) {
    case DONE:
      *token = NSW_JSON_END;
      return byte == NO_MORE ? NSW_OK : unexpected(j, byte, "something follows the value");
    case VALUE:
    case AFTER_KEY:
      return read_value(j, byte, token);
    case FIRST_ITEM:
      return byte == closing ? close_container(j, token) : read_value(j, byte, token);
    case FIRST_KEY:
      return byte == closing ? close_container(j, token) : read_key(j, byte, token);
    case AFTER_ITEM:
      if (byte == closing) return close_container(j, token);
      if (byte != ',') return unexpected(j, byte, "a comma or an end was to be here");
      j->at++;
      byte = peek_solid(j);
      j->token_at = j->offset + j->at;
      return closing == '}' ? read_key(j, byte, token) : read_value(j, byte, token);
  }
  return NSW_FAILED;
}

int nsw_json_skip(struct nsw_json *json, enum nsw_json_token token, struct nsw_error *err) {
  int depth = 0;
  for (;;) {
    if (token == NSW_JSON_OBJECT || token == NSW_JSON_ARRAY) depth++;
    if (token == NSW_JSON_OBJECT_END || token == NSW_JSON_ARRAY_END) depth--;
    if (depth <= 0) return NSW_OK;
    int status = nsw_json_next(json, &token, err);
    if (status) return status;
  }
}

const char *nsw_json_text(const struct nsw_json *json) { return json->text; }
size_t nsw_json_text_size(const struct nsw_json *json) { return json->text_size; }
double nsw_json_number(const struct nsw_json *json) { return json->number; }
uint64_t nsw_json_offset(const struct nsw_json *json) { return json->token_at; }

void nsw_json_close(struct nsw_json **json) {
  free(*json);
  *json = NULL;
}
