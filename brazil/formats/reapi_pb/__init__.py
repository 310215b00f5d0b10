"""Generated message classes of the Remote Execution API; see `remote_execution.proto` and `make proto`."""
