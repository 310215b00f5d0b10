//! What @Name@ offers.

/// Greets somebody.
pub fn greeting(name: &str) -> String {
    format!("hello, {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_who_is_greeted() {
        assert_eq!(greeting("Ada"), "hello, Ada");
    }
}
