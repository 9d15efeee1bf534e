"""Inputs that nobody wrote: short forms of `make fuzz`, and the description of the HTTP surface."""
