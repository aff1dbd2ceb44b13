"""Tests of `app.core.redis_url`, and of the setting."""

import pytest

from app.core.redis_url import is_redis_url
from tests.unit.core.test_config_refusals import SAFE, lines_of, settings_of

GOOD = [
    "redis://localhost",
    "redis://localhost:6379/",
    "redis://localhost:6379/15",
    "redis://:secret@10.0.0.7:6379/0",
    "redis://name:p%40ss%2Fw%3Ard@[::1]:6379?db=3",
    "rediss://cache.example.com:6380/0?ssl_ca_certs=/etc/ca.pem",
    "unix:///run/redis.sock",
    "unix://:secret@/run/redis.sock?db=2",
]
BAD = [
    "localhost:6379",
    "http://localhost:6379",
    "redis+cluster://localhost",
    "redis://",
    "redis:///0",
    "redis://localhost:0",
    "redis://localhost:port",
    "redis://localhost:99999",
    "redis://:pa/ss@localhost:6379/0",
    "redis://:pa#ss@localhost:6379/0",
    "redis://localhost/first",
    "redis://localhost/1/2",
    "redis://localhost/0?db=one",
    "redis://localhost/0?db=1",
    "redis://localhost?protocol=3",
    "redis://localhost?socket_timeout=60",
    "redis://localhost?password=secret",
    "redis://localhost?ssl_ca_certs=/etc/ca.pem",
    "rediss://localhost?ssl_cert_reqs=none",
    "rediss://localhost?ssl_check_hostname=false",
    "redis://localhost?db",
    "unix://",
    "unix:///",
]


class TestIsRedisUrl:
    """is_redis_url()."""

    @pytest.mark.parametrize("url", GOOD)
    def test_good(self, url: str) -> None:
        """Network, TLS and socket, with a password as URLs want it."""
        assert is_redis_url(url)

    @pytest.mark.parametrize("url", BAD)
    def test_bad(self, url: str) -> None:
        """What redis-py would misread, or what would undo our own choices."""
        assert not is_redis_url(url)


class TestSetting:
    """REDIS_URL."""

    def test_good(self) -> None:
        """Production takes it."""
        assert settings_of(**SAFE, redis_url=GOOD[0]).redis_url == GOOD[0]

    @pytest.mark.parametrize("url", ["redis://:pa/ss@localhost", "htp://:pa/ss@x"])
    def test_refused_without_its_password(self, url: str) -> None:
        """The line says what is allowed and repeats nothing."""
        (line,) = lines_of(**SAFE, redis_url=url)
        assert line.startswith("REDIS_URL: must be redis://")
        assert "pa/ss" not in line and "'pa'" not in line
