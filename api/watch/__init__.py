"""Following executions on `executions.events`: the live end of the log, its past, and who wants to know."""
