# The program, as a shell sees it. Usage: sh check_money.sh path/to/money
set -eu
money=$1

expect() {
    wanted=$1
    shift
    got=$("$money" "$@" 2>&1) || got="$got (exit $?)"
    if [ "$got" != "$wanted" ]; then
        echo "money $*: wanted '$wanted', got '$got'" >&2
        exit 1
    fi
}

expect "0.30" add 0.10 0.20 EUR
expect "-0.10" subtract 0.10 0.20 EUR
expect "33.34
33.33
33.33" split 100.00 EUR 1 1 1
expect "money: 1.5: not an amount of this currency (exit 1)" add 1.5 1 JPY
expect "money: the result: the amount is out of range (exit 1)" add 9223372036854775807 1 JPY
expect "money: 1: unknown currency (exit 1)" split 1 XXX 1
"$money" split 1 EUR x 2> /dev/null && exit 1 || [ $? -eq 2 ]
echo "money: ok"
