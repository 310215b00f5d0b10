package @name@;

final class Main {
    public static void main(String[] names) {
        for (String name : names) {
            System.out.println(Greeting.of(name));
        }
    }
}
