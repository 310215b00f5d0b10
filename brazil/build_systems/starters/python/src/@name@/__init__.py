"""What @Name@ offers."""


def greeting(name):
    """Greet somebody."""
    return f"hello, {name}"


def main():
    """Be the program `@name@`."""
    print(greeting("@Name@"))
