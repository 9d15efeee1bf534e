"""Short forms of `make fuzz`, and the description of the HTTP surface."""
