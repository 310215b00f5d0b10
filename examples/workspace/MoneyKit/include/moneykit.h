/* Exact money arithmetic.
 *
 * An amount is a signed 64-bit count of a currency's minor units: 12.34 EUR is 1234, 12 JPY is 12. Every function
 * either gives the exact answer or a status other than MONEY_OK, and then leaves its results untouched.
 */
#ifndef MONEYKIT_H
#define MONEYKIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum money_status {
    MONEY_OK = 0,
    MONEY_SYNTAX = 1,   /* the text is no amount of this currency */
    MONEY_RANGE = 2,    /* the answer does not fit, in 64 bits or in the buffer */
    MONEY_CURRENCY = 3, /* the currency is not known */
    MONEY_WEIGHTS = 4   /* no weight, a negative weight, or all weights zero */
};

/* Enough for any amount, its sign, its point and the final zero. */
#define MONEY_TEXT_SIZE 24

/* How many digits follow the point, or -1 for an unknown currency (ISO 4217 code, upper case). */
int money_exponent(const char *currency);

/* Reads "12.34", "-0.5" or "12": digits, then at most as many decimals as the currency has. No spaces, no '+'. */
int money_parse(const char *text, const char *currency, int64_t *minor);

/* Writes an amount with all its decimals. `size` counts the final zero. */
int money_format(int64_t minor, const char *currency, char *text, size_t size);

int money_add(int64_t a, int64_t b, int64_t *sum);
int money_subtract(int64_t a, int64_t b, int64_t *difference);

/* Splits an amount by weight so that the parts sum to exactly the amount (largest remainder): every part is the
 * exact share rounded towards zero, and the units left over go one each to the largest remainders, the earlier part
 * first where they are equal. `parts` and `weights` hold `count` values and must not overlap. */
int money_split(int64_t amount, const int64_t *weights, size_t count, int64_t *parts);

/* One sentence about a status; never NULL. */
const char *money_status_text(int status);

#ifdef __cplusplus
}
#endif

#endif
