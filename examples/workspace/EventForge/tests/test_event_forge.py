import random
import types
import unittest

from event_forge.building import generate
from event_forge.languages import LANGUAGES, python
from event_forge.schema import Field, Record, SchemaError, read_schema
from event_forge.testing import fault, refused

SCHEMA = """
# What happens in a shop.
record Posted
    account  text     # whose
    minor    integer

record Closed
    day      integer
"""
ALL = {"schema": "s", "module": "shop_events", "languages": list(LANGUAGES)}


def module() -> types.ModuleType:
    made = types.ModuleType("shop_events")
    exec(python("shop_events", read_schema(SCHEMA))["python/shop_events.py"], made.__dict__)
    return made


class SchemaTest(unittest.TestCase):
    def test_a_schema_is_read(self) -> None:
        posted = Record("Posted", (Field("account", "text"), Field("minor", "integer")))
        self.assertEqual(read_schema(SCHEMA), (posted, Record("Closed", (Field("day", "integer"),))))

    def test_every_fault_is_told_with_its_line(self) -> None:
        with self.assertRaises(SchemaError) as caught:
            read_schema(
                "day integer\nrecord A\nclass text\nday text\nday text\nrecord A\nrecord b\nx float\nrecord E\n"
            )
        self.assertEqual(
            [fault.partition(":")[0] for fault in str(caught.exception).splitlines()],
            ["line 1", "line 3", "line 5", "line 6", "line 7", "line 8", "E"],
        )

    def test_what_follows_a_wrong_record_is_not_taken_for_another_ones(self) -> None:
        with self.assertRaises(SchemaError) as caught:
            read_schema("record A\nday text\nrecord b\nday text\n")
        self.assertEqual(str(caught.exception), "line 3: after 'record' comes a name such as OrderPaid")

    def test_an_empty_schema_is_refused(self) -> None:
        with self.assertRaisesRegex(SchemaError, "no record"):
            read_schema("# nothing\n")


class PythonTest(unittest.TestCase):
    def test_any_record_comes_back(self) -> None:
        made, chance = module(), random.Random(2)
        for _ in range(500):
            account = "".join(chance.choices("ab\\tn\t\n é", k=chance.randint(0, 8)))
            record = made.Posted(account, chance.randint(-(2**63), 2**63 - 1))
            line = record.write()
            self.assertNotIn("\n", line)
            self.assertEqual(made.Posted.read(line), record)
            self.assertEqual(made.Posted.read(f"{line}\n"), record)
            self.assertIsNone(made.Closed.read(line))

    def test_a_wrong_line_is_refused(self) -> None:
        made = module()
        for line in ("Posted\ta", "Posted\ta\t1\t2", "Posted\ta\tx", "Posted\ta\t01", "Posted\ta\t+1", "Posted\ta\t-0",
                     "Posted\t\\a\t1", "Posted\ta\\\t1", f"Posted\ta\t{2**63}", "Posted\ta\t٣"):  # fmt: skip
            with self.assertRaises(ValueError, msg=line):
                made.Posted.read(line)
        with self.assertRaises(ValueError):
            made.Posted("a", 2**63).write()


class GenerateTest(unittest.TestCase):
    def test_the_same_schema_gives_the_same_files_in_every_language(self) -> None:
        files = generate(ALL, SCHEMA, "/brazil/pkg/ShopEvents-1.0")
        self.assertEqual(list(files), sorted(files))
        self.assertEqual(files, generate(ALL, SCHEMA, "/brazil/pkg/ShopEvents-1.0"))
        self.assertEqual(
            list(files),
            ["include/shop_events.hpp", "node_modules/shop-events/index.js", "node_modules/shop-events/package.json",
             "python/shop_events.py", "share/java/shop_events/Closed.java", "share/java/shop_events/Lines.java",
             "share/java/shop_events/Posted.java", "share/java/sources"],
        )  # fmt: skip
        for name, text in files.items():
            self.assertNotRegex(text, "@[a-z]+@", name)
        self.assertIn("/brazil/pkg/ShopEvents-1.0/share/java/shop_events/Posted.java\n", files["share/java/sources"])

    def test_one_language_is_made_alone(self) -> None:
        files = generate(ALL | {"languages": ["python"]}, SCHEMA, "/x")
        self.assertEqual(list(files), ["python/shop_events.py"])

    def test_a_module_needs_a_name_for_every_language(self) -> None:
        for name in ("", "Shop", "shop-events", "1shop", "shop__events"):
            with self.assertRaises(SchemaError, msg=name):
                generate(ALL | {"module": name}, SCHEMA, "/x")


class LinesTest(unittest.TestCase):
    def test_lines_are_judged(self) -> None:
        made = module()
        classes = [made.Posted, made.Closed]
        self.assertEqual(fault("Posted\ta\t1", classes), "")
        self.assertIn("0 records", fault("Other\ta", classes))
        self.assertIn("fields", fault("Closed", classes))
        self.assertTrue(refused("Closed\tx", classes))
        self.assertFalse(refused("Other\tx", classes))


if __name__ == "__main__":
    unittest.main()
