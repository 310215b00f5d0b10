#include <@name@.h>

int main(void)
{
    return @name@_add(2, 3) == 5 ? 0 : 1;
}
