#ifndef @name@_h
#define @name@_h

/* Returns the sum of two numbers. */
int @name@_add(int a, int b);

#endif
