#include "reconciling.hpp"

#include <charconv>
#include <istream>
#include <stdexcept>
#include <utility>

#include <moneykit.h>
#include <shop_events.hpp>

namespace reconciling {

namespace {

std::string shown(const Payment &payment) {
    char text[MONEY_TEXT_SIZE];
    const int status = money_format(payment.minor, payment.currency.c_str(), text, sizeof text);
    if (status != MONEY_OK) throw std::runtime_error(payment.currency + ": " + money_status_text(status));
    return text;
}

void add(Payments &payments, const std::string &reference, Payment payment) {
    if (!payments.emplace(reference, std::move(payment)).second)
        throw std::runtime_error(reference + " is there twice");
}

}  // namespace

Payments settled(std::istream &journal) {
    Payments found;
    for (std::string line; std::getline(journal, line);) {
        try {
            if (const auto order = shop_events::Settled::read(line))
                add(found, order->reference, {order->currency, order->minor});
        } catch (const std::invalid_argument &error) {
            throw std::runtime_error("journal: " + std::string(error.what()));
        }
    }
    return found;
}

Payments paid(std::istream &statement) {
    Payments found;
    for (std::string line; std::getline(statement, line);) {
        const auto first = line.find('\t'), second = line.find('\t', first + 1);
        Payment payment;
        if (second != std::string::npos) {
            payment.currency = line.substr(first + 1, second - first - 1);
            const char *const end = line.data() + line.size();
            const auto [read, error] = std::from_chars(line.data() + second + 1, end, payment.minor);
            if (error == std::errc{} && read == end) {
                add(found, line.substr(0, first), std::move(payment));
                continue;
            }
        }
        throw std::runtime_error("statement: not a payment: " + line);
    }
    return found;
}

std::vector<std::string> differences(const Payments &settled, const Payments &paid) {
    std::vector<std::string> found;
    for (const auto &[reference, payment] : settled) {
        const auto other = paid.find(reference);
        if (other == paid.end())
            found.push_back(reference + ": settled, and not on the statement");
        else if (!(other->second == payment))
            found.push_back(reference + ": settled " + shown(payment) + " " + payment.currency + ", the statement says " +
                            shown(other->second) + " " + other->second.currency);
    }
    for (const auto &[reference, payment] : paid)
        if (settled.count(reference) == 0) found.push_back(reference + ": on the statement, and not settled");
    return found;
}

std::vector<std::string> sums(const Payments &payments) {
    std::map<std::string, std::pair<std::int64_t, int>> totals;
    for (const auto &[reference, payment] : payments) {
        auto &[total, count] = totals[payment.currency];
        const int status = money_add(total, payment.minor, &total);
        if (status != MONEY_OK) throw std::runtime_error(payment.currency + ": " + money_status_text(status));
        ++count;
    }
    std::vector<std::string> found;
    for (const auto &[currency, total] : totals)
        found.push_back(currency + "  " + shown({currency, total.first}) + " in " + std::to_string(total.second) +
                        (total.second == 1 ? " payment" : " payments"));
    return found;
}

}  // namespace reconciling
