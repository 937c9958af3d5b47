import pytest
from tenpapers import data
from tenpapers.errors import UserError


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Three places where data may lie (named, beside the checkout, the user's), all empty."""
    named, checkout, user = tmp_path / "named", tmp_path / "checkout", tmp_path / "home"
    monkeypatch.delenv("TENPAPERS_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(user))
    monkeypatch.setattr(data, "_beside_the_checkout", lambda: checkout)
    return named, checkout, user / "tenpapers"


def test_data_are_looked_for_beside_the_checkout_then_in_the_users_folder(homes):
    _, checkout, user = homes
    assert data.folder("lofit") is None
    (user / "lofit").mkdir(parents=True)
    assert data.folder("lofit") == user / "lofit"
    (checkout / "lofit").mkdir(parents=True)
    assert data.folder("lofit") == checkout / "lofit"
    assert data.folder("tocot") is None


def test_a_named_folder_is_the_only_one(homes, monkeypatch):
    named, checkout, _ = homes
    (checkout / "lofit").mkdir(parents=True)
    named.mkdir()
    monkeypatch.setenv("TENPAPERS_DATA", str(named))
    assert data.folder("lofit") is None
    (named / "lofit").mkdir()
    assert data.folder("lofit") == named / "lofit"


def test_a_named_folder_that_is_not_there_is_told(homes, monkeypatch):
    monkeypatch.setenv("TENPAPERS_DATA", "/no/such")
    with pytest.raises(UserError, match="TENPAPERS_DATA=/no/such: no such folder"):
        data.folder("lofit")


def test_the_users_folder_follows_the_desktops_rule(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.user_folder() == tmp_path / ".local" / "share" / "tenpapers"
