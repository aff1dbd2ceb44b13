"""The pages for people: errors and documentation."""

import re
from html import escape
from html.parser import HTMLParser

import httpx2
import pytest

from app.core.exceptions import AppError, all_errors
from tests.support.problems import problem


class Page(HTMLParser):
    """A page's tags, and everything it has the browser load."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of this name."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def loaded(self) -> list[str]:
        """The addresses of scripts, styles and pictures."""
        links = [tag["href"] for tag in self.all("link")]
        sources = [tag.get("src") for _, tag in self.tags]
        return [address for address in [*links, *sources] if address]

    @property
    def links(self) -> list[str]:
        """Where the page leads."""
        return [str(tag["href"]) for tag in self.all("a")]


async def page(client: httpx2.AsyncClient, path: str) -> Page:
    """Return a page that is server-rendered and readable on a phone."""
    response = await client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Page(response)


def is_plain(seen: Page) -> None:
    """Refuse a page with script or anything loaded, or too wide for a phone."""
    names = {name for name, _ in seen.tags}
    assert names.isdisjoint({"script", "iframe", "object", "embed", "form"})
    handlers = {name for _, tag in seen.tags for name in tag if name.startswith("on")}
    assert not handlers
    assert seen.loaded == []
    assert {
        "name": "viewport",
        "content": "width=device-width, initial-scale=1",
    } in seen.all("meta")
    assert {"lang": "en"} in seen.all("html")


class TestErrors:
    """GET /errors and /errors/{code}."""

    async def test_lists_all(self, client: httpx2.AsyncClient) -> None:
        """Every error is listed and leads to its page."""
        seen = await page(client, "/errors")
        is_plain(seen)
        codes = {error.code for error in all_errors()}
        assert codes <= {link.removeprefix("/errors/") for link in seen.links}

    @pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
    async def test_explains_each(
        self, client: httpx2.AsyncClient, error: type[AppError]
    ) -> None:
        """Each code has its page: what happened, why, and what to do."""
        response = await client.get(f"/errors/{error.code}")
        assert response.status_code == 200
        is_plain(Page(response))
        words = re.sub(r"</?code>", "`", response.text)
        for said in (error.title, error.explanation(), error.remedy):
            assert said
            assert escape(said).replace("&#x27;", "&#39;") in words
        assert str(error.http_status) in response.text

    async def test_every_page_is_different(self, client: httpx2.AsyncClient) -> None:
        """No two errors share title, explanation or remedy by accident."""
        pages = [(await client.get(f"/errors/{e.code}")).text for e in all_errors()]
        assert len(set(pages)) == len(pages)

    @pytest.mark.parametrize("code", ["nothing", "<script>", "%00", "Busy", "..%2F"])
    async def test_unknown_code(self, client: httpx2.AsyncClient, code: str) -> None:
        """There is no page for what is no code, and the code is not repeated."""
        response = await client.get(f"/errors/{code}")
        problem(response, 404, "not_found")
        assert "script" not in response.text

    @pytest.mark.parametrize("path", ["/errors", "/errors/busy"])
    async def test_headers(self, client: httpx2.AsyncClient, path: str) -> None:
        """A page may be kept for a while and can't run or load anything."""
        headers = (await client.get(path)).headers
        assert headers["cache-control"] == "public, max-age=300"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"

    async def test_root_page(self, client: httpx2.AsyncClient) -> None:
        """The page at the root is of the same kind."""
        response = await client.get("/", headers={"Accept": "text/html"})
        is_plain(Page(response))


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
class TestDocumentation:
    """GET /docs and /redoc."""

    async def test_loads_local_assets_only(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        """Everything the page loads is served here, and is there."""
        seen = await page(client, path)
        assert any(address.endswith(".js") for address in seen.loaded)
        for address in seen.loaded:
            if not address.startswith("data:"):
                assert address.startswith("/assets/"), address
                assert (await client.get(address)).status_code == 200

    async def test_may_load_nothing_else(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        """The browser is told to load nothing from elsewhere."""
        response = await client.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "//" not in policy

    async def test_shows_the_document(
        self, client: httpx2.AsyncClient, path: str
    ) -> None:
        """The page shows the service's own document."""
        assert "/openapi.json" in (await client.get(path)).text
