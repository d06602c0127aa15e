"""The page in a real Chromium; what it looked like is kept in out/screenshots."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from conftest import EXAMPLES, ROOT, consistent_report
from nianbao.outputs.forms import write_register
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SCREENSHOTS = ROOT / "out" / "screenshots"
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-prefers-reduced-motion --lang=zh-CN"
)
SIZES = ((1280, 900), (390, 844))
WAIT = 30

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and chromium-driver are not installed"
)


class Browser:
    """A browser on the page, as a person uses it."""

    def __init__(self, folder: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in FLAGS.split():
            options.add_argument(flag)
        options.add_argument(f"--user-data-dir={folder / 'profile'}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.downloads = folder / "downloads"
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        self.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)}
        )
        self.size(*SIZES[0])

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def script(self, code: str, *values: Any) -> Any:
        return self.driver.execute_script(code, *values)

    def until(self, what: Callable[[], Any]) -> Any:
        """Wait until something is so; the page may be replaced meanwhile."""
        from selenium.common.exceptions import WebDriverException

        def holds(_: object) -> Any:
            try:
                return what()
            except WebDriverException:
                return False

        return WebDriverWait(self.driver, WAIT, 0.05).until(holds)

    def drop(self, *files: Path) -> None:
        """Drop files from the desktop onto the page."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 300, "y": 300, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def shot(self, name: str) -> None:
        """Keep what is seen, in both sizes."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for width, height in SIZES:
            self.size(width, height)
            self.driver.save_screenshot(str(SCREENSHOTS / f"{name}-{width}.png"))
        self.size(*SIZES[0])

    def downloaded(self, suffix: str) -> Path:
        def found() -> Path | None:
            there = list(self.downloads.glob(f"*{suffix}")) if self.downloads.is_dir() else []
            return there[0] if there else None

        path: Path = self.until(found)
        return path

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.driver.quit()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start the server as a user does; gives the address to open."""
    running = []

    def run(*arguments: object) -> str:
        code = "from nianbao.cli import main; main()"
        command = [sys.executable, "-u", "-c", code, "preview", "--no-open", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        return found[0]

    yield run
    for process in running:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def browser(chromium: Browser, start: Callable[..., str]) -> Iterator[Browser]:
    """A browser that has nothing to complain about when the test ends."""
    chromium.complaints()
    yield chromium
    complaints = chromium.complaints()
    chromium.driver.get("about:blank")
    assert complaints == []


def book(path: Path, pack: Pack, *data: dict[str, Any]) -> Path:
    write_register(pack, path, [report_from_data(item, pack) for item in data])
    return path


def with_mistake(pack: Pack, agency: str) -> tuple[dict[str, Any], int]:
    """Return a report in which the parts of a row do not make its total, and what that should be."""
    data = consistent_report(pack, 3, agency=agency)
    right = data["requests"]["results"]["granted"]["total"]
    data["requests"]["results"]["granted"]["total"] = right + 1
    return data, right


CELL = '.paper td[data-field="requests.results.granted.total"]'


def test_a_broken_workbook_is_dropped_mended_and_taken_along(
    browser: Browser, start: Callable[..., str], pack: Pack, tmp_path: Path
) -> None:
    data, right = with_mistake(pack, "测试区教育局")
    path = book(tmp_path / "教育局.xlsx", pack, data)
    browser.driver.get(start())
    assert "token" not in browser.driver.current_url
    browser.shot("1-empty")
    browser.drop(path)
    assert "有错误" in browser.until(lambda: browser.one("#rows tr").text)
    browser.one("#rows th a").click()
    cell = browser.until(lambda: browser.one(CELL))
    browser.one(".notes a[data-jump]").click()
    assert (
        browser.script("return getComputedStyle(arguments[0]).backgroundColor", cell) == "rgb(253, 231, 229)"
    )
    assert cell.find_element(By.CSS_SELECTOR, ".proposed").text == f"应为{right}"
    assert f"总计填{right + 1}" in browser.one("#tip").text
    browser.shot("2-red")

    data["requests"]["results"]["granted"]["total"] = right
    browser.drop(book(path, pack, data))
    browser.until(lambda: not browser.all(".paper .is-error"))
    assert not browser.all(".status.is-fail")
    browser.one("a[href$='file.docx']").click()
    document = Document(str(browser.downloaded(".docx")))
    assert "测试区教育局" in "".join(paragraph.text for paragraph in document.paragraphs)
    browser.shot("3-mended")


@pytest.mark.slow
def test_a_file_that_changes_on_the_disk_shows_by_itself(
    browser: Browser, start: Callable[..., str], pack: Pack, tmp_path: Path
) -> None:
    data, right = with_mistake(pack, "测试区教育局")
    path = book(tmp_path / "教育局.xlsx", pack, data)
    browser.driver.get(start(path, "--agency", "测试区教育局"))
    browser.until(lambda: "is-error" in browser.one(CELL).get_attribute("class"))
    data["requests"]["results"]["granted"]["total"] = right
    book(path, pack, data)
    browser.until(lambda: not browser.all(".paper .is-error"))
    path.unlink()
    browser.until(lambda: "已经不在了" in browser.one("h1").text)
    (told,) = browser.complaints()
    assert "404" in told


@pytest.fixture(scope="module")
def roster(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Registers of 500 agencies, this year's and last year's; every tenth has a mistake."""
    folder = tmp_path_factory.mktemp("roster")
    kinds = [value for value, _ in pack.fields.by_path["profile.category"].choices]
    years: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for number in range(500):
        agency = f"测试市第{number:03d}局"
        now = consistent_report(pack, number, agency=agency)
        now["profile"] = {"category": kinds[number % 3]}
        last = consistent_report(pack, number + 1000, agency=agency)
        last["year"] = now["year"] - 1
        last["requests"]["carried_out"] = dict(now["requests"]["carried_in"])
        if number % 10 == 0:
            now["requests"]["new"]["total"] += 1
        years[0].append(now)
        years[1].append(last)
    return book(folder / "2023.xlsx", pack, *years[0]), book(folder / "2022.xlsx", pack, *years[1])


@pytest.mark.slow
def test_500_agencies_are_listed_and_filtered_at_once(
    browser: Browser, start: Callable[..., str], roster: tuple[Path, Path]
) -> None:
    now, last = roster
    browser.driver.get(start(now, "--previous", last))
    browser.until(lambda: browser.one("#shown").text == "共500份报告")

    def shown() -> int:
        return int(browser.script("return document.querySelectorAll('#rows tr:not([hidden])').length"))

    # Nothing is waited for, so nothing is asked of the server.
    browser.script("""
        const search = document.querySelector("#search");
        search.value = "第03"; search.dispatchEvent(new Event("input"));
    """)
    assert shown() == 10
    browser.one(".count.is-fail").click()
    assert (shown(), browser.one("#shown").text) == (1, "列出1份，共500份报告")
    browser.one("#search").send_keys(Keys.CONTROL, "a", Keys.DELETE)
    assert shown() == 50
    browser.script("const s = document.querySelector('#category'); s.selectedIndex = 1;"
                   "s.dispatchEvent(new Event('change'))")  # fmt: skip
    assert shown() == 17
    browser.driver.refresh()  # the choice is remembered
    browser.until(lambda: shown() == 17)
    browser.one(".export button[value=csv]").click()
    lines = browser.downloaded(".csv").read_text("utf-8-sig").splitlines()
    assert (len(lines), all("有错误" in line for line in lines[1:])) == (18, True)
    browser.script("const s = document.querySelector('#order'); s.value = 'order';"
                   "s.dispatchEvent(new Event('change'))")  # fmt: skip
    names = [link.text for link in browser.all("#rows tr:not([hidden]) th a")]
    assert names == sorted(names)
    browser.one("#search").send_keys("没有这个单位")
    assert browser.one("#nothing").is_displayed()
    browser.one("#reset").click()
    assert shown() == 500
    browser.shot("4-list")


@pytest.mark.slow
def test_everything_can_be_reached_with_the_keyboard(browser: Browser, start: Callable[..., str]) -> None:
    browser.driver.get(start(EXAMPLES / "broken" / "register.xlsx"))
    browser.until(lambda: browser.one("#rows tr"))
    browser.press(Keys.TAB)
    assert browser.focused().text == "跳到正文"
    for _ in range(15):
        browser.press(Keys.TAB)
        if browser.focused().get_attribute("id") == "search":
            break
    browser.focused().send_keys("T3-BALANCE、T3-RESULTS")
    browser.press(Keys.ENTER)
    link = browser.focused()
    assert "T3-BALANCE、T3-RESULTS" in link.text
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert browser.focused() == link
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.one(".paper"))
    seen = []
    for _ in range(25):
        browser.press(Keys.TAB)
        seen.append(browser.focused().text)
        if browser.focused().get_attribute("data-jump") is not None:
            break
    assert any("下一个" in text for text in seen)
    browser.press(Keys.ENTER)
    cell = browser.focused()
    assert "mark" in cell.get_attribute("class").split()
    assert browser.one("#tip").is_displayed()
    browser.shot("5-cell")
    browser.press(Keys.ESCAPE)
    assert not browser.one("#tip").is_displayed()
    browser.press(Keys.TAB)
    assert browser.focused() != cell
    assert "mark" in browser.focused().get_attribute("class").split()
    browser.driver.back()
    browser.driver.back()
    browser.until(lambda: browser.one("#rows tr"))


@pytest.mark.slow
def test_the_way_from_one_faulty_report_to_the_next(browser: Browser, start: Callable[..., str]) -> None:
    browser.driver.get(start(EXAMPLES / "broken" / "register.xlsx"))
    browser.until(lambda: browser.one("#rows tr"))
    ids = [row.get_attribute("data-id") for row in browser.all("#rows tr:not([data-status=pass])")]
    browser.one("#rows th a").click()
    seen = []
    for _ in range(len(ids)):
        browser.until(lambda: browser.one(".paper"))
        seen.append(browser.driver.current_url.rpartition("/")[2])
        following = browser.all("a[rel=next]")
        if following:
            following[0].click()
            browser.until(lambda: not browser.driver.current_url.endswith(seen[-1]))
    assert seen == ids


@pytest.mark.slow
def test_the_pages_are_shown_as_they_will_be_printed(browser: Browser, start: Callable[..., str]) -> None:
    browser.driver.get(start(EXAMPLES / "register.xlsx"))
    browser.until(lambda: browser.one("#rows th a")).click()
    browser.until(lambda: browser.one("#paper")).click()
    first = browser.until(lambda: browser.one("#sheets img"))
    browser.until(lambda: browser.script("return arguments[0].naturalWidth", first) > 1000)
    assert not browser.one("#report").is_displayed()
    assert len(browser.all("#sheets img")) >= 4
    browser.shot("6-printed")
    browser.one("#paper").click()
    assert browser.one("#report").is_displayed()


@pytest.mark.slow
def test_a_phone_needs_no_sideways_scrolling_and_has_room_for_fingers(
    browser: Browser, start: Callable[..., str]
) -> None:
    browser.driver.get(start(EXAMPLES / "broken" / "register.xlsx"))
    browser.size(*SIZES[1])
    browser.until(lambda: browser.one("#rows tr"))
    for _ in range(2):
        assert browser.script("return document.documentElement.scrollWidth") <= SIZES[1][0]
        for button in browser.all(".button"):
            assert button.size["height"] == 0 or button.size["height"] >= 32
        links = browser.all("#rows th a")
        if links:
            links[0].click()
            browser.until(lambda: browser.one(".paper"))
    mark = browser.one(".paper .mark[tabindex]")
    browser.script("arguments[0].scrollIntoView({block: 'center'})", mark)
    browser.script("arguments[0].click()", mark)
    tip = browser.one("#tip")
    assert tip.is_displayed()
    assert tip.rect["x"] >= 0
    assert tip.rect["x"] + tip.rect["width"] <= SIZES[1][0]
    browser.size(*SIZES[0])


# ---- the page of an office that collects ----


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A copy of the example of a roll-up, to be changed."""
    shutil.copytree(EXAMPLES / "rollup", tmp_path / "office")
    return tmp_path / "office"


def opened(start: Callable[..., str], office: Path) -> str:
    """Start the page of the collection; the address bears the token."""
    given = ("--previous", office / "previous.json", "--adjustments", office / "adjustments.csv")
    return start(office / "reports", "--roster", office / "roster.csv", "--today", "2024-01-28", *given)


def page_of(browser: Browser, path: str) -> None:
    base = re.match(r"https?://[^/]+", browser.driver.current_url)
    assert base is not None
    browser.driver.get(f"{base[0]}{path}")


def members(browser: Browser) -> list[tuple[str, str]]:
    """Return the members that the panel lists, with their figures."""
    rows = browser.all("#panel .shares tbody tr")
    return [
        (
            row.find_element(By.CSS_SELECTOR, "a").text,
            row.find_element(By.CSS_SELECTOR, "td.number").text,
        )
        for row in rows
    ]


FIGURE = '.whole td[data-field="requests.new.total"] a'


@pytest.mark.slow
def test_a_click_on_a_figure_of_the_whole_shows_the_members_behind_it(
    browser: Browser, start: Callable[..., str], office: Path
) -> None:
    browser.driver.get(opened(start, office))
    browser.until(lambda: len(browser.all("#rows tr")) == 8)
    page_of(browser, "/rollup")
    figure = browser.until(lambda: browser.one(FIGURE))
    figure.click()
    found = browser.until(lambda: members(browser))
    assert browser.one("#place").text == "表三·一、本年新收·总计"
    values = [int(value) for _, value in found]
    assert (sum(values), values) == (int(figure.text), sorted(values, reverse=True))
    assert found[0][0] == "清河区自然资源局"
    browser.shot("7-members")
    # A cell is a target as large as it looks, not only the digits in it.
    browser.one('.whole td[data-field="disclosure.licensing.decisions"]').click()
    browser.until(lambda: "表二·行政许可" in browser.one("#place").text)
    assert "划转行政审批局的许可事项" in browser.one("#panel .adjusted").text
    assert "批准人：王主任" in browser.one("#panel .adjusted").text
    browser.one("#panel .shares tbody a").click()
    cell = browser.until(lambda: browser.one(".paper .aimed"))
    assert cell.get_attribute("data-field") == "disclosure.licensing.decisions"
    assert browser.focused() == cell


@pytest.mark.slow
def test_the_members_are_reached_and_left_with_the_keyboard(
    browser: Browser, start: Callable[..., str], office: Path
) -> None:
    browser.driver.get(opened(start, office))
    browser.until(lambda: len(browser.all("#rows tr")) == 8)
    page_of(browser, "/rollup")
    figure = browser.until(lambda: browser.one(FIGURE))
    browser.script("arguments[0].focus()", figure)
    browser.press(Keys.ARROW_LEFT)
    assert browser.focused().find_element(By.XPATH, "..").get_attribute("data-field") == "requests.new.other"
    browser.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    below = browser.focused()
    assert below.find_element(By.XPATH, "..").get_attribute("data-field") == "requests.carried_in.total"
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.one("#panel.is-open #place").text == "表三·二、上年结转·总计")
    browser.until(lambda: browser.focused().get_attribute("id") == "place")
    browser.press(Keys.TAB)
    assert browser.focused().tag_name == "a"
    browser.press(Keys.ESCAPE)
    browser.until(lambda: browser.focused() == below)
    assert not browser.all("#panel.is-open")


@pytest.mark.slow
def test_the_ledger_filters_follows_the_folder_and_gives_the_text_of_a_mail(
    browser: Browser, start: Callable[..., str], office: Path
) -> None:
    missing = office / "reports" / "清河区民政局.json"
    content = missing.read_bytes()
    missing.unlink()
    browser.driver.get(opened(start, office))
    browser.until(lambda: browser.one("#shown").text == "共8个单位")
    browser.one(".count.is-missing").click()
    (row,) = browser.all("#rows tr:not([hidden])")
    assert "清河区民政局" in row.text
    assert "还有3天" in row.text
    browser.shot("8-ledger")
    row.find_element(By.CSS_SELECTOR, ".notice a").click()
    mail = browser.until(lambda: browser.one("#mail"))
    text = mail.get_property("value")
    assert "未报送，距1月31日还有3天" in text
    browser.driver.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    browser.one("[data-copy]").click()
    browser.until(lambda: "已复制" in browser.one("#says").text)
    assert browser.script("return navigator.clipboard.readText()") == text
    browser.driver.back()
    browser.until(lambda: browser.one("#shown").text == "列出1个，共8个单位")
    missing.write_bytes(content)
    browser.until(lambda: "列出0个" in browser.one("#shown").text)
    browser.one(".count").click()
    assert len(browser.all("#rows tr:not([hidden])")) == 8


@pytest.mark.slow
def test_a_phone_shows_ledger_members_and_matrix_without_sideways_scrolling(
    browser: Browser, start: Callable[..., str], office: Path
) -> None:
    browser.driver.get(opened(start, office))
    browser.size(*SIZES[1])
    browser.until(lambda: len(browser.all("#rows tr")) == 8)
    for path in ("/", "/rollup", "/rollup/matrix", "/rollup/figures/requests.new.total"):
        page_of(browser, path)
        browser.until(lambda: browser.one("h1, h2"))
        assert browser.script("return document.documentElement.scrollWidth") <= SIZES[1][0], path
    page_of(browser, "/rollup")
    figure = browser.until(lambda: browser.one('.whole td[data-field="requests.new.natural_person"] a'))
    browser.script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", figure)
    panel = browser.until(lambda: browser.one("#panel.is-open"))
    browser.until(lambda: members(browser))
    assert panel.rect["width"] == SIZES[1][0]
    bottom = browser.script("return arguments[0].getBoundingClientRect().bottom", panel)
    assert abs(bottom - SIZES[1][1]) < 2
    browser.one("#panel .close").click()
    browser.until(lambda: not browser.all("#panel.is-open"))
    browser.size(*SIZES[0])
