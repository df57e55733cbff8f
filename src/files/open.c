/* A file as people keep it: plain, packed, or alone in a zip archive. */
#include "files/input.h"
#include "files/kind.h"
#include "files/zip.h"

static int open_zip(const char *path, uint64_t most, struct nsw_input **input, struct nsw_error *err) {
  struct nsw_zip_member member;
  int status = nsw_zip_only(path, &member, err);
  if (status) return status;
  status = nsw_input_file(path, member.offset, member.packed, input, err);
  if (status || member.stored) return status;
  struct nsw_input *packed = *input;
  return nsw_input_unpack(NSW_DEFLATE, packed, member.size < most ? member.size : most, input, err);
}

int nsw_input_open(const char *path, uint64_t most, struct nsw_input **input, struct nsw_error *err) {
  enum nsw_file_kind kind;
  *input = NULL;
  int status = nsw_kind_of(path, &kind, err);
  if (status) return status;
  if (nsw_kind_useless(kind)) return nsw_fail(err, "%s: %s", path, nsw_kind_useless(kind));
  if (kind == NSW_KIND_FOLDER) return nsw_fail(err, "%s: is a folder; name a file in it", path);
  if (kind == NSW_KIND_TAR || kind == NSW_KIND_PICKLE || kind == NSW_KIND_HDF5)
    return nsw_fail(err, "%s: is %s%s", path, nsw_kind_name(kind),
                    kind == NSW_KIND_TAR ? ": unpack it (`tar xf`) and name a file of it" : ", not what is read here");
  if (kind == NSW_KIND_ZIP) return open_zip(path, most, input, err);
  struct nsw_input *whole;
  status = nsw_input_file(path, 0, NSW_TO_THE_END, &whole, err);
  if (status) return status;
  if (kind == NSW_KIND_GZIP) return nsw_input_unpack(NSW_GZIP, whole, most, input, err);
  if (kind == NSW_KIND_BZIP2) return nsw_input_unpack(NSW_BZIP2, whole, most, input, err);
  if (kind == NSW_KIND_XZ) return nsw_input_unpack(NSW_XZ, whole, most, input, err);
  *input = whole;
  return NSW_OK;
}
