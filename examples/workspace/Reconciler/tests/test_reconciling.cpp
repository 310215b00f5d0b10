#include "reconciling.hpp"

#include <shop_events.hpp>

#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace {

int failures = 0;

void check(bool holds, const char *condition, int line) {
    if (holds) return;
    ++failures;
    std::cerr << "test_reconciling.cpp:" << line << ": " << condition << '\n';
}

#define CHECK(condition) check((condition), #condition, __LINE__)

bool fails(const std::function<void()> &attempt) {
    try {
        attempt();
    } catch (const std::runtime_error &) {
        return true;
    }
    return false;
}

using Lines = std::vector<std::string>;

reconciling::Payments settled(const std::string &text) {
    std::istringstream stream(text);
    return reconciling::settled(stream);
}

reconciling::Payments paid(const std::string &text) {
    std::istringstream stream(text);
    return reconciling::paid(stream);
}

const std::string JOURNAL = "Posted\to/bob\tbuyer:ada\tEUR\t-6667\n"
                            "Settled\to/bob\tbob\tEUR\t6667\tcard-0001\n"
                            "Settled\to/cem\tcem\tEUR\t3333\tcard-0002\n"
                            "Settled\tp/bob\tbob\tJPY\t70\tcard-0003\n"
                            "Refused\tp/cem\tcem\tover the limit\n";
const std::string STATEMENT = "card-0001\tEUR\t6667\ncard-0002\tEUR\t3333\ncard-0003\tJPY\t70\n";

void test_agreement() {
    CHECK(reconciling::differences(settled(JOURNAL), paid(STATEMENT)).empty());
    CHECK((reconciling::sums(settled(JOURNAL)) == Lines{"EUR  100.00 in 2 payments", "JPY  70 in 1 payment"}));
    CHECK(reconciling::differences(settled(""), paid("")).empty());
}

void test_differences() {
    const auto found = reconciling::differences(settled(JOURNAL), paid("card-0001\tEUR\t6668\ncard-0003\tJPY\t70\n"
                                                                       "card-0009\tEUR\t1\n"));
    CHECK((found == Lines{"card-0001: settled 66.67 EUR, the statement says 66.68 EUR",
                          "card-0002: settled, and not on the statement",
                          "card-0009: on the statement, and not settled"}));
}

void test_what_cannot_be_read() {
    CHECK(fails([] { settled("Settled\to/bob\tbob\tEUR\tx\tcard-0001\n"); }));
    CHECK(fails([] { settled(JOURNAL + "Settled\tq\tbob\tEUR\t1\tcard-0001\n"); }));
    for (const auto *line : {"card-0001\n", "card-0001\tEUR\n", "card-0001\tEUR\t1.5\n", "card-0001\tEUR\t1\t2\n"})
        CHECK(fails([line] { paid(line); }));
    CHECK(fails([] { reconciling::sums(paid("a\tXXX\t1\n")); }));
    CHECK(fails([] { reconciling::sums(paid("a\tEUR\t9223372036854775807\nb\tEUR\t1\n")); }));
}

void test_records_come_back() {
    shop_events::Refused refused;
    refused.order = "o\t1\\n";
    refused.seller = "line\nend";
    const auto again = shop_events::Refused::read(refused.write() + "\n");
    CHECK(again && again->order == refused.order && again->seller == refused.seller && again->reason.empty());
}

}  // namespace

int main() {
    test_agreement();
    test_differences();
    test_what_cannot_be_read();
    test_records_come_back();
    std::cout << (failures ? "failed" : "ok") << '\n';
    return failures ? 1 : 0;
}
