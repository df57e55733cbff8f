#include "base/version.h"

#include "git_version.h" /* made by the Makefile */
#include "nasweep/version.h"

const char *nsw_version(void) { return NSW_VERSION; }
const char *nsw_git(void) { return NSW_GIT; }
