import unittest

from @name@ import greeting


class GreetingTest(unittest.TestCase):
    def test_it_names_who_is_greeted(self):
        self.assertEqual(greeting("Ada"), "hello, Ada")
