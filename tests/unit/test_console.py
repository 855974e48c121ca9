"""What `./dev.sh up --host` tells people who want to open the page on a phone."""

from local import console


def test_other_devices_get_an_address_that_they_can_open() -> None:
    """0.0.0.0 is where a server listens; no phone can open it."""
    everywhere = "0.0.0.0"  # noqa: S104 - the name that people type
    url = console.address(everywhere, 8080, own=lambda: "192.168.1.5")
    assert url == "http://192.168.1.5:8080"
    assert console.address("192.168.1.7", 80) == "http://192.168.1.7:80"
    assert console.address("fd00::7", 80) == "http://[fd00::7]:80"


def test_no_code_is_shown_for_a_server_on_this_machine_only() -> None:
    """The default is for one person, so there is nothing to scan."""
    assert console.address("127.0.0.1", 8080) is None


def test_the_code_is_drawn_for_a_terminal() -> None:
    """Blocks in a square: more lines than a logo, fewer than a screen."""
    lines = console.qr_code("http://192.168.1.7:8080").splitlines()
    assert 10 < len(lines) < 30
    assert any("█" in line or "▀" in line or "▄" in line for line in lines)
