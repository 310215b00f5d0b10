#include "@name@.h"

int @name@_add(int a, int b)
{
    return a + b;
}
