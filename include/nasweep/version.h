/* The version of nasweep: here and nowhere else; the Makefile and packages read it from this line. */
#ifndef NASWEEP_VERSION_H
#define NASWEEP_VERSION_H

#define NSW_VERSION "0.2.0"

#endif
