#pragma once

namespace @name@ {

/// Returns the sum of two numbers.
int add(int a, int b);

}
