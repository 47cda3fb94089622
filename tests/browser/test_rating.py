"""A rater goes through a study in a browser, with the keyboard alone."""

import pytest
from playwright.sync_api import expect

from evaluation.models import Rating, Study
from evaluation.rules import Rules
from tests.browser.sitting import until
from tests.evaluation.studies import study_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def start(page, study):
    """Open the link and press Start, which has the focus."""
    page.goto(study.raters.get().get_absolute_url())
    page.locator("button.go:focus").wait_for()
    page.keyboard.press("Enter")


def test_a_rater_votes_by_keyboard_from_the_welcome_to_the_thanks(project, page):
    study = study_of(project, items=4, raters=1, ratings=1, trials=4)
    start(page, study)
    for number, key in enumerate(["1", "b", "3", "4"], start=1):
        page.get_by_text(f"Pair {number} of 4").wait_for()
        page.locator("rating-form:defined").wait_for()  # its keys are heard from here on
        page.keyboard.press(key)
        page.keyboard.press("Enter")
    page.get_by_text("That was the last pair. Thank you.").wait_for()
    choices = list(Rating.objects.order_by("pk").values_list("choice", flat=True))
    assert choices == ["left", "right", "both_good", "both_bad"]


def test_space_plays_and_pauses_and_a_reason_may_hold_every_letter(project, page):
    study = study_of(project, items=1, raters=1, contenders=2)
    start(page, study)
    page.locator("audio").wait_for()
    page.locator("rating-form:defined").wait_for()
    until(page, "document.querySelector('audio').readyState >= 2")
    page.evaluate("document.querySelector('audio').loop = true")
    page.keyboard.press("Space")
    until(page, "!document.querySelector('audio').paused")
    page.keyboard.press("Space")
    until(page, "document.querySelector('audio').paused")
    page.get_by_label("Why? (optional)").fill("")
    page.keyboard.type("a b 1 2 3 4")
    expect(page.locator("input:checked")).to_have_count(0)
    page.get_by_role("radio", name="A is better").check()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("Thank you").wait_for()
    assert Rating.objects.get().reason == "a b 1 2 3 4"


def test_without_scripts_a_rater_can_vote_as_well(project, browser, site):
    study = study_of(project, items=1, raters=1, contenders=2)
    context = browser.new_context(base_url=site, java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(study.raters.get().get_absolute_url())
    page.get_by_role("button", name="Start").click()
    page.get_by_role("radio", name="Both bad").check()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("Thank you").wait_for()
    context.close()
    assert Rating.objects.get().choice == "both_bad"


def test_two_enters_in_a_row_save_one_vote(project, page):
    study = study_of(project, items=2, raters=1, contenders=2)
    start(page, study)
    page.get_by_text("Pair 1 of 2").wait_for()
    page.locator("rating-form:defined").wait_for()
    page.keyboard.press("1")
    page.evaluate("const f = document.querySelector('form'); f.requestSubmit(); f.requestSubmit()")
    page.get_by_text("Pair 2 of 2").wait_for()
    assert Rating.objects.count() == 1


def test_going_back_brings_no_choice_with_it(project, page):
    study = study_of(project, items=4, raters=1, ratings=1, trials=4, contenders=2)
    start(page, study)
    for number in (1, 2):
        page.get_by_text(f"Pair {number} of 4").wait_for()
        page.get_by_role("radio", name="B is better").check()
        page.get_by_label("Why? (optional)").fill("Clearer.")
        page.get_by_role("button", name="Save and go on").click()
    page.get_by_text("Pair 3 of 4").wait_for()
    page.go_back()
    page.wait_for_load_state("load")
    page.locator("rating-form:defined").wait_for()
    expect(page).to_have_title("Pair 3 of 4")
    expect(page.locator("input:checked")).to_have_count(0)
    expect(page.get_by_label("Why? (optional)")).to_have_value("")
    page.keyboard.press("Enter")
    page.reload()
    page.get_by_text("Pair 3 of 4").wait_for()
    assert Rating.objects.count() == 2


def test_the_last_vote_is_changed_from_the_thanks_and_a_second_enter_does_not_end_the_study(project, page):
    study = study_of(project, items=1, raters=1, contenders=2)
    Study.objects.filter(pk=study.pk).update(panel={"codes": {"complete": "CDONE"}})
    start(page, study)
    page.locator("rating-form:defined").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.get_by_text("That was the last pair. Thank you.").wait_for()
    page.locator("rating-form:defined").wait_for()
    page.keyboard.press("Enter")  # a finger that bounces
    page.keyboard.press("u")
    page.get_by_text("once more").wait_for()
    page.locator("rating-form:defined").wait_for()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.get_by_text("That was the last pair. Thank you.").wait_for()
    assert list(Rating.objects.order_by("pk").values_list("choice", flat=True)) == ["left", "right"]
    page.get_by_role("button", name="Finish and show my code").click()
    page.get_by_text("CDONE").wait_for()
    expect(page.get_by_role("link", name="Change my last vote")).to_have_count(0)


def test_a_trial_with_criteria_that_may_be_left_open_takes_three_keys(project, page):
    rules = Rules(scale="five", criteria=("technical_accuracy", "helpfulness", "fluency"), criteria_optional=True)
    study = study_of(project, items=2, raters=1, ratings=1, contenders=2, rules=rules)
    start(page, study)
    page.get_by_text("Pair 1 of 2").wait_for()
    page.locator("rating-form:defined").wait_for()
    for key in ("2", "q", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Pair 2 of 2").wait_for()
    page.locator("rating-form:defined").wait_for()
    for key in ("x", "q", "q", "a", "Enter"):  # the same key again takes it back
        page.keyboard.press(key)
        if key == "a":
            expect(page.locator(".rows input:checked[value='']")).to_have_count(2)
    page.get_by_text("Thank you").wait_for()
    first, second = Rating.objects.order_by("pk")
    assert (first.choice, list(first.criteria.values())) == ("left", ["left"])
    assert (second.choice, second.criteria) == ("cannot_judge", {})
