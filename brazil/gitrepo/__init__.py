"""Access to git for the adapters: the only code of ours that starts a git process.

`environment` decides what every git process sees, `process` runs single commands, `objects` reads many
objects through one process, `writing` makes commits in one stream, `locking` keeps writers apart,
`names` says which URLs and refs are safe. Network and whole-repository work is GitPython's, behind the
`Transport` protocol; it is imported only by `wiring`, because importing it costs more than most commands.
"""
