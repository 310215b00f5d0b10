/* Tables of known answers, then 200,000 random splits against the laws every split must keep. */

#include "moneykit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef __int128 wide;

static int failures;
static int checks;

#define CHECK(condition) check((condition) != 0, #condition, __LINE__)

static void check(int holds, const char *condition, int line)
{
    checks++;
    if (holds)
        return;
    failures++;
    fprintf(stderr, "check_moneykit.c:%d: %s\n", line, condition);
}

static void check_parse(void)
{
    static const struct {
        const char *text, *currency;
        int status;
        int64_t minor;
    } CASES[] = {
        {"12.34", "EUR", MONEY_OK, 1234},
        {"12", "EUR", MONEY_OK, 1200},
        {"12.3", "EUR", MONEY_OK, 1230},
        {"-0.05", "USD", MONEY_OK, -5},
        {"1.234", "KWD", MONEY_OK, 1234},
        {"12", "JPY", MONEY_OK, 12},
        {"92233720368547758.07", "EUR", MONEY_OK, INT64_MAX},
        {"-92233720368547758.08", "EUR", MONEY_OK, INT64_MIN},
        {"92233720368547758.08", "EUR", MONEY_RANGE, 0},
        {"-92233720368547758.09", "EUR", MONEY_RANGE, 0},
        {"99999999999999999999", "JPY", MONEY_RANGE, 0},
        {"99999999999999999999x", "JPY", MONEY_SYNTAX, 0},
        {"", "EUR", MONEY_SYNTAX, 0},
        {"-", "EUR", MONEY_SYNTAX, 0},
        {"--1", "EUR", MONEY_SYNTAX, 0},
        {"+1", "EUR", MONEY_SYNTAX, 0},
        {" 1", "EUR", MONEY_SYNTAX, 0},
        {".5", "EUR", MONEY_SYNTAX, 0},
        {"5.", "EUR", MONEY_SYNTAX, 0},
        {"1.2.3", "EUR", MONEY_SYNTAX, 0},
        {"1,20", "EUR", MONEY_SYNTAX, 0},
        {"1.234", "EUR", MONEY_SYNTAX, 0},
        {"1.0", "JPY", MONEY_SYNTAX, 0},
        {"1", "eur", MONEY_CURRENCY, 0},
        {"1", "XXX", MONEY_CURRENCY, 0},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        int64_t minor = 77;
        const int status = money_parse(CASES[i].text, CASES[i].currency, &minor);
        if (status != CASES[i].status || minor != (status == MONEY_OK ? CASES[i].minor : 77))
            fprintf(stderr, "parse '%s' %s\n", CASES[i].text, CASES[i].currency);
        CHECK(status == CASES[i].status);
        CHECK(minor == (status == MONEY_OK ? CASES[i].minor : 77));
    }
}

static void check_format(void)
{
    char text[MONEY_TEXT_SIZE];
    int64_t back;

    CHECK(money_format(-5, "EUR", text, sizeof text) == MONEY_OK && strcmp(text, "-0.05") == 0);
    CHECK(money_format(12, "JPY", text, sizeof text) == MONEY_OK && strcmp(text, "12") == 0);
    CHECK(money_format(1234, "KWD", text, sizeof text) == MONEY_OK && strcmp(text, "1.234") == 0);
    CHECK(money_format(INT64_MIN, "KWD", text, sizeof text) == MONEY_OK);
    CHECK(money_parse(text, "KWD", &back) == MONEY_OK && back == INT64_MIN);
    CHECK(money_format(1234, "EUR", text, 5) == MONEY_RANGE);
    CHECK(money_format(1234, "EUR", text, 6) == MONEY_OK && strcmp(text, "12.34") == 0);
    CHECK(money_format(1, "XXX", text, sizeof text) == MONEY_CURRENCY);
}

static void check_sums(void)
{
    int64_t answer = 77;

    CHECK(money_add(INT64_MAX, 1, &answer) == MONEY_RANGE && answer == 77);
    CHECK(money_subtract(INT64_MIN, 1, &answer) == MONEY_RANGE && answer == 77);
    CHECK(money_add(INT64_MAX, INT64_MIN, &answer) == MONEY_OK && answer == -1);
    CHECK(money_subtract(10, 20, &answer) == MONEY_OK && answer == -10);
}

static void check_split_table(void)
{
    int64_t parts[3] = {7, 7, 7};

    CHECK(money_split(100, (int64_t[]){1, 1, 1}, 3, parts) == MONEY_OK);
    CHECK(parts[0] == 34 && parts[1] == 33 && parts[2] == 33);
    CHECK(money_split(-100, (int64_t[]){1, 1, 1}, 3, parts) == MONEY_OK);
    CHECK(parts[0] == -34 && parts[1] == -33 && parts[2] == -33);
    CHECK(money_split(200, (int64_t[]){1, 1, 1}, 3, parts) == MONEY_OK);
    CHECK(parts[0] == 67 && parts[1] == 67 && parts[2] == 66);
    CHECK(money_split(10, (int64_t[]){1, 2, 4}, 3, parts) == MONEY_OK); /* 1.43, 2.86, 5.71 */
    CHECK(parts[0] == 1 && parts[1] == 3 && parts[2] == 6);
    CHECK(money_split(5, (int64_t[]){0, 1, 0}, 3, parts) == MONEY_OK);
    CHECK(parts[0] == 0 && parts[1] == 5 && parts[2] == 0);
    CHECK(money_split(INT64_MIN, (int64_t[]){INT64_MAX, INT64_MAX}, 2, parts) == MONEY_OK);
    CHECK(parts[0] == INT64_MIN / 2 && parts[1] == INT64_MIN / 2);
    CHECK(money_split(1, (int64_t[]){1, -1}, 2, parts) == MONEY_WEIGHTS);
    CHECK(money_split(1, (int64_t[]){0, 0}, 2, parts) == MONEY_WEIGHTS);
    CHECK(money_split(1, parts, 0, parts) == MONEY_WEIGHTS);
}

/* xorshift64: the same numbers in every run. */
static uint64_t random_bits(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* A number below two to the power of a random 0 to `bits`, so that small ones are as common as large ones. */
static int64_t random_number(int bits)
{
    const int wanted = (int)(random_bits() % ((uint64_t)bits + 1));

    return wanted == 0 ? 0 : (int64_t)(random_bits() >> (64 - wanted));
}

static void check_split_laws(void)
{
    enum { LARGEST = 8 };

    for (int round = 0; round < 200000 && failures == 0; round++) {
        const size_t count = 1 + random_bits() % LARGEST;
        const int sign = random_bits() % 2 ? 1 : -1;
        const int64_t amount = sign * random_number(63);
        int64_t weights[LARGEST], parts[LARGEST], sum = 0;
        wide total = 0;

        for (size_t i = 0; i < count; i++)
            total += weights[i] = random_number(60); /* so that `off` fits */
        if (total == 0)
            continue;
        CHECK(money_split(amount, weights, count, parts) == MONEY_OK);
        for (size_t i = 0; i < count; i++) {
            /* Every part is within one unit of its exact share. */
            const wide off = parts[i] * total - (wide)amount * weights[i];
            CHECK(off > -total && off < total);
            CHECK(money_add(sum, parts[i], &sum) == MONEY_OK);
        }
        CHECK(sum == amount);
    }
}

int main(void)
{
    check_parse();
    check_format();
    check_sums();
    check_split_table();
    check_split_laws();
    printf("moneykit: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
