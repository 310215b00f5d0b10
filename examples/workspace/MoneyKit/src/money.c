/* money: the library from a shell. Exit code 0, 1 for an operation that has no answer, 2 for wrong usage. */

#include "moneykit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fputs("usage: money add A B CURRENCY\n"
          "       money subtract A B CURRENCY\n"
          "       money split AMOUNT CURRENCY WEIGHT...\n",
          stderr);
    return 2;
}

static int fail(const char *about, int status)
{
    fprintf(stderr, "money: %s: %s\n", about, money_status_text(status));
    return 1;
}

static int print_amount(int64_t minor, const char *currency)
{
    char text[MONEY_TEXT_SIZE];
    const int status = money_format(minor, currency, text, sizeof text);

    if (status != MONEY_OK)
        return fail(currency, status);
    puts(text);
    return 0;
}

static int combine(int (*operation)(int64_t, int64_t, int64_t *), char **words)
{
    int64_t a, b, answer;
    int status;

    if ((status = money_parse(words[0], words[2], &a)) != MONEY_OK)
        return fail(words[0], status);
    if ((status = money_parse(words[1], words[2], &b)) != MONEY_OK)
        return fail(words[1], status);
    if ((status = operation(a, b, &answer)) != MONEY_OK)
        return fail("the result", status);
    return print_amount(answer, words[2]);
}

static int split(char **words, size_t count)
{
    int64_t *weights = calloc(2 * count, sizeof *weights);
    int64_t amount;
    int code = 0, status = money_parse(words[0], words[1], &amount);

    if (weights == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        char *end;
        errno = 0;
        weights[i] = strtoll(words[2 + i], &end, 10);
        if (*words[2 + i] == 0 || *end || errno) {
            free(weights);
            return usage();
        }
    }
    if (status == MONEY_OK)
        status = money_split(amount, weights, count, weights + count);
    if (status != MONEY_OK)
        code = fail(words[0], status);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = print_amount(weights[count + i], words[1]);
    free(weights);
    return code;
}

int main(int count, char **words)
{
    if (count == 5 && strcmp(words[1], "add") == 0)
        return combine(money_add, words + 2);
    if (count == 5 && strcmp(words[1], "subtract") == 0)
        return combine(money_subtract, words + 2);
    if (count >= 5 && strcmp(words[1], "split") == 0)
        return split(words + 2, (size_t)count - 4);
    return usage();
}
