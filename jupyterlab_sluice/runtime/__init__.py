"""What runs one step, in any Python from 3.9 with only the standard library. `main` reads like a table of contents;
start there.
"""
