"""Tests of `app.services.letters`: what mail is as HTML."""

from html.parser import HTMLParser

import pytest

from app.core.languages import LANGUAGES
from app.services.letter_templates import TEMPLATES
from tests.support.letters import CODE, LINK, WITH_PROOF, write_letter

VOID = frozenset({"meta", "br", "img", "hr", "link", "input"})

each_template = pytest.mark.parametrize("template", TEMPLATES)
each_language = pytest.mark.parametrize("language", LANGUAGES)


class Page(HTMLParser):
    """An HTML page, taken apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag; it stays open unless it has no end."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Expect the end of the tag that was opened last."""
        assert self.open.pop() == tag, f"</{tag}> in {self.getpos()}"

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    def all(self, attribute: str) -> list[str]:
        """Return every value of an attribute."""
        return [found[attribute] for _, found in self.tags if attribute in found]


class TestHtml:
    """Letters.write(): the HTML."""

    @each_language
    @each_template
    def test_well_formed(self, template: str, language: str) -> None:
        """Every tag is closed where it should be, which not all clients mend."""
        assert Page(write_letter(template, language).html).open == []

    @each_language
    @each_template
    def test_loads_nothing(self, template: str, language: str) -> None:
        """A mail that is opened tells nobody: there is nothing to fetch, and no link
        but its own."""
        html = write_letter(template, language).html
        page = Page(html)
        loading = {"img", "link", "script", "iframe", "object", "video", "audio"}
        assert not loading & {tag for tag, _ in page.tags}
        assert not {"src", "background", "srcset", "data"} & {
            name for _, attributes in page.tags for name in attributes
        }
        assert "url(" not in html and "@import" not in html
        assert set(page.all("href")) <= {LINK}

    @each_language
    @pytest.mark.parametrize("template", WITH_PROOF)
    def test_button_and_plain_link(self, template: str, language: str) -> None:
        """The link is behind the button, and can be read and copied below it."""
        page = Page(write_letter(template, language).html)
        assert page.all("href").count(LINK) == 2
        assert page.texts.count(LINK) == 1

    @pytest.mark.parametrize("template", WITH_PROOF)
    def test_code_in_one_piece(self, template: str) -> None:
        """The code is copied as six digits, although it looks spaced."""
        html = write_letter(template).html
        assert Page(html).texts.count(CODE) == 1
        assert "letter-spacing" in html

    def test_escaped(self) -> None:
        """What comes from settings and requests is text and never a tag."""
        name = '</p><a href="https://example.org">'
        letter = write_letter(service_name=name, device="<i>x</i>")
        assert not {"i"} & {tag for tag, _ in Page(letter.html).tags}
        assert set(Page(letter.html).all("href")) == {LINK}
        assert letter.html.count("&lt;/p&gt;&lt;a href=") >= 3

    @each_template
    def test_narrow_and_wide(self, template: str) -> None:
        """It fits a phone, and is a column in the middle of what is wider; Outlook,
        which knows no greatest width, is given the table that it needs."""
        html = write_letter(template).html
        assert 'name="viewport" content="width=device-width' in html
        assert 'style="max-width:600px"' in html
        assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == 2

    @each_template
    def test_dark(self, template: str) -> None:
        """Every part whose colour is given has another one in the dark."""
        html = write_letter(template).html
        assert '<meta name="color-scheme" content="light dark">' in html
        dark = html.partition("@media (prefers-color-scheme: dark)")[2]
        for name in {name for one in Page(html).all("class") for name in one.split()}:
            assert f".{name} {{" in dark.partition("</style>")[0]

    @each_language
    @each_template
    def test_preheader(self, template: str, language: str) -> None:
        """Lists of mail show a sentence of its own behind the subject, in the reader's
        language, which the opened mail does not show."""
        html = write_letter(template, language).html
        body = html.partition("<body")[2]
        first = body.partition(">")[2].lstrip()
        assert first.startswith('<div style="display:none;')
        assert len(Page(first.partition("</div>")[0] + "</div>").texts[0]) > 15
