"""No secret is logged, printed or left in a traceback, whatever a library writes into the text of its exceptions."""

from __future__ import annotations

import json
import logging
import re
import smtplib
from pathlib import Path

import pytest
from secret_support import HOOK, PASSWORD, secrets

from dq.base.errors import DqError
from dq.run.failures import sentence
from dq.tell import redact

__all__ = ["secrets"]


# -- the text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        HOOK,
        "Max retries exceeded with url: /services/T00/canary-path?key=canary-query (Caused by ...)",
        "url: /services/T00/canary-path",
        "key=canary-query",
        f"535 bad {PASSWORD}",
        "canary%20pass/word%2B1",
        "canary%20pass%2Fword%2B1",
        "AUTH Y2FuYXJ5IHBhc3Mvd29yZCsx",
    ],
)
def test_a_secret_is_blanked_in_every_form_a_library_writes_it(text: str) -> None:
    told = redact.redacted(text)
    assert redact.BLANK in told
    assert "canary" not in told
    assert "Y2FuYXJ5" not in told


def test_a_secret_that_is_changed_while_we_run_is_blanked_too(tmp_path: Path) -> None:
    (tmp_path / "secrets" / "relay-password").write_text("canary rotated\n")
    assert redact.redacted("x canary rotated y") == "x [secret] y"
    assert redact.redacted("nothing of it") == "nothing of it"


def test_what_is_too_short_to_be_one_blanks_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_SHORT", "fail")
    assert redact.redacted("2 checks failed") == "2 checks failed"


def test_a_secret_that_is_a_word_blanks_that_word_and_no_part_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_RELAY_USER", "investor")
    assert redact.redacted("535 investor: investor_profit, investors") == "535 [secret]: investor_profit, investors"


def test_an_address_that_is_none_is_blanked_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", "https://[broken/canary")
    assert redact.redacted("no https://[broken/canary") == "no [secret]"


def test_without_secrets_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DQ_SECRET_TEAM_HOOK")
    monkeypatch.setenv("DQ_SECRETS", "/there/is/no/such/folder")
    assert redact.redacted(HOOK) == HOOK


# -- logs and tracebacks -----------------------------------------------------------------------------------------------


def test_log_records_hold_no_secret_in_message_arguments_or_traceback(caplog: pytest.LogCaptureFixture) -> None:
    redact.install()
    redact.install()
    logger = logging.getLogger("urllib3.connectionpool")
    logger.warning("Retrying %s after %s", HOOK, ConnectionError(f"no route to {HOOK}"))
    try:
        raise smtplib.SMTPAuthenticationError(535, f"{PASSWORD} refused".encode())
    except smtplib.SMTPException:
        logger.exception("the relay said no", stack_info=True)
    told = caplog.text + "".join(logging.Formatter().format(record) for record in caplog.records)
    assert "canary" not in told
    assert "Retrying [secret] after no route to [secret]" in told
    assert "smtplib.SMTPAuthenticationError: (535, b'[secret] refused')" in told


def test_a_log_line_without_secrets_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    redact.install()
    logging.getLogger("dq.store").warning("%s of %d", "commit", 3)
    (record,) = caplog.records
    assert (record.msg, record.args) == ("%s of %d", ("commit", 3))


def test_the_sentence_of_a_missing_key_does_not_quote_it_since_it_may_be_that_of_a_row() -> None:
    def looks_up() -> None:
        dict[str, int]()["ACC-004711"]

    with pytest.raises(KeyError) as caught:
        looks_up()
    assert re.fullmatch(r"KeyError in looks_up, line \d+", sentence(caught.value))
    assert sentence(KeyError("ACC-004711")) == "KeyError"


def test_the_sentence_of_a_failure_holds_no_secret() -> None:
    assert sentence(AttributeError(HOOK)) == "AttributeError: [secret]"
    assert json.dumps(sentence(DqError(f"no {PASSWORD}"))) == '"no [secret]"'
