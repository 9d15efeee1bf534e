"""What was tried against the service, and what each attack gets. docs/security.md lists these tests by name."""
