/* The program: from a command line to an exit status. */
#ifndef NSW_CLI_PROGRAM_H
#define NSW_CLI_PROGRAM_H

/* Finds the command, reads its arguments, repairs BLAS and starts MPI where the command asks for it, runs it, and says
 * on rank 0 what failed. Returns the exit status. */
int nsw_program(int argc, char **argv);

#endif
