/* The arithmetic. Nothing here allocates, keeps state or reads the locale. */

#include "moneykit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* 64 bits times 64 bits, exactly: what a weighted share is made from. */
__extension__ typedef unsigned __int128 wide;

/* Sorted by code. */
static const struct {
    char code[4];
    int exponent;
} CURRENCIES[] = {
    {"BHD", 3},
    {"EUR", 2},
    {"GBP", 2},
    {"JPY", 0},
    {"KWD", 3},
    {"USD", 2},
};

int money_exponent(const char *currency)
{
    for (size_t i = 0; i < sizeof CURRENCIES / sizeof *CURRENCIES; i++)
        if (strcmp(currency, CURRENCIES[i].code) == 0)
            return CURRENCIES[i].exponent;
    return -1;
}

/* Appends one decimal digit; the sign goes in with each digit, so that INT64_MIN can be reached. */
static int push_digit(int64_t *value, int sign, int digit)
{
    if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, sign * digit, value))
        return MONEY_RANGE;
    return MONEY_OK;
}

int money_parse(const char *text, const char *currency, int64_t *minor)
{
    const int exponent = money_exponent(currency);
    const int sign = *text == '-' ? -1 : 1;
    int64_t value = 0;
    int whole = 0, decimals = -1; /* -1: no point yet */
    int status = MONEY_OK;

    if (exponent < 0)
        return MONEY_CURRENCY;
    for (text += sign < 0; *text; text++) {
        if (*text == '.' && decimals < 0 && whole > 0 && exponent > 0) {
            decimals = 0;
            continue;
        }
        if (*text < '0' || *text > '9')
            return MONEY_SYNTAX;
        if (decimals < 0)
            whole = 1;
        else if (++decimals > exponent)
            return MONEY_SYNTAX;
        if (status == MONEY_OK)
            status = push_digit(&value, sign, *text - '0');
    }
    if (whole == 0 || decimals == 0)
        return MONEY_SYNTAX;
    for (int i = decimals < 0 ? 0 : decimals; i < exponent && status == MONEY_OK; i++)
        status = push_digit(&value, sign, 0);
    if (status == MONEY_OK)
        *minor = value;
    return status;
}

int money_format(int64_t minor, const char *currency, char *text, size_t size)
{
    const int exponent = money_exponent(currency);
    const uint64_t magnitude = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    char written[MONEY_TEXT_SIZE];
    uint64_t scale = 1;
    int length;

    if (exponent < 0)
        return MONEY_CURRENCY;
    for (int i = 0; i < exponent; i++)
        scale *= 10;
    if (exponent == 0)
        length = snprintf(written, sizeof written, "%s%" PRIu64, minor < 0 ? "-" : "", magnitude);
    else
        length = snprintf(written, sizeof written, "%s%" PRIu64 ".%0*" PRIu64, minor < 0 ? "-" : "",
                          magnitude / scale, exponent, magnitude % scale);
    if (length < 0 || (size_t)length >= size)
        return MONEY_RANGE;
    memcpy(text, written, (size_t)length + 1);
    return MONEY_OK;
}

int money_add(int64_t a, int64_t b, int64_t *sum)
{
    int64_t value;

    if (__builtin_add_overflow(a, b, &value))
        return MONEY_RANGE;
    *sum = value;
    return MONEY_OK;
}

int money_subtract(int64_t a, int64_t b, int64_t *difference)
{
    int64_t value;

    if (__builtin_sub_overflow(a, b, &value))
        return MONEY_RANGE;
    *difference = value;
    return MONEY_OK;
}

int money_split(int64_t amount, const int64_t *weights, size_t count, int64_t *parts)
{
    const uint64_t magnitude = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    uint64_t left = magnitude;
    wide total = 0;

    for (size_t i = 0; i < count; i++) {
        if (weights[i] < 0)
            return MONEY_WEIGHTS;
        total += (uint64_t)weights[i];
    }
    if (total == 0)
        return MONEY_WEIGHTS;

    for (size_t i = 0; i < count; i++) {
        const uint64_t share = (uint64_t)((wide)magnitude * (uint64_t)weights[i] / total);
        parts[i] = (int64_t)(amount < 0 ? 0 - share : share);
        left -= share;
    }
    /* Fewer units are left than there are parts with a remainder, so none is given two. */
    wide ceiling = total;
    size_t after = 0;
    while (left > 0) {
        size_t best = count;
        wide largest = 0;
        for (size_t i = 0; i < count; i++) {
            const wide remainder = (wide)magnitude * (uint64_t)weights[i] % total;
            const int waits = remainder < ceiling || (remainder == ceiling && i >= after);
            if (waits && remainder > largest) {
                largest = remainder;
                best = i;
            }
        }
        parts[best] += amount < 0 ? -1 : 1;
        ceiling = largest;
        after = best + 1;
        left--;
    }
    return MONEY_OK;
}

const char *money_status_text(int status)
{
    switch (status) {
    case MONEY_OK:
        return "ok";
    case MONEY_SYNTAX:
        return "not an amount of this currency";
    case MONEY_RANGE:
        return "the amount is out of range";
    case MONEY_CURRENCY:
        return "unknown currency";
    case MONEY_WEIGHTS:
        return "weights must not be negative, and not all zero";
    default:
        return "unknown status";
    }
}
