"""The fork server that starts steps in milliseconds (decision 0011). It is no part of the IR."""
