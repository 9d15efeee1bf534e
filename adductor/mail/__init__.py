"""Transactional mail: messages, signed links, transport."""
