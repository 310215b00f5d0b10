use @name@::greeting;

fn main() {
    println!("{}", greeting("@Name@"));
}
