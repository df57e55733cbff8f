/* Version of the program and the commit it was built from. */
#ifndef NSW_BASE_VERSION_H
#define NSW_BASE_VERSION_H

/* As nasweep/version.h has it: "MAJOR.MINOR.PATCH". */
const char *nsw_version(void);

/* `git describe --always --dirty` of the tree that was compiled, or "unknown". */
const char *nsw_git(void);

#endif
