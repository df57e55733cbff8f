#include "cli/program.h"

int main(int argc, char **argv) { return nsw_program(argc, argv); }
