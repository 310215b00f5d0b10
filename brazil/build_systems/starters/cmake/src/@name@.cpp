#include "@name@.hpp"

int @name@::add(int a, int b)
{
    return a + b;
}
