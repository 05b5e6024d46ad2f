"""The page in a real Chromium: it works, says nothing on the console, and asks for nothing."""

from dataclasses import replace

import numpy as np
import pytest

from reports.page import write_page
from reports.units import percent
from trials.records import TrialState

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def address(summary, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_page(summary, path, study_file="name = 'made-up'").as_uri()


@pytest.fixture
def page(browser, address):
    """The page, ready; in the end nothing was said and nothing asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    said, asked = [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(address)
    opened.wait_for_selector("html[data-ready]")
    yield opened
    assert said == []
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [address]
    context.close()


def wait_until(page, expression, wanted):
    """Wait for a value; the page's policy refuses the way in which playwright waits."""
    for _ in range(50):
        if page.evaluate(expression) == wanted:
            return
        page.wait_for_timeout(100)
    assert page.evaluate(expression) == wanted


def slide(page, share):
    page.locator("#budget").evaluate(
        "(slider, share) => { slider.value = share; slider.dispatchEvent(new Event('input')); }",
        share,
    )


def budget(page):
    return int(page.locator("#budget-text").inner_text().replace(",", ""))


def test_the_slider_picks_the_best_that_the_budget_buys_and_its_command(page, summary):
    for share in (0, 250, 500, 800, 1000):
        slide(page, share)
        best = [t for t in summary.front if t.trial.params <= budget(page)][-1]
        command = page.locator("#found-command").inner_text()
        assert command.startswith(f"kwsearch export made-up --trial {best.number} -o made-up-")
        assert f"{best.trial.params:,} parameters" in page.locator("#found-size").inner_text()
        assert page.locator("#front-rows .chosen").get_attribute("data-trial") == str(best.number)
    assert budget(page) == 200_000


def test_a_trial_that_was_trained_again_shows_its_mean_and_every_training(browser, again, tmp_path):
    page = browser.new_page()
    page.goto(write_page(again, tmp_path / "again.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    best = again.front[-1]
    found = page.locator("#found-accuracy").inner_text()
    assert found == percent(best.accuracy, best.accuracy_error)
    page.locator("#front-rows .open").last.click()
    told = page.locator("#trial-facts").inner_text()
    for accuracy in again.means[best.number].accuracies:
        assert percent(accuracy) in told
    page.close()


def test_the_slider_moves_by_keyboard(page):
    page.locator("#budget").focus()
    page.keyboard.press("Home")
    smallest = budget(page)
    page.keyboard.press("ArrowRight")
    assert smallest < budget(page) < 200_000


def shown(page):
    rows = page.locator("#trial-rows tr")
    return [int(rows.nth(i).get_attribute("data-trial")) for i in range(rows.count())]


def test_the_table_filters_by_state_words_and_size(page, summary):
    page.locator("#state").select_option("failed")
    assert shown(page) == [0]
    page.locator("#state").select_option("complete")
    complete = [t.number for t in summary.trials if t.state is TrialState.COMPLETE]
    assert sorted(shown(page)) == complete
    page.locator("#state").select_option("")
    page.locator("#most").fill("20k")
    small = [t.number for t in summary.trials if t.trial.params <= 20_000]
    assert sorted(shown(page)) == small
    page.locator("#most").fill("")
    words = ("LAYER", "STAGE", "NETWORK")
    other = next(w for w in words if w.lower() != summary.trials[0].values["sharing_range"])
    page.locator("#words").fill(f"{other} failed")
    assert shown(page) == []
    page.locator("#words").fill("Failed alert")  # of the state, and of the reason
    assert shown(page) == [0]
    page.locator("#words").fill("nothing like this")
    assert shown(page) == []


def test_the_table_sorts_either_way_and_has_pages(page, summary):
    params = [t.trial.params for t in summary.trials]
    head = page.locator("#trial-heads button", has_text="Parameters")
    head.click()
    assert [params[n] for n in shown(page)] == sorted(params, reverse=True)[:25]
    head.click()
    assert [params[n] for n in shown(page)] == sorted(params)[:25]
    assert page.locator("#trial-heads [aria-sort=ascending]").inner_text() == "Parameters"
    page.locator("#after").click()
    assert [params[n] for n in shown(page)] == sorted(params)[25:]
    assert page.locator("#after").is_disabled()


def test_a_trial_opens_with_its_curve_and_the_reason_it_was_stopped(page, summary):
    stopped = next(t for t in summary.trials if t.state is TrialState.STOPPED)
    page.locator("#words").fill(f"{stopped.trial.params:,}")
    page.locator(f"#trial-rows [data-trial='{stopped.number}'] .open").click()
    assert page.locator("#trial").is_visible()
    assert page.locator("#trial-reason").inner_text() == f"{stopped.cause}: {stopped.detail}"
    assert f"--trial {stopped.number} " in page.locator("#trial-command").inner_text()
    page.wait_for_selector("#figure-trial .scatterlayer .point")
    points = page.locator("#figure-trial .scatterlayer .point").count()
    assert points == len(summary.measurements[stopped.number])
    page.keyboard.press("Escape")
    assert not page.locator("#trial").is_visible()


def test_html_in_a_failure_is_shown_as_text(page):
    page.locator("#state").select_option("failed")
    page.locator("#trial-rows .open").click()
    assert EVIL in page.locator("#trial-reason").inner_text()
    assert page.locator("#trial-reason script").count() == 0


def test_every_figure_is_drawn_and_switches(page):
    for name in ("front", "growth", "curves", "agreement", "importances"):
        page.locator(f"#figure-{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#figure-{name} .main-svg")
    page.locator("#clock button", has_text="Epochs").click()
    wait_until(
        page, "document.querySelector('#figure-growth .xtitle').textContent", "Epochs trained"
    )
    page.locator("#size button", has_text="MACs").click()
    wait_until(
        page, "document.querySelector('#figure-front .xtitle').textContent", "MACs of one image"
    )


UNDRAWN = """[...document.querySelectorAll("main .figure")]
    .filter((place) => !place.hidden && !place.querySelector(".main-svg")).length"""


def test_figures_out_of_sight_are_drawn_for_whoever_takes_the_page_whole(page):
    wait_until(page, UNDRAWN, 0)


def test_a_printed_page_has_every_figure(page):
    """The printer comes at once, and asks for the page as it is."""
    wait_until(page, UNDRAWN, 0)
    assert page.pdf().count(b"/Type /Page\n") + page.pdf().count(b"/Type /Page ") > 1
    page.emulate_media(media="print")
    wait_until(page, UNDRAWN, 0)


def test_no_two_ticks_of_an_axis_say_the_same(page):
    """Also where accuracies lie close together."""
    wait_until(page, UNDRAWN, 0)
    zoomed = """() => window.Plotly.relayout("figure-front", {"yaxis.range": [0.65, 0.664]})"""
    page.evaluate(zoomed)
    told = page.evaluate(
        """[...document.querySelectorAll(".js-plotly-plot")].map((place) =>
            [...place.querySelectorAll(".ytick text")].map((tick) => tick.textContent))"""
    )
    assert len(told) > 3
    assert any("." in tick for tick in told[0])
    for ticks in told:
        assert len(ticks) == len(set(ticks))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling_and_colours_follow_the_reader(
    browser, address, scheme
):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#figure-front .main-svg")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    line = "document.querySelector('#figure-front .js-line').style.stroke"
    wanted = "rgb(125, 176, 255)" if scheme == "light" else "rgb(29, 95, 209)"
    wait_until(page, line, wanted)
    context.close()


def test_nothing_that_only_screens_need_is_printed(page):
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator(".filters").is_visible()
    assert page.locator("#front-rows").is_visible()
    assert page.locator("#trial-heads button").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_reader_of_dark_pages_prints_them_light(page):
    page.emulate_media(color_scheme="dark")
    line = "document.querySelector('#figure-front .js-line').style.stroke"
    page.wait_for_selector("#figure-front .main-svg")
    wait_until(page, line, "rgb(125, 176, 255)")
    page.emulate_media(color_scheme="dark", media="print")
    wait_until(page, line, "rgb(29, 95, 209)")


def five_thousand(summary):
    """The study's trials over and over, each of another size and accuracy."""
    rng = np.random.default_rng(0)
    trials, measurements = [], {}
    for number in range(5000):
        record = summary.trials[number % len(summary.trials)]
        scale = float(rng.uniform(0.9, 1.0))
        trial = replace(
            record.trial, number=number, params=int(record.trial.params * rng.uniform(0.8, 1.2))
        )
        trials.append(replace(record, trial=trial, accuracy=record.accuracy * scale))
        measurements[number] = tuple(
            replace(m, accuracy=m.accuracy * scale) for m in summary.measurements[record.number]
        )
    return replace(summary, trials=tuple(trials), measurements=measurements)


@pytest.mark.slow
def test_five_thousand_trials_make_a_small_page_that_is_painted_at_once(browser, summary, tmp_path):
    path = write_page(five_thousand(summary), tmp_path / "large.html")
    assert path.stat().st_size < 6_000_000
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector("#figure-front .main-svg", timeout=300_000)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 2000
    assert "of 5,000" in page.locator("#shown").inner_text()
    page.close()
