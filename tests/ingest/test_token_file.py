"""The token file: roles, expiry, reload, and errors that name the entry."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.tokens import Identity, Tokens, TokensFileError, read_tokens


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def line(token: str, rest: str) -> str:
    return f"  - {{sha256: '{digest(token)}', {rest}}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.yml"


def write(path: Path, *lines: str) -> Path:
    path.write_text("tokens:\n" + "".join(lines))
    return path


def test_roles_are_told_apart(path: Path) -> None:
    tenant = line("t", "role: tenant, tenant_id: Acme")
    tokens = Tokens(write(path, tenant, line("o", "role: operator"), line("a", "role: admin")))
    assert tokens.identify("t") == Identity("tenant", "acme")
    assert tokens.identify("o") == Identity("operator")
    assert tokens.identify("a") == Identity("admin")
    assert len(tokens) == 3


@pytest.mark.parametrize("bearer", ["", "x", "t ", "T", "\ud800", digest("t")])
def test_an_unknown_token_is_nobody(path: Path, bearer: str) -> None:
    assert Tokens(write(path, line("t", "role: admin"))).identify(bearer) is None


def test_without_a_file_nobody_is_known() -> None:
    tokens = Tokens(None)
    assert tokens.identify("anything") is None
    assert not tokens.configured


def test_the_digest_is_read_in_any_case(path: Path) -> None:
    path.write_text(f"tokens: [{{sha256: '{digest('t').upper()}', role: admin}}]")
    assert Tokens(path).identify("t") == Identity("admin")


def test_a_date_ends_the_token_at_its_first_moment(path: Path) -> None:
    today = datetime.now(UTC).date()
    write(
        path,
        line("today", f"role: admin, expires: {today}"),
        line("tomorrow", f"role: admin, expires: {today + timedelta(days=1)}"),
        line("text", f"role: admin, expires: '{today + timedelta(days=1)}'"),
        line("past", "role: admin, expires: 2020-01-01T00:00:00Z"),
    )
    tokens = Tokens(path)
    assert tokens.identify("today") is None
    assert tokens.identify("past") is None
    assert tokens.identify("text") is not None
    tomorrow = tokens.identify("tomorrow")
    assert tomorrow is not None and tomorrow.expires_at is not None
    assert tomorrow.is_expired(tomorrow.expires_at)
    assert not tomorrow.is_expired(tomorrow.expires_at - timedelta(microseconds=1))


def test_a_changed_file_is_read_again(path: Path) -> None:
    tokens = Tokens(path)
    assert tokens.problem and tokens.identify("t") is None
    write(path, line("t", "role: admin"))
    assert tokens.identify("t") is not None and tokens.problem is None
    write(path, line("u", "role: admin"))
    os.utime(path, ns=(1, 1))
    assert tokens.identify("t") is None and tokens.identify("u") is not None


def test_a_slip_keeps_the_last_good_set_and_a_missing_file_means_nobody(path: Path) -> None:
    tokens = Tokens(write(path, line("t", "role: admin")))
    path.write_text("tokens: [{")
    assert tokens.identify("t") is not None
    assert tokens.problem is not None and "not a YAML file" in tokens.problem
    path.unlink()
    assert tokens.identify("t") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "`tokens:`"),
        ("tokens: 1", "must hold a list"),
        ("tokens: [1]", "token 1: expected"),
        ("tokens: [{sha256: abc, role: admin}]", "64 hexadecimal digits"),
        (f"tokens: [{{sha256: '{digest('t')}', role: root}}]", "role 'root'"),
        (f"tokens: [{{sha256: '{digest('t')}', role: [admin]}}]", "none of tenant, operator, admin"),
        (f"tokens: [{{sha256: '{digest('t')}', role: tenant}}]", "needs a tenant_id"),
        (f"tokens: [{{sha256: '{digest('t')}', role: tenant, tenant_id: ../x}}]", "needs a tenant_id"),
        (f"tokens: [{{sha256: '{digest('t')}', role: admin, tenant_id: acme}}]", "takes no tenant_id"),
        (f"tokens: [{{sha256: '{digest('t')}', role: admin, expires: soon}}]", "is not a date"),
        (f"tokens: [{{sha256: '{digest('t')}', role: admin, expires: 5}}]", "is not a date"),
        (
            f"tokens: [{{sha256: '{digest('t')}', role: admin, expires: 2027-02-30}}]",
            "'2027-02-30' is not a date",
        ),
        (
            f"tokens: [{{sha256: '{digest('t')}', role: admin, expires: 2027-01-31T25:00:00}}]",
            "is not a date",
        ),
        (
            f"tokens: [{{sha256: '{digest('t')}', role: admin, expires: 9999-12-31T23:59:59-14:00}}]",
            "is not a date",
        ),
        (f"tokens: [{{sha256: '{digest('t')}', role: admin, expires: [2027-01-31]}}]", "is not a date"),
        (f"tokens: [{{sha256: '{digest('t')}', role: tenant, tenant_id: [a]}}]", "needs a tenant_id"),
        (f"tokens: [{{sha256: '{digest('t')}', role: admin, secret: x}}]", "unknown key secret"),
        ("tokens: " + "[" * 5000 + "]" * 5000, "not a YAML file"),
        ("tokens: [!!python/object/apply:os.system [id]]", "token 1: expected"),
        ("tokens: [{[a]: b}]", "not a YAML file"),
        (f"tokens:\n{line('t', 'role: admin')}{line('t', 'role: operator')}", "more than once"),
        (b"\xff\xfe", "not a YAML file"),
    ],
)
def test_errors_name_the_file_and_the_remedy(path: Path, text: str | bytes, message: str) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TokensFileError) as caught:
        read_tokens(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "tenant_id",
    ["010", "0x1f", "1e3", "123", "1_000", "yes", "no", "on", "true", "2027-01-31", "12-34", "0b1", "-"],
)
def test_a_tenant_id_is_text_as_it_stands_there(path: Path, tenant_id: str) -> None:
    tokens = Tokens(write(path, line("t", f"role: tenant, tenant_id: {tenant_id}")))
    assert tokens.problem is None
    assert tokens.identify("t") == Identity("tenant", tenant_id)


@pytest.mark.parametrize("empty", ["", "~", "null"])
def test_a_token_without_an_expiry_stays(path: Path, empty: str) -> None:
    tokens = Tokens(write(path, f"  - sha256: '{digest('t')}'\n    role: admin\n    expires: {empty}\n"))
    assert tokens.identify("t") == Identity("admin")


SLIPS = ("expires: 2027-02-30", "expires: soon", "tenant_id: x", "role: root", "extra: 1")


@given(text=st.text(max_size=60) | st.binary(max_size=60) | st.sampled_from(SLIPS))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_whatever_it_holds_raises_or_lets_a_stranger_in(path: Path, text: str | bytes) -> None:
    path.unlink(missing_ok=True)
    tokens = Tokens(write(path, line("t", "role: admin")))
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    path.write_bytes(b"tokens:\n  - {sha256: x, role: admin, " + content + b"}\n")
    assert tokens.identify("t") == Identity("admin"), "the last good set counts"
    assert tokens.check() is not None and tokens.identify("x") is None
    assert Tokens(path).identify("t") is None, "at the start there is none"
    path.write_bytes(content)
    assert Tokens(path).identify("x") is None


def test_a_file_that_may_not_be_read_keeps_the_last_good_set(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Tokens(write(path, line("t", "role: admin")))

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", refuse)
        write(path, line("u", "role: admin"))
        assert tokens.identify("t") is not None and tokens.check() is not None
    path.chmod(0o640)
    assert tokens.identify("u") is not None and tokens.check() is None


def test_an_empty_file_holds_no_tokens(path: Path) -> None:
    path.write_text("")
    assert read_tokens(path) == []
    path.write_text("tokens:\n")
    assert read_tokens(path) == []
