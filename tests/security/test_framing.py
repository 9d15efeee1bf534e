"""What a header says of the body's length, in every spelling that the server reads as a number."""

from __future__ import annotations

import pytest

from service.gathering import Gathered, TooLargeError


@pytest.mark.parametrize("length", [b"3", b"003", b"0" * 40 + b"3", b"0" * 5000 + b"3"])
def test_zeros_before_a_length_hide_no_missing_body(length: bytes) -> None:
    """Else a thread waits for the rest: the server itself reads such a number as it is meant."""
    head = b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n"

    assert not Gathered(1000, head + b"ab").whole()
    assert Gathered(1000, head + b"abc").whole()


@pytest.mark.parametrize("length", [b"1001", b"0001001", b"9" * 19, b"9" * 400, b"9" * 5000])
def test_no_length_is_too_long_to_be_read(length: bytes) -> None:
    with pytest.raises(TooLargeError):
        Gathered(1000, b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n").whole()
