package @name@;

/** What is said to somebody. */
public final class Greeting {
    private Greeting() {}

    /** Returns a greeting for somebody of this name. */
    public static String of(String name) {
        return "Hello, " + name + "!";
    }
}
