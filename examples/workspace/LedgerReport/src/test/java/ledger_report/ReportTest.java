package ledger_report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import shop_events.Posted;

class ReportTest {
    private static Report report(String... lines) {
        return new Report(Stream.of(lines));
    }

    @Test
    void accountsAreSummedUp() {
        Report report = report(
                "Posted\to/bob\tbuyer:ada\tEUR\t-6667", "Posted\to/bob\tseller:bob\tEUR\t6667",
                "Settled\to/bob\tbob\tEUR\t6667\tcard-0001",
                "Posted\to/cem\tbuyer:ada\tEUR\t-3333", "Posted\to/cem\tseller:cem\tEUR\t3333");
        assertEquals(
                List.of("buyer:ada   -100.00 EUR", "seller:bob    66.67 EUR", "seller:cem    33.33 EUR",
                        "3 accounts, 4 postings, and together 0.00 EUR"),
                report.lines());
        assertTrue(report.balances());
    }

    @Test
    void aCurrencyHasItsOwnDecimals() {
        assertEquals("-5 JPY", Report.shown(-5, "JPY"));
        assertEquals("0.005 KWD", Report.shown(5, "KWD"));
        assertThrows(IllegalArgumentException.class, () -> Report.shown(1, "NONE"));
    }

    @Test
    void whatDoesNotBalanceIsTold() {
        assertFalse(report("Posted\te\ta\tEUR\t5", "Posted\te\tb\tUSD\t-5").balances());
    }

    @Test
    void aSumThatDoesNotFitIsRefused() {
        String most = "Posted\te\ta\tEUR\t" + Long.MAX_VALUE;
        assertThrows(ArithmeticException.class, () -> report(most, "Posted\te\ta\tEUR\t1"));
    }

    @Test
    void aWrongLineIsRefused() {
        for (String line : List.of("Posted\te\ta\tEUR", "Posted\te\ta\tEUR\t+1", "Posted\te\t\\x\tEUR\t1")) {
            assertThrows(IllegalArgumentException.class, () -> report(line), line);
        }
    }

    @Test
    void recordsComeBack() {
        Posted posted = new Posted("e\t1", "a\\b\nc", "EUR", Long.MIN_VALUE);
        assertEquals(posted, Posted.read(posted.write()).orElseThrow());
    }
}
