package ledger_report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The program: exit code 0, 1 when the journal does not balance, 2 when it cannot be read. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        if (arguments.length != 1) {
            System.err.println("usage: ledger-report JOURNAL");
            System.exit(2);
        }
        try (Stream<String> journal = Files.lines(Path.of(arguments[0]))) {
            Report report = new Report(journal);
            report.lines().forEach(System.out::println);
            System.exit(report.balances() ? 0 : 1);
        } catch (IOException | UncheckedIOException | IllegalArgumentException | ArithmeticException error) {
            System.err.println("ledger-report: " + error.getMessage());
            System.exit(2);
        }
    }
}
