"""The tracer: what each step of a notebook truly reads, binds and changes, seen while it runs."""
