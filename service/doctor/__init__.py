"""A snapshot of an installation's figures, and the checks of them and of the services around it."""
