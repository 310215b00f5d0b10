#include "reconciling.hpp"

#include <fstream>
#include <iostream>
#include <stdexcept>

namespace {

std::ifstream opened(const char *path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
    return file;
}

}  // namespace

int main(int count, char **words) {
    if (count != 3) {
        std::cerr << "usage: reconcile JOURNAL STATEMENT\n";
        return 2;
    }
    try {
        auto journal = opened(words[1]), statement = opened(words[2]);
        const auto settled = reconciling::settled(journal), paid = reconciling::paid(statement);
        for (const auto &line : reconciling::sums(settled)) std::cout << line << '\n';
        const auto found = reconciling::differences(settled, paid);
        for (const auto &line : found) std::cout << line << '\n';
        if (found.empty()) std::cout << "all " << settled.size() << " payments agree\n";
        return found.empty() ? 0 : 1;
    } catch (const std::runtime_error &error) {
        std::cerr << "reconcile: " << error.what() << '\n';
        return 2;
    }
}
