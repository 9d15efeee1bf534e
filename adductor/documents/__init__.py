"""Strict reading of YAML and JSON documents: text to plain values, plain values to pydantic models, errors for people."""

from adductor.documents.problems import DocumentError, validate
from adductor.documents.reader import documents

__all__ = ["DocumentError", "documents", "validate"]
