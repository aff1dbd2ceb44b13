"""E-mail addresses: which are valid, and which two are the same."""

import re
import unicodedata

import idna
from email_validator import EmailNotValidError, validate_email

MAXIMUM_LENGTH = 254
"""RFC 5321 as corrected by erratum 1690; longer text is refused before it is parsed."""

_ADDRESS = re.compile(r'(?:"[^"]*"|[^\s<>"]*)(?:@|%40)[^\s<>]*')


def check_email(text: str) -> str:
    """Return the address as typed if it is exactly one valid address.

    Raises:
        ValueError: If it is not; the message never repeats what was typed.
    """
    try:
        # One character can become eighteen in the key, which has to fit as well.
        if max(len(text), len(email_key(text[: MAXIMUM_LENGTH + 1]))) > MAXIMUM_LENGTH:
            raise ValueError("must have at most 254 characters")
        # What others may fold it into must be one address too: a wide at sign is not.
        for spelling in (text, email_key(text)):
            validate_email(spelling, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError("must be one valid e-mail address") from error
    return text


def email_key(email: str) -> str:
    """Return what two spellings of one address have in common.

    NFKC and lower case, with the domain in its ASCII form, so that neither look-alike
    letters (CVE-2019-19844) nor another case make a second account. Text that is no
    address gets a key too: it merely belongs to no account.
    """
    folded = unicodedata.normalize("NFKC", email).lower()
    local, _, domain = folded.rpartition("@")
    try:
        domain = idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        pass
    return unicodedata.normalize("NFKC", f"{local}@{domain}")


def mail_address(email: str) -> str:
    """Return an address as mail is sent to it: spelt plainly, so that it is compared.

    A look-alike letter belongs to the same account here, and to a mailbox of somebody
    else elsewhere (CVE-2019-19844). Upper and lower case stay as they were typed.
    """
    return unicodedata.normalize("NFKC", email)


def without_addresses(text: str) -> str:
    """Return a text in which no address is left, for the log."""
    return _ADDRESS.sub("(address)", text)
