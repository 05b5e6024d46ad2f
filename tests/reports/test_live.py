"""The live page in a real Chromium: it grows while the reader looks, and asks its server alone."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

import pytest

from kwsearch.watching.live import Live
from kwsearch.watching.pages import pages
from kwsearch.watching.server import listen
from kwsearch.watching.source import Source
from trials.promotion import Halving
from trials.records import TrialState
from trials.store import open_store

BEGUN, MORE = 14, 30


def _rule(study):
    return Halving(3, 10_000, study.spec.reference_params)


@contextmanager
def dashboard(path):
    """The dashboard in a thread; gives its address."""

    def reading():
        return open_store(path, create=False, read_only=True, patience=5.0)

    live = Live(Source(reading, "growing", _rule), lambda _: "name = 'growing'")
    with listen(pages(live), 0) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def command(path, *options):
    """The command, running; gives its address and asserts how Ctrl-C ends it."""
    words = ["dashboard", "growing", *options, "--port", "0", "--database", str(path)]
    running = subprocess.Popen(
        [sys.executable, "-m", "kwsearch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads yet in the child; a background job would ignore Ctrl-C
    )
    try:
        address = running.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        yield address
    finally:
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=120)
    assert (running.returncode, said) == (0, "")


@pytest.fixture
def grown(growing):
    path, grow = growing
    grow(BEGUN)
    return path, grow


def opened(browser, address, said, asked):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def wait_for_text(page, selector, text, seconds=60):
    for _ in range(seconds * 5):
        if text in page.locator(selector).inner_text():
            return
        page.wait_for_timeout(200)
    raise AssertionError(page.locator(selector).inner_text())


def test_new_trials_appear_without_a_reload_and_what_the_reader_set_stays(browser, grown):
    path, grow = grown
    said, asked = [], []
    with dashboard(path) as address:
        page = opened(browser, address, said, asked)
        page.wait_for_selector("#figure-front .main-svg")
        assert (
            page.locator("[data-part=progress]").inner_text()
            == f"{BEGUN} of {BEGUN} trials finished"
        )
        page.evaluate("window.unchanged = true")
        page.locator("#state").select_option("complete")
        page.locator("#trial-heads button", has_text="Parameters").click()
        page.locator("#budget").evaluate(
            "s => { s.value = 600; s.dispatchEvent(new Event('input')); }"
        )
        budget = page.locator("#budget-text").inner_text()
        page.evaluate("window.Plotly.relayout('figure-front', {'xaxis.range': [4.5, 5]})")
        first = page.locator("#trial-rows .open").first
        number = first.inner_text()
        first.click()
        assert page.locator("#trial").is_visible()

        summary = grow(MORE)
        wait_for_text(page, "[data-part=progress]", f"{MORE} of {MORE} trials")
        assert page.evaluate("window.unchanged")
        complete = [t for t in summary.trials if t.state is TrialState.COMPLETE]
        assert f"of {len(complete)}" in page.locator("#shown").inner_text()
        shown = [row.get_attribute("data-trial") for row in page.locator("#trial-rows tr").all()]
        by_size = sorted(complete, key=lambda t: -t.trial.params)
        assert shown == [str(t.number) for t in by_size[:25]]
        members = page.locator("#front-rows tr").all()
        assert [int(m.get_attribute("data-trial")) for m in members] == [
            t.number for t in summary.front
        ]
        assert page.locator("#trial").is_visible()
        assert page.locator("#trial-name").inner_text() == f"Trial {number}"
        low, high = (
            int(text.replace(",", ""))
            for text in (budget, page.locator("#budget-text").inner_text())
        )
        assert high == pytest.approx(low, rel=0.01)
        zoomed = page.evaluate("document.getElementById('figure-front').layout.xaxis.range")
        assert zoomed == [4.5, 5]
        points = page.evaluate(
            "document.getElementById('figure-front').data.slice(0, 2).concat("
            "document.getElementById('figure-front').data[3]).map(t => t.x.length)"
        )
        assert sum(points) == len([t for t in summary.trials if t.accuracy is not None])
        page.context.close()
    assert said == []
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {
        address,
        f"{address}state",
    }


def test_an_empty_study_fills_up(browser, growing):
    path, grow = growing
    said = []
    grow(0)
    with dashboard(path) as address:
        page = opened(browser, address, said, [])
        assert "No trial has reached the top rung yet" in page.locator(".lede").inner_text()
        assert not page.locator("#figure-agreement").is_visible()
        summary = grow(BEGUN)
        wait_for_text(page, "[data-part=progress]", f"{BEGUN} of {BEGUN} trials")
        heads = page.locator("#trial-heads").inner_text()
        assert all(name in heads for name in summary.dimensions)
        page.locator("#figure-agreement").scroll_into_view_if_needed()
        page.wait_for_selector("#figure-agreement .main-svg")
        page.context.close()
    assert said == []


def test_a_database_that_goes_away_is_told_and_the_page_goes_on_when_it_is_back(browser, grown):
    path, grow = grown
    said = []
    with dashboard(path) as address:
        page = opened(browser, address, said, [])
        away = path.with_suffix(".away")
        path.rename(away)
        wait_for_text(page, "#trouble", f"There is no database at {path}")
        assert page.locator("#live").get_attribute("class") == "live trouble"
        away.rename(path)
        grow(MORE)
        wait_for_text(page, "[data-part=progress]", f"{MORE} of {MORE} trials")
        assert page.locator("#trouble").inner_text() == ""
        page.context.close()
    assert said == []


def test_a_dashboard_that_has_ended_is_told(browser, grown):
    path, _ = grown
    with command(path) as address:
        page = opened(browser, address, [], [])
    wait_for_text(page, "#trouble", "The dashboard does not answer")
    page.context.close()


def ask(address, method="GET", **headers):
    request = urllib.request.Request(address, method=method, headers=headers)  # noqa: S310 - a loopback address
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310 - likewise
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, dict(refused.headers), refused.read()


def test_it_only_shows_and_only_to_its_own_names(grown):
    path, _ = grown
    before = path.read_bytes()
    with dashboard(path) as address:
        port = address.rsplit(":", 1)[1].strip("/")
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            status, headers, _ = ask(address, method)
            assert (status, headers["Allow"]) == (405, "GET, HEAD")
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", ""):
            assert ask(f"{address}state", Host=host)[0] == 421
        for host in (f"localhost:{port}", f"127.0.0.1:{port}"):
            assert ask(f"{address}state", Host=host)[0] == 200
        assert ask(f"{address}../etc/passwd")[0] == 404
        status, headers, body = ask(address, "HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["Content-Length"]) > 1_000_000
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "connect-src 'self';" in policy
        tag = ask(f"{address}state")[1]["ETag"]
        assert ask(f"{address}state", **{"If-None-Match": tag})[0] == 304
    assert path.read_bytes() == before


def test_it_answers_many_at_once_while_a_search_writes(grown):
    path, grow = grown
    with dashboard(path) as address:
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(ask(f"{address}state")[0]))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        grow(MORE)
        for thread in threads:
            thread.join(timeout=300)
    assert found == [200] * 12


def test_optuna_dashboard_shows_the_study_and_follows_it(browser, grown):
    pytest.importorskip("optuna_dashboard")
    path, grow = grown
    said, asked = [], []
    with command(path, "--optuna") as address:
        [study] = json.loads(ask(f"{address}api/studies")[2])["study_summaries"]
        assert study["study_name"] == "growing"
        detail = f"{address}api/studies/{study['study_id']}"
        trials = json.loads(ask(detail)[2])["trials"]
        assert len(trials) == BEGUN
        assert {t["state"] for t in trials} <= {"Complete", "Pruned", "Fail"}
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_text("growing").first.click()
        page.wait_for_selector(".js-plotly-plot")
        page.close()
        assert ask(f"{address}api/studies", "POST")[0] == 405
        assert ask(detail, "DELETE")[0] == 405
        assert ask(detail, Host="evil.example")[0] == 421
        grow(MORE)
        for _ in range(100):
            if len(json.loads(ask(detail)[2])["trials"]) == MORE:
                break
            time.sleep(0.2)
        assert len(json.loads(ask(detail)[2])["trials"]) == MORE
    assert said == []
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
