"""The registry: packages, their versions, and the revisions of version sets, kept in git or in memory."""
