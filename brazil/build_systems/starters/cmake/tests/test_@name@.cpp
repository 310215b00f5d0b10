#include <@name@.hpp>

int main()
{
    return @name@::add(2, 3) == 5 ? 0 : 1;
}
