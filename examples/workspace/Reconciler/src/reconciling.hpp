// Compares payments that the shop settled with payments that the provider made.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace reconciling {

struct Payment {
    std::string currency;
    std::int64_t minor = 0;

    bool operator==(const Payment &other) const { return currency == other.currency && minor == other.minor; }
};

using Payments = std::map<std::string, Payment>;  // by the provider's reference

// What the shop settled. Throws std::runtime_error when a line is wrong, or a reference is there twice.
Payments settled(std::istream &journal);

// What the provider paid. Throws like `settled`.
Payments paid(std::istream &statement);

// Every difference, one sentence each, sorted by reference; empty: they agree.
std::vector<std::string> differences(const Payments &settled, const Payments &paid);

// The sum of each currency, such as "EUR  100.00 in 2 payments". Throws std::runtime_error when one does not fit.
std::vector<std::string> sums(const Payments &payments);

}  // namespace reconciling
