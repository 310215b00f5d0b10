"""The command line: parse, call one operation, report, exit code."""
