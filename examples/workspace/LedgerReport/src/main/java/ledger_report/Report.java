package ledger_report;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Currency;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import shop_events.Posted;

/** Sums up postings by account and currency. */
public final class Report {
    /** Whose balance. */
    record Account(String name, String currency) implements Comparable<Account> {
        @Override
        public int compareTo(Account other) {
            int byName = name.compareTo(other.name);
            return byName != 0 ? byName : currency.compareTo(other.currency);
        }
    }

    private final Map<Account, Long> balances = new TreeMap<>();
    private final Map<String, Long> totals = new TreeMap<>();
    private int postings;

    /**
     * Reads a journal.
     *
     * @throws IllegalArgumentException a posting cannot be read
     * @throws ArithmeticException a balance does not fit in 64 bits
     */
    public Report(Stream<String> journal) {
        journal.forEach(line -> Posted.read(line).ifPresent(this::add));
    }

    private void add(Posted posted) {
        balances.merge(new Account(posted.account(), posted.currency()), posted.minor(), Math::addExact);
        totals.merge(posted.currency(), posted.minor(), Math::addExact);
        postings++;
    }

    /** Whether the postings of every currency sum to zero. */
    public boolean balances() {
        return totals.values().stream().allMatch(total -> total == 0);
    }

    /** The report, line by line. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        int names = balances.keySet().stream().mapToInt(account -> account.name().length()).max().orElse(0);
        List<String> amounts =
                balances.entrySet().stream().map(e -> shown(e.getValue(), e.getKey().currency())).toList();
        int width = amounts.stream().mapToInt(String::length).max().orElse(0);
        int at = 0;
        for (Account account : balances.keySet()) {
            String amount = amounts.get(at++);
            lines.add(account.name() + " ".repeat(names - account.name().length() + 2 + width - amount.length()) + amount);
        }
        String together = totals.entrySet().stream()
                .map(total -> shown(total.getValue(), total.getKey()))
                .collect(Collectors.joining(", "));
        lines.add(balances.size() + " accounts, " + postings + " postings, and together " + together);
        return lines;
    }

    static String shown(long minor, String currency) {
        int digits = Currency.getInstance(currency).getDefaultFractionDigits();
        return BigDecimal.valueOf(minor, digits).toPlainString() + " " + currency;
    }
}
